package com.f2x.neurohub.wipviews.cli.output;

import com.f2x.neurohub.wipviews.jooq.tables.records.MvProcessWipQueueRecord;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvWipStatusDashboardRecord;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.Help.Ansi.Text;

/** The two views for people: the columns that one looks at first. */
public final class FactoryTables {

  private static final int LONGEST_BAR = 36;

  private final Output output;

  public FactoryTables(Output output) {
    this.output = output;
  }

  /** Prints the lots with the most work under way. */
  public void dashboard(List<MvWipStatusDashboardRecord> lots, int shown) {
    Grid grid =
        output
            .grid()
            .left("LOT")
            .left("STATUS")
            .right("ITEMS")
            .right("DONE")
            .right("FAILED")
            .right("P1")
            .right("P2")
            .right("P3")
            .right("P4")
            .right("P5")
            .right("P6")
            .right("CYCLE");
    lots.stream()
        .sorted(
            Comparator.comparing(MvWipStatusDashboardRecord::getInProgressCount)
                .reversed()
                .thenComparing(MvWipStatusDashboardRecord::getLotNumber))
        .limit(shown)
        .forEach(
            lot ->
                grid.row(
                    lot.getLotNumber(),
                    lot.getLotStatus(),
                    Formats.count(lot.getTotalWipCount()),
                    Formats.percent(lot.getCompletionRatePct()),
                    lot.getFailedCount() == 0 ? "0" : output.bad(lot.getFailedCount().toString()),
                    lot.getAtProcess_1Count(),
                    lot.getAtProcess_2Count(),
                    lot.getAtProcess_3Count(),
                    lot.getAtProcess_4Count(),
                    lot.getAtProcess_5Count(),
                    lot.getAtProcess_6Count(),
                    Formats.seconds(lot.getAvgCycleTimeSeconds())));
    output.print(grid);
    if (lots.size() > shown) {
      Map<String, Long> statuses =
          lots.stream()
              .collect(
                  Collectors.groupingBy(
                      MvWipStatusDashboardRecord::getLotStatus, Collectors.counting()));
      output.paragraph(
          "… and "
              + Formats.count(lots.size() - shown, "more lot")
              + "; in all "
              + statuses.entrySet().stream()
                  .sorted(Map.Entry.comparingByKey())
                  .map(status -> status.getValue() + " " + status.getKey())
                  .collect(Collectors.joining(", "))
              + ".");
    }
  }

  /** Prints a row per station. */
  public void queue(List<MvProcessWipQueueRecord> stations) {
    Grid grid =
        output
            .grid()
            .right("#")
            .wrapping("STATION")
            .left("공정")
            .right("ITEMS")
            .right("FAIL")
            .right("WAIT")
            .right("LONGEST")
            .right("DONE/H")
            .right("PASS");
    for (MvProcessWipQueueRecord station : inOrder(stations)) {
      grid.row(
          station.getProcessNumber(),
          station.getProcessNameEn(),
          station.getProcessNameKo(),
          Formats.count(station.getWipCountAtProcess()),
          Formats.count(station.getFailedCount()),
          Formats.seconds(station.getAvgWaitTimeSeconds()),
          Formats.seconds(station.getMaxWaitTimeSeconds()),
          Formats.count(station.getCompletedLastHour()),
          Formats.percent(station.getPassRateLastHourPct()));
    }
    output.print(grid);
  }

  /** Prints the queues as bars, with what needs somebody's attention. */
  public void bars(List<MvProcessWipQueueRecord> stations) {
    long most =
        stations.stream().mapToLong(MvProcessWipQueueRecord::getWipCountAtProcess).max().orElse(0);
    Grid grid = output.grid().wrapping("STATION").left("WAITING").right("ITEMS").left("");
    for (MvProcessWipQueueRecord station : inOrder(stations)) {
      long items = station.getWipCountAtProcess();
      long length = most == 0 ? 0 : Math.round((double) items * LONGEST_BAR / most);
      String bar = "█".repeat((int) (items > 0 ? Math.max(1, length) : 0));
      boolean bottleneck = station.getIsBottleneck();
      boolean stuck = station.getHasStuckWip();
      grid.row(
          station.getProcessNameKo(),
          bottleneck ? output.bad(bar) : stuck ? output.warning(bar) : output.good(bar),
          Formats.count(items),
          marks(bottleneck, stuck));
    }
    output.print(grid);
  }

  private Text marks(boolean bottleneck, boolean stuck) {
    if (bottleneck) {
      return output.bad(stuck ? "bottleneck, stuck" : "bottleneck");
    }
    return stuck ? output.warning("stuck") : output.plain("");
  }

  /** Prints what became of the queues between two reads. */
  public void difference(
      List<MvProcessWipQueueRecord> before, List<MvProcessWipQueueRecord> after) {
    Map<Long, MvProcessWipQueueRecord> earlier =
        before.stream()
            .collect(Collectors.toMap(MvProcessWipQueueRecord::getProcessId, Function.identity()));
    Grid grid =
        output
            .grid()
            .right("#")
            .wrapping("STATION")
            .right("ITEMS")
            .right("NOW")
            .right("CHANGE")
            .right("DONE/H")
            .right("NOW")
            .right("CHANGE");
    for (MvProcessWipQueueRecord now : inOrder(after)) {
      MvProcessWipQueueRecord then = earlier.get(now.getProcessId());
      grid.row(
          now.getProcessNumber(),
          now.getProcessNameKo(),
          Formats.count(then.getWipCountAtProcess()),
          Formats.count(now.getWipCountAtProcess()),
          change(then.getWipCountAtProcess(), now.getWipCountAtProcess()),
          Formats.count(then.getCompletedLastHour()),
          Formats.count(now.getCompletedLastHour()),
          change(then.getCompletedLastHour(), now.getCompletedLastHour()));
    }
    output.print(grid);
  }

  private Text change(long before, long after) {
    return before == after
        ? output.plain(Formats.NONE)
        : output.strong((after > before ? "+" : "") + (after - before));
  }

  private static List<MvProcessWipQueueRecord> inOrder(List<MvProcessWipQueueRecord> stations) {
    return stations.stream()
        .sorted(Comparator.comparing(MvProcessWipQueueRecord::getProcessNumber))
        .toList();
  }
}
