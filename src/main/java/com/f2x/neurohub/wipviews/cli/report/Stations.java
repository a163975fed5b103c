package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvProcessWipQueueRecord;
import java.util.Comparator;
import java.util.List;

/** The queue of each station, in the order of the line. */
record Stations(String rule, List<Row> rows, List<Tile> tiles) {

  /**
   * @param share of the longest queue, in percent
   */
  record Row(
      int number,
      String name,
      String koreanName,
      String mood,
      String share,
      boolean bottleneck,
      boolean stuck,
      String items,
      String failed,
      String meanWait,
      String longestWait,
      String doneLastHour,
      String passed) {}

  static Stations of(List<MvProcessWipQueueRecord> queue) {
    long most =
        queue.stream().mapToLong(MvProcessWipQueueRecord::getWipCountAtProcess).max().orElse(0);
    return new Stations(
        Formats.WHERE_AN_ITEM_IS,
        queue.stream()
            .sorted(Comparator.comparing(MvProcessWipQueueRecord::getProcessNumber))
            .map(station -> row(station, most))
            .toList(),
        tiles(queue));
  }

  private static Row row(MvProcessWipQueueRecord station, long most) {
    return new Row(
        station.getProcessNumber(),
        station.getProcessNameEn(),
        station.getProcessNameKo(),
        station.getIsBottleneck() ? "bad" : station.getHasStuckWip() ? "warn" : "plain",
        Share.of(station.getWipCountAtProcess(), most),
        station.getIsBottleneck(),
        station.getHasStuckWip(),
        Formats.count(station.getWipCountAtProcess()),
        Formats.count(station.getFailedCount()),
        Formats.seconds(station.getAvgWaitTimeSeconds()),
        Formats.seconds(station.getMaxWaitTimeSeconds()),
        Formats.count(station.getCompletedLastHour()),
        Formats.percent(station.getPassRateLastHourPct()));
  }

  private static List<Tile> tiles(List<MvProcessWipQueueRecord> queue) {
    long items = queue.stream().mapToLong(MvProcessWipQueueRecord::getWipCountAtProcess).sum();
    long bottlenecks = queue.stream().filter(MvProcessWipQueueRecord::getIsBottleneck).count();
    long stuck = queue.stream().filter(MvProcessWipQueueRecord::getHasStuckWip).count();
    return List.of(
        Tile.of(items, "item at the stations", "items at the stations", ""),
        Tile.of(bottlenecks, "bottleneck", "bottlenecks", bottlenecks > 0 ? "bad" : "good"),
        Tile.of(
            stuck,
            "station with stuck items",
            "stations with stuck items",
            stuck > 0 ? "warn" : "good"));
  }
}
