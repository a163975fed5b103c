package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How fresh each registered view is. */
record FreshnessTable(boolean none, List<Row> rows, List<Tile> tiles) {

  /**
   * @param share of the target that its age is, in percent
   * @param outcome of the last attempts; null if one has failed, once
   * @param error of the last attempt; null if it did not fail
   * @param running what refreshes it now; null if nothing does
   */
  record Row(
      String name,
      String state,
      String mood,
      String age,
      String share,
      boolean failing,
      @Nullable String outcome,
      @Nullable String error,
      @Nullable String running,
      String target,
      String took,
      String rowCount,
      String size) {}

  static FreshnessTable of(List<Freshness> views) {
    long fresh = views.stream().filter(view -> view.state() == State.FRESH).count();
    return new FreshnessTable(
        views.isEmpty(),
        views.stream().map(FreshnessTable::row).toList(),
        List.of(
            new Tile(
                fresh + " of " + views.size(),
                "views fresh",
                fresh == views.size() ? "good" : "bad")));
  }

  private static Row row(Freshness view) {
    return new Row(
        view.view(),
        ConstantNames.of(view.state()),
        mood(view.state()),
        view.age() == null ? "never refreshed" : Formats.coarse(view.age()),
        Share.of(view.age() == null ? 0 : view.age().toMillis(), view.target().toMillis()),
        view.failuresInARow() > 0,
        outcome(view),
        view.lastError(),
        view.runningFor() == null
            ? null
            : "running for "
                + Formats.duration(view.runningFor())
                + " (pid "
                + view.runningPid()
                + ")",
        Formats.duration(view.target()),
        Formats.duration(view.lastDuration()),
        Formats.count(view.rows()),
        Formats.size(view.bytes()));
  }

  private static @Nullable String outcome(Freshness view) {
    if (view.failuresInARow() > 0) {
      return view.failuresInARow() == 1
          ? null
          : Formats.count(view.failuresInARow()) + " times in a row";
    }
    return view.lastOutcome() == null ? "none yet" : ConstantNames.of(view.lastOutcome());
  }

  private static String mood(State state) {
    return switch (state) {
      case FRESH -> "good";
      case STALE, FROZEN -> "warn";
      case UNPOPULATED, MISSING -> "bad";
    };
  }
}
