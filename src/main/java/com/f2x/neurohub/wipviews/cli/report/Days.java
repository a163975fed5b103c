package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.DailyRefreshes;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import java.util.List;

/** The refreshes of the last days, a row for each day and view. */
record Days(int daysShown, List<Row> days) {

  /** A view's day. */
  record Row(
      String day,
      String view,
      String attempts,
      String failed,
      String median,
      String p95,
      String longest) {}

  static Days of(List<DailyRefreshes> daily, int daysShown) {
    return new Days(daysShown, daily.stream().map(Days::row).toList());
  }

  private static Row row(DailyRefreshes day) {
    return new Row(
        day.day().toString(),
        day.view(),
        Formats.count(day.attempts()),
        Formats.count(day.failed()),
        Formats.duration(day.p50Duration()),
        Formats.duration(day.p95Duration()),
        Formats.duration(day.maxDuration()));
  }
}
