package com.example.mes;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;

import com.f2x.neurohub.wipviews.WipViews;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the dashboard shows of each station. */
@RestController
class Stations {

  /** One station, and what waits there. */
  record Station(String name, int waiting, boolean bottleneck) {}

  private final WipViews views;

  Stations(WipViews views) {
    this.views = views;
  }

  @GetMapping("/stations")
  List<Station> stations() {
    return views.rows(MV_PROCESS_WIP_QUEUE).stream()
        .map(
            row ->
                new Station(
                    row.getProcessNameEn(),
                    row.getWipCountAtProcess().intValue(),
                    row.getIsBottleneck()))
        .toList();
  }
}
