package com.example.floor;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvProcessWipQueueRecord;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/** Tells where the floor's work waits. Deploys the views when it starts. */
public final class QueueBoard {

  private final WipViews views;

  public QueueBoard(DataSource dataSource) {
    WipViewsMigration.of(dataSource).withParameter("bottleneckAbove", "2").update();
    views = WipViews.of(dataSource);
  }

  /** Refreshes the queue unless it is fresh enough. */
  public Optional<Refresh> refresh(Duration maxAge) {
    return views.refreshIfOlderThan(MV_PROCESS_WIP_QUEUE, maxAge);
  }

  public List<String> bottlenecks() {
    return views.rows(MV_PROCESS_WIP_QUEUE).stream()
        .filter(MvProcessWipQueueRecord::getIsBottleneck)
        .map(MvProcessWipQueueRecord::getProcessNameEn)
        .toList();
  }
}
