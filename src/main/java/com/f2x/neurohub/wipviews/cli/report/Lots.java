package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvWipStatusDashboardRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The open lots.
 *
 * @param steps how many lots are how far
 * @param underWay those that have begun and are not done; null if there is none
 */
record Lots(boolean none, List<Step> steps, @Nullable UnderWay underWay, List<Tile> tiles) {

  private static final int SHOWN = 12;
  private static final int HIGHEST = 84;
  private static final String[] STEPS = {
    "empty", "0%", "1–24%", "25–49%", "50–74%", "75–99%", "100%"
  };

  /**
   * @param height of its bar, in pixels
   */
  record Step(String name, String lots, String height) {}

  /**
   * @param more how many are not shown; null if all are
   */
  record UnderWay(List<Row> rows, @Nullable String more) {}

  /**
   * @param parts of its bar, and the same in words
   */
  record Row(
      String number,
      List<Part> parts,
      String description,
      String completed,
      String inProgress,
      String failed,
      String meanCycle) {}

  /**
   * @param share of the lot, in percent
   */
  record Part(String kind, String share) {}

  static Lots of(List<MvWipStatusDashboardRecord> lots) {
    return new Lots(
        lots.isEmpty(),
        steps(lots),
        underWay(lots),
        List.of(Tile.of(lots.size(), "open lot", "open lots", "")));
  }

  private static List<Step> steps(List<MvWipStatusDashboardRecord> lots) {
    long[] counts = new long[STEPS.length];
    lots.forEach(lot -> counts[step(lot)]++);
    long most = Arrays.stream(counts).max().orElse(0);
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < STEPS.length; i++) {
      double height = most == 0 ? 0 : (double) HIGHEST * counts[i] / most;
      steps.add(new Step(STEPS[i], Formats.count(counts[i]), Share.number(Math.max(2, height))));
    }
    return steps;
  }

  private static int step(MvWipStatusDashboardRecord lot) {
    if (lot.getTotalWipCount() == 0) {
      return 0;
    } else if (lot.getCompletedCount() == 0) {
      return 1;
    } else if (lot.getCompletedCount().equals(lot.getTotalWipCount())) {
      return 6;
    }
    return 2 + (int) (4 * lot.getCompletedCount() / lot.getTotalWipCount());
  }

  private static @Nullable UnderWay underWay(List<MvWipStatusDashboardRecord> lots) {
    List<Row> rows =
        lots.stream()
            .filter(lot -> lot.getTotalWipCount() > 0)
            .filter(lot -> lot.getCompletedCount() < lot.getTotalWipCount())
            .sorted(
                Comparator.comparing(MvWipStatusDashboardRecord::getCompletionRatePct)
                    .reversed()
                    .thenComparing(MvWipStatusDashboardRecord::getLotNumber))
            .map(Lots::row)
            .toList();
    if (rows.isEmpty()) {
      return null;
    }
    int more = rows.size() - SHOWN;
    return new UnderWay(
        rows.subList(0, Math.min(SHOWN, rows.size())),
        more > 0 ? "… and " + Formats.count(more, "more lot") + " under way." : null);
  }

  private static Row row(MvWipStatusDashboardRecord lot) {
    long total = lot.getTotalWipCount();
    return new Row(
        lot.getLotNumber(),
        List.of(
            new Part("done", Share.of(lot.getCompletedCount(), total)),
            new Part("line", Share.of(lot.getInProgressCount(), total)),
            new Part("failed", Share.of(lot.getFailedCount(), total))),
        String.format(
            Locale.ROOT,
            "%d completed, %d in progress, %d failed, %d not begun of %d",
            lot.getCompletedCount(),
            lot.getInProgressCount(),
            lot.getFailedCount(),
            lot.getCreatedCount(),
            total),
        Formats.percent(lot.getCompletionRatePct()),
        Formats.count(lot.getInProgressCount()),
        Formats.count(lot.getFailedCount()),
        Formats.seconds(lot.getAvgCycleTimeSeconds()));
  }
}
