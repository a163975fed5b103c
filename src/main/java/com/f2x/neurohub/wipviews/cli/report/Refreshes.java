package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.cli.output.RecentRefreshes;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How long refreshes take.
 *
 * @param charts one for each view that has been refreshed
 */
record Refreshes(boolean none, List<DurationChart> charts, Section<Days> daily) {

  static Refreshes of(Map<String, RecentRefreshes> byView, Section<Days> daily, ZoneId zone) {
    List<DurationChart> charts = new ArrayList<>();
    byView.forEach(
        (view, recent) -> {
          if (!recent.attempts().isEmpty()) {
            charts.add(
                DurationChart.of("chart-" + (charts.size() + 1), view, recent.lastDay(), zone));
          }
        });
    return new Refreshes(charts.isEmpty(), charts, daily);
  }
}
