package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.demo.Factory;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** What a refresh costs: it follows the open work, and not much is spent beside reading that. */
class RefreshBench {

  @RegisterExtension static final Report report = new Report();

  private static final int TURNS = 15;

  /** How long the straightforward definition may try. */
  private static final Duration LIMIT =
      Duration.ofSeconds(Integer.getInteger("bench.limit.seconds", 60));

  private static final String QUEUE = "mv_process_wip_queue";
  private static final String DASHBOARD = "mv_wip_status_dashboard";

  private static final String BEGUN = "status IN ('IN_PROGRESS', 'FAILED')";
  private static final String HISTORIES =
      "wip_items AS item CROSS JOIN LATERAL (SELECT %s FROM wip_process_history WHERE wip_item_id ="
          + " item.id OFFSET 0) AS own WHERE item."
          + BEGUN;
  private static final String LAST_HOUR =
      "wip_process_history WHERE completed_at > now() - interval '1 hour' AND completed_at <="
          + " now()";
  private static final String ITEMS_OF_OPEN_LOTS =
      "lots CROSS JOIN LATERAL (SELECT %s FROM wip_items WHERE lot_id = lots.id OFFSET 0) AS item"
          + " WHERE lots.status IN ('CREATED', 'IN_PROGRESS', 'COMPLETED')";

  /** What the views read, row by row, with the columns that they read. */
  private static final List<String> ROWS_OF_QUEUE =
      List.of(
          "SELECT item.id, item.lot_id, item.current_process_id, own.* FROM "
              + HISTORIES.formatted("process_id, result, started_at, completed_at"),
          "SELECT process_id, result, duration_seconds, completed_at FROM " + LAST_HOUR);

  private static final List<String> ROWS_OF_DASHBOARD =
      List.of(
          ROWS_OF_QUEUE.get(0),
          "SELECT lots.*, item.* FROM "
              + ITEMS_OF_OPEN_LOTS.formatted(
                  "status, serial_id, created_at, completed_at, converted_at"));

  /** The same by the indexes alone, without a look at the rows. */
  private static final List<String> ENTRIES_OF_QUEUE =
      List.of(
          "SELECT count(*) FROM " + HISTORIES.formatted("wip_item_id"),
          "SELECT count(*) FROM " + LAST_HOUR);

  private static final List<String> ENTRIES_OF_DASHBOARD =
      List.of(
          ENTRIES_OF_QUEUE.get(0),
          "SELECT count(*) FROM " + ITEMS_OF_OPEN_LOTS.formatted("lot_id"));

  private static String refresh(String view) {
    return "SELECT * FROM refresh_wip_view('" + view + "')";
  }

  private static String select(Sql sql, String view) throws SQLException {
    return sql.value("SELECT pg_get_viewdef('" + view + "'::regclass)").replace(";", "");
  }

  private static String lots(int lots) {
    return "%,d lots, %,d open".formatted(lots, BenchServer.openLots());
  }

  @Test
  void the_figures_are_those_of_the_straightforward_definitions() throws Exception {
    PGSimpleDataSource small = BenchServer.get().factory(new Factory.Size(40, 10));
    try (Connection connection = small.getConnection()) {
      Sql sql = new Sql(connection);
      sql.run("CALL refresh_wip_views()");
      assertThat(
              sql.rows(
                  "SELECT "
                      + Straightforward.QUEUE_COLUMNS
                      + " FROM mv_process_wip_queue ORDER BY 1"))
          .isEqualTo(sql.rows(Straightforward.at(Straightforward.QUEUE, QUEUE) + " ORDER BY 1"))
          .hasSize(6);
      assertThat(
              sql.rows(
                  "SELECT "
                      + Straightforward.DASHBOARD_COLUMNS
                      + " FROM mv_wip_status_dashboard ORDER BY lot_id"))
          .isEqualTo(
              sql.rows(
                  Straightforward.at(Straightforward.DASHBOARD, DASHBOARD) + " ORDER BY lot_id"))
          .hasSize(10);
    }
  }

  @Test
  void the_queue_against_one_join_of_processes_items_and_history() throws Exception {
    int lots = Math.max(BenchServer.lots() / 5, BenchServer.openLots());
    PGSimpleDataSource dataSource = BenchServer.get().factory(BenchServer.size(lots));
    try (Connection connection = dataSource.getConnection()) {
      Sql sql = new Sql(connection);
      List<Double> refreshes = new ArrayList<>();
      for (int turn = 0; turn < TURNS; turn++) {
        refreshes.add(millis(() -> sql.run(refresh(QUEUE))).cost());
      }
      double refresh = Ratio.median(refreshes);
      boolean ended = true;
      sql.printPlan("a", select(sql, QUEUE));
      sql.run("SET statement_timeout = " + LIMIT.toMillis());
      long start = System.nanoTime();
      try {
        sql.run(Straightforward.now(Straightforward.QUEUE));
      } catch (SQLException e) {
        if (!"57014".equals(e.getSQLState())) {
          throw e;
        }
        ended = false;
      }
      double straightforward = (System.nanoTime() - start) / 1e6;
      double times = straightforward / refresh;
      String bound = ended ? "" : "more than ";
      Report.row(
          "a",
          "refresh of the queue, " + lots(lots),
          "one join of processes, items and history, grouped",
          bound + Ratio.number(times) + " times faster",
          Ratio.number(refresh)
              + " to "
              + bound
              + Ratio.number(straightforward)
              + " ms"
              + (ended ? "" : ", when it was stopped"),
          "at least 1,000 times faster",
          times >= 1000
              ? "yes"
              : ended
                  ? "no, by " + Ratio.number(1000 / times) + " times"
                  : "not known: -Dbench.limit.seconds is too low");
    }
  }

