package com.f2x.neurohub.wipviews.internal.doctor;

import java.util.List;
import java.util.stream.Stream;

/** Rows with a time that is yet to come: a clock that is wrong, or a zone that was left out. */
final class FutureRows implements Check {

  /** Clocks differ by less. */
  private static final String SOON = "now() + interval '5 minutes'";

  @Override
  public String id() {
    return "future-rows";
  }

  @Override
  public List<Fault> look(Site site) {
    if (!site.mayRead("wip_item_station", "wip_process_history")) {
      return List.of();
    }
    return Stream.concat(
            look(
                site,
                "wip_process_history",
                "completed_at",
                "executions ended in the future",
                "They count as the last hour's when their time has come, and until then not at"
                    + " all."),
            look(
                site,
                "wip_item_station",
                "since",
                "items are at their station since a time in the future",
                "Their waits are negative, and lower the station's mean."))
        .toList();
  }

  private Stream<Fault> look(Site site, String table, String time, String what, String why) {
    String those = "FROM %s WHERE %s > %s".formatted(site.qualified(table), time, SOON);
    return site
        .db()
        .resultQuery("SELECT count(*) " + those + " HAVING count(*) > 0")
        .fetch(
            row ->
                Fault.of(
                    this,
                    table,
                    "%,d %s".formatted(row.get(0, Long.class), what),
                    why,
                    "SELECT * " + those + " ORDER BY " + time + ";"))
        .stream();
  }
}
