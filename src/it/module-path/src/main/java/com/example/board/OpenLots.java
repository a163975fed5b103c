package com.example.board;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvWipStatusDashboardRecord;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.List;
import javax.sql.DataSource;

/** The open lots, by number. */
public final class OpenLots {

  private final WipViews views;

  public OpenLots(DataSource dataSource) {
    WipViewsMigration.of(dataSource).update();
    views = WipViews.of(dataSource);
  }

  public List<String> numbers() {
    views.refresh(MV_WIP_STATUS_DASHBOARD);
    return views.rows(MV_WIP_STATUS_DASHBOARD).stream()
        .map(MvWipStatusDashboardRecord::getLotNumber)
        .sorted()
        .toList();
  }
}