  @Test
  void the_dashboard_against_a_join_and_group() throws Exception {
    try (Connection connection = BenchServer.get().large().getConnection()) {
      Sql sql = new Sql(connection);
      sql.printPlan("b1", Straightforward.now(Straightforward.DASHBOARD));
      Report.atLeast(
          3,
          "b1",
          "refresh of the dashboard, " + lots(BenchServer.lots()),
          "a join and group over all items",
          Ratio.of(
              5,
              millis(() -> sql.run(refresh(DASHBOARD))),
              millis(() -> sql.run(Straightforward.now(Straightforward.DASHBOARD)))));
    }
  }

  @Test
  void ten_times_the_closed_history() throws Exception {
    BenchServer server = BenchServer.get();
    try (Connection small = server.smaller().getConnection();
        Connection large = server.large().getConnection()) {
      for (String view : List.of(QUEUE, DASHBOARD)) {
        for (Connection connection : List.of(small, large)) {
          Sql sql = new Sql(connection);
          sql.run("SET jit = off");
          sql.printPlan("c " + view + ", " + connection.getCatalog(), select(sql, view));
        }
        Report.atMost(
            1.1,
            "c " + view,
            "refresh of " + view + ", ten times the closed lots",
            "itself",
            Ratio.of(
                2 * TURNS,
                millis(() -> new Sql(large).run(refresh(view))),
                millis(() -> new Sql(small).run(refresh(view)))));
      }
    }
  }

  @Test
  void a_refresh_against_the_select_alone() throws Exception {
    try (Connection connection = BenchServer.get().large().getConnection()) {
      Sql sql = new Sql(connection);
      // as a refresh does
      sql.run("SET jit = off");
      for (String view : List.of(QUEUE, DASHBOARD)) {
        String select = select(sql, view);
        sql.printPlan("d " + view, select);
        Report.atMost(
            view.equals(QUEUE) ? 1.5 : 2,
            "d " + view,
            "refresh of " + view,
            "its SELECT, run bare",
            Ratio.of(
                2 * TURNS, millis(() -> sql.run(refresh(view))), millis(() -> sql.run(select))));
      }
    }
  }

  @Test
  void the_select_of_the_queue_for_each_item_that_has_begun() throws Exception {
    try (Connection connection = BenchServer.get().large().getConnection()) {
      Sql sql = new Sql(connection);
      sql.run("SET jit = off");
      String select = select(sql, QUEUE);
      List<Double> micros = new ArrayList<>();
      sql.printPlan("d1", select);
      long items = Long.parseLong(sql.value("SELECT count(*) FROM wip_items WHERE " + BEGUN));
      for (int turn = 0; turn < TURNS; turn++) {
        // not by EXPLAIN: what it counts per row costs a twentieth
        micros.add(millis(() -> sql.run(select)).cost() * 1000 / items);
      }
      Report.row(
          "d1",
          "SELECT of " + QUEUE + ", for each item that has begun",
          "%,d items".formatted(items),
          "",
          Ratio.number(Ratio.median(micros)) + " µs",
          "below 10 µs",
          Ratio.median(micros) < 10 ? "yes" : "no");
    }
  }

  @Test
  void the_select_against_reading_alone() throws Exception {
    try (Connection connection = BenchServer.get().large().getConnection()) {
      Sql sql = new Sql(connection);
      sql.run("SET jit = off");
      against(sql, "e1", "the rows that it needs, by the same indexes", QUEUE, ROWS_OF_QUEUE);
      against(
          sql, "e1", "the rows that it needs, by the same indexes", DASHBOARD, ROWS_OF_DASHBOARD);
      against(sql, "e2", "counting index entries alone", QUEUE, ENTRIES_OF_QUEUE);
      against(sql, "e2", "counting index entries alone", DASHBOARD, ENTRIES_OF_DASHBOARD);
    }
  }

  private static void against(
      Sql sql, String place, String besides, String view, List<String> readings) throws Exception {
    String select = select(sql, view);
    sql.printPlan(place + " " + view, select);
    for (String reading : readings) {
      sql.printPlan(place + " " + view + ", " + besides, reading);
    }
    Report.atMost(
        3,
        place + " " + view,
        "SELECT of " + view,
        besides,
        Ratio.of(
            2 * TURNS,
            () -> sql.serverMillis(select),
            () -> {
              double millis = 0;
              for (String reading : readings) {
                millis += sql.serverMillis(reading);
              }
              return millis;
            }));
  }
}
