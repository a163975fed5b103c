package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;

import java.sql.Connection;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * What an index for the views costs the MES with each row that it writes. Written set by set, so
 * that the server's work is measured and not the round trips of single statements: a real MES
 * notices less.
 */
class MesWritesBench {

  @RegisterExtension static final Report report = new Report();

  private static final int TURNS = 7;
  private static final int ROWS = 10_000;

  /** Those that mes-indexes.changelog.yaml builds where an MES lacks them. */
  private static final List<String> SUPPORTING =
      List.of(
          "CREATE INDEX ON wip_items (lot_id)",
          "CREATE INDEX ON wip_items (status)",
          "CREATE INDEX ON wip_process_history (wip_item_id)",
          "CREATE INDEX ON wip_process_history (completed_at) WHERE completed_at IS NOT NULL");

  /** Those that would let the views read from indexes alone. Not deployed: see ARCHITECTURE.md. */
  private static final List<String> COVERING =
      List.of(
          "CREATE INDEX ON wip_items (lot_id, status) INCLUDE (serial_id, created_at,"
              + " completed_at, converted_at)",
          "CREATE INDEX ON wip_process_history (completed_at) INCLUDE (process_id, result,"
              + " duration_seconds) WHERE completed_at IS NOT NULL");

  /** One that has the newest row of an item in front. Not deployed: see ARCHITECTURE.md. */
  private static final String NEWEST_FIRST =
      "CREATE INDEX newest_first ON wip_process_history (wip_item_id, started_at DESC)";

  private static final String NEWEST =
      "SELECT item.id, newest.* FROM wip_items AS item LEFT JOIN LATERAL (SELECT process_id,"
          + " result, started_at, completed_at FROM %s ORDER BY started_at DESC, id DESC LIMIT 1)"
          + " AS newest ON true WHERE item.status IN ('IN_PROGRESS', 'FAILED')";

  private static final List<String> DELIVERED =
      List.of(
          "DROP INDEX idx_wip_items_lot_id, idx_wip_items_status, idx_wip_items_lot_status_process,"
              + " idx_wip_process_history_completed_at, idx_wip_process_history_wip_item_id",
          "ALTER TABLE wip_items DROP CONSTRAINT wip_items_lot_id_sequence_in_lot_key");

  private static PGSimpleDataSource one;
  private static PGSimpleDataSource other;

  @BeforeAll
  static void two_copies_to_write_to() throws Exception {
    one = BenchServer.get().copy(BenchServer.get().smaller(), "writes_with");
    other = BenchServer.get().copy(BenchServer.get().smaller(), "writes_without");
  }

  @AfterAll
  static void drop_the_copies() throws Exception {
    BenchServer.get().drop(one);
    BenchServer.get().drop(other);
  }

  @Test
  void with_and_without_indexes_for_the_views() throws Exception {
    try (Connection with = one.getConnection();
        Connection without = other.getConnection()) {
      for (String index : COVERING) {
        new Sql(with).run(index);
      }
      compare("o2", "covering indexes, not deployed", with, without);
      double scale =
          Double.parseDouble(
              new Sql(with)
                  .value(
                      "SELECT sum(pg_relation_size(indexrelid)) / 1e6 FROM pg_index WHERE indnatts"
                          + " > indnkeyatts"));
      Report.row(
          "o2z", "size of the covering indexes", "", "", Measured.number(scale) + " MB", "", "");
      for (String name : List.of("wip_items", "wip_process_history")) {
        for (List<String> index :
            new Sql(with)
                .rows(
                    "SELECT indexrelid::regclass FROM pg_index WHERE indnatts > indnkeyatts AND"
                        + " indrelid = '"
                        + name
                        + "'::regclass")) {
          new Sql(with).run("DROP INDEX " + index.get(0));
        }
      }
      new Sql(with).run(NEWEST_FIRST);
      compare("o3", "(wip_item_id, started_at DESC), not deployed", with, without);
      new Sql(with).run("VACUUM ANALYZE wip_process_history");
      new Sql(without).run("VACUUM ANALYZE wip_process_history");
      String byNewest = NEWEST.formatted("wip_process_history WHERE wip_item_id = item.id");
      String byItem =
          NEWEST.formatted(
              "(SELECT * FROM wip_process_history WHERE wip_item_id = item.id OFFSET 0) AS own");
      Report.behind("o3z", "by (wip_item_id, started_at DESC)", new Sql(with).plan(byNewest));
      Report.behind("o3z", "by (wip_item_id)", new Sql(without).plan(byItem));
      Report.note(
          "o3z",
          "newest row of each item that has begun, by (wip_item_id, started_at DESC)",
          "by (wip_item_id)",
          Ratio.of(
              TURNS,
              () -> new Sql(with).serverMillis(byNewest),
              () -> new Sql(without).serverMillis(byItem)),
          "ms");
      new Sql(with).run("DROP INDEX newest_first");
      for (Connection connection : List.of(with, without)) {
        for (String drop : DELIVERED) {
          new Sql(connection).run(drop);
        }
      }
      for (String index : SUPPORTING) {
        new Sql(with).run(index);
      }
      compare("o1", "the supporting indexes, where the MES lacks them", with, without);
    }
  }

  private static void compare(String place, String which, Connection with, Connection without)
      throws Exception {
    int[] seed = {0};
    rate(
        place + "a",
        "INSERT into wip_process_history, with " + which,
        Ratio.of(TURNS, millis(() -> insert(with)), millis(() -> insert(without))));
    rate(
        place + "b",
        "UPDATE of wip_items, with " + which,
        Ratio.of(
            TURNS,
            millis(() -> update(with, seed[0]++ / 2)),
            millis(() -> update(without, seed[0]++ / 2))));
  }

  private static void rate(String place, String what, Ratio ratio) {
    Report.row(
        place,
        what,
        "without",
        ratio.toString(),
        String.format(
            Locale.ROOT,
            "%,.0f to %,.0f rows a second",
            ROWS / ratio.cost().median() * 1000,
            ROWS / ratio.besides().median() * 1000),
        "",
        "");
  }

  private static void insert(Connection connection) throws Exception {
    new Sql(connection)
        .run(
            "INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, result,"
                + " measurements, started_at, completed_at)"
                + " SELECT first + n % items, 1 + n % 6, n % 16, 'PASS',"
                + " jsonb_build_object('torque_nm', n % 100), now() - interval '3 minutes', now()"
                + " FROM (SELECT min(id) AS first, count(*) AS items FROM wip_items) AS item,"
                + " generate_series(1, "
                + ROWS
                + ") AS n");
  }

  private static void update(Connection connection, int turn) throws Exception {
    new Sql(connection)
        .run(
            "UPDATE wip_items SET status = CASE status WHEN 'COMPLETED' THEN 'CONVERTED' ELSE"
                + " 'COMPLETED' END WHERE id IN (SELECT min + (n * 17 + "
                + turn
                + ") % (max - min) FROM (SELECT min(id), max(id) FROM wip_items) AS ids,"
                + " generate_series(1, "
                + ROWS
                + ") AS n)");
  }
}
