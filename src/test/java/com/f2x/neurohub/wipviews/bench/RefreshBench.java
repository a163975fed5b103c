package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.demo.Factory;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** What a refresh costs: it follows the open work, and not much is spent beside reading that. */
class RefreshBench {

  @RegisterExtension static final Report report = new Report();

  private static final int TURNS = 15;

  /** So many times as long as a refresh the straightforward definition may try. */
  private static final int TRIES = 1000;

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

  private static final List<String> VIEWS = List.of(QUEUE, DASHBOARD);

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
    BenchServer server = BenchServer.get();
    try (Connection connection = server.smaller().getConnection()) {
      Sql sql = new Sql(connection);
      Measured refresh = Measured.of(TURNS, millis(() -> sql.run(refresh(QUEUE))));
      String query = Straightforward.now(Straightforward.QUEUE);
      Report.behind("a", "refresh of the queue", sql.phases(refresh(QUEUE)));
      Report.behind("a", "one join, grouped", sql.estimate(query));
      sql.run("SET statement_timeout = " + Math.round(TRIES * refresh.median()));
      boolean ended = true;
      long start = System.nanoTime();
      try {
        sql.run(query);
      } catch (SQLException e) {
        if (!"57014".equals(e.getSQLState())) {
          throw e;
        }
        ended = false;
      }
      double straightforward = (System.nanoTime() - start) / 1e6;
      double times = straightforward / refresh.median();
      Report.row(
          "a",
          "refresh of the queue, " + lots(server.lotsOfSmaller()),
          "one join of processes, items and history, grouped",
          (ended ? "" : "over ") + Measured.number(times) + " times faster",
          refresh
              + " to "
              + Measured.number(straightforward)
              + " ms"
              + (ended ? "" : ", when it was stopped"),
          "at least %,d times faster".formatted(TRIES),
          ended ? "no, by " + Measured.number(TRIES / times) + " times" : "yes");
    }
  }

  @Test
  void the_dashboard_against_a_join_and_group() throws Exception {
    try (Connection connection = BenchServer.get().large().getConnection()) {
      Sql sql = new Sql(connection);
      String query = Straightforward.now(Straightforward.DASHBOARD);
      Report.behind("b", "refresh of the dashboard", sql.phases(refresh(DASHBOARD)));
      Report.behind("b", "a join and group over all items", sql.plan(query));
      Report.atLeast(
          3,
          "b",
          "refresh of the dashboard, " + lots(BenchServer.lots()),
          "a join and group over all items",
          Ratio.of(3, millis(() -> sql.run(refresh(DASHBOARD))), millis(() -> sql.run(query))));
    }
  }

  @Test
  void ten_times_the_closed_history() throws Exception {
    BenchServer server = BenchServer.get();
    try (Connection small = server.smaller().getConnection();
        Connection large = server.large().getConnection()) {
      withoutJit(small);
      withoutJit(large);
      int row = 0;
      for (String view : VIEWS) {
        String select = select(new Sql(large), view);
        String besides = lots(server.lotsOfSmaller());
        String place = "c" + ++row;
        for (Connection connection : List.of(small, large)) {
          Report.behind(
              place, "SELECT of " + connection.getCatalog(), new Sql(connection).plan(select));
        }
        Report.atMost(
            1.1,
            place,
            "SELECT of " + view + ", " + lots(BenchServer.lots()),
            besides,
            Ratio.of(
                2 * TURNS,
                millis(() -> new Sql(large).run(select)),
                millis(() -> new Sql(small).run(select))));
        place = "c" + ++row;
        for (Connection connection : List.of(small, large)) {
          Report.behind(
              place,
              "refresh of " + connection.getCatalog(),
              new Sql(connection).phases(refresh(view)));
        }
        Report.atMost(
            1.1,
            place,
            "refresh of " + view + ", " + lots(BenchServer.lots()),
            besides,
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
      // as a refresh does
      withoutJit(connection);
      Sql sql = new Sql(connection);
      String both = "SELECT refresh_all_wip_views()";
      List<String> selects = List.of(select(sql, QUEUE), select(sql, DASHBOARD));
      for (int i = 0; i < VIEWS.size(); i++) {
        String select = selects.get(i);
        String refresh = refresh(VIEWS.get(i));
        String place = "d" + (i + 1);
        Report.behind(place, "the refresh", sql.phases(refresh));
        Report.behind(place, "its SELECT", sql.plan(select));
        Report.atMost(
            1.5,
            place,
            "refresh of " + VIEWS.get(i) + ", " + lots(BenchServer.lots()),
            "its SELECT, run bare",
            Ratio.of(2 * TURNS, millis(() -> sql.run(refresh)), millis(() -> sql.run(select))));
      }
      Ratio ratio =
          Ratio.of(
              2 * TURNS,
              millis(() -> sql.run(both)),
              millis(
                  () -> {
                    for (String select : selects) {
                      sql.run(select);
                    }
                  }));
      Report.behind("d3", "the refresh of both", sql.phases(both));
      Report.atMost(
          1.5, "d3", "refresh of both, in one transaction", "their SELECTs, run bare", ratio);
      Report.behind("d4", "the refresh of both", sql.phases(both));
      Report.under(1000, "d4", "refresh of both, in one transaction", ratio.cost());
    }
  }

  @Test
  void the_select_of_the_queue_for_each_item_that_has_begun() throws Exception {
    try (Connection connection = BenchServer.get().large().getConnection()) {
      withoutJit(connection);
      Sql sql = new Sql(connection);
      String select = select(sql, QUEUE);
      long items = Long.parseLong(sql.value("SELECT count(*) FROM wip_items WHERE " + BEGUN));
      // not by EXPLAIN: what it counts per row costs a twentieth
      Measured micros =
          Measured.of(TURNS, () -> millis(() -> sql.run(select)).get() * 1000 / items);
      Report.behind("e1", "the SELECT", sql.plan(select));
      Report.row(
          "e1",
          "SELECT of " + QUEUE + ", for each of the %,d items that have begun".formatted(items),
          "",
          "",
          micros + " µs",
          "at most 10 µs",
          Report.holds(10, micros.median()));
    }
  }

  @Test
  void the_select_against_reading_alone() throws Exception {
    try (Connection connection = BenchServer.get().large().getConnection()) {
      withoutJit(connection);
      Sql sql = new Sql(connection);
      against(sql, "e2", QUEUE, ROWS_OF_QUEUE);
      against(sql, "e3", DASHBOARD, ROWS_OF_DASHBOARD);
    }
  }

  private static void withoutJit(Connection connection) throws SQLException {
    new Sql(connection).run("SET jit = off");
  }

  private static void against(Sql sql, String place, String view, List<String> readings)
      throws Exception {
    String select = select(sql, view);
    Report.behind(place, "the SELECT", sql.plan(select));
    for (String reading : readings) {
      Report.behind(place, "rows that it needs", sql.plan(reading));
    }
    Report.atMost(
        3,
        place,
        "SELECT of " + view,
        "the rows that it needs, by the same indexes",
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
