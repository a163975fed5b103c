package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is promoted was filled in its turn, as a refresh fills it; so is what depends on it. */
class FillTest {

  private final TestDatabase database = TestDatabase.deployed();
  private final String owner = "view_owner_" + ProcessHandle.current().pid();
  private Connection connection;

  @BeforeEach
  void create() throws SQLException {
    database.create();
    connection = database.connect();
    database.execute("CREATE ROLE " + owner);
  }

  @AfterEach
  void drop() throws SQLException {
    connection.close();
    database.drop();
    TestDatabase.onServer("DROP ROLE " + owner);
  }

  /** The queue with a column that calls a function. */
  private static ViewFile calling(String function) {
    return ViewFile.QUEUE.with("  p.process_code,\n", "  p.process_code, " + function + " AS c,\n");
  }

  private void ownedByAnother() throws SQLException {
    database.execute(
        "GRANT CREATE, USAGE ON SCHEMA public TO " + owner,
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + owner,
        "ALTER MATERIALIZED VIEW mv_process_wip_queue OWNER TO " + owner);
  }

  @Test
  void a_reader_with_an_older_snapshot_sees_rows() throws SQLException {
    database.execute(
        "CREATE MATERIALIZED VIEW above AS SELECT process_id FROM mv_process_wip_queue");
    try (Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      reader.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      assertThat(value(statement, "SELECT count(*) FROM lots")).isEqualTo("0");

      ViewFile.QUEUE.promote(connection);

      assertThat(value(statement, "SELECT count(*) FROM mv_process_wip_queue")).isEqualTo("6");
      assertThat(value(statement, "SELECT count(*) FROM above")).isEqualTo("6");
    }
  }

  @Test
  void a_first_deploy_too_is_seen_by_an_older_snapshot() throws SQLException {
    database.execute("SELECT wip_view_remove('mv_process_wip_queue')");
    try (Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      reader.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      assertThat(value(statement, "SELECT count(*) FROM lots")).isEqualTo("0");

      ViewFile.QUEUE.promote(connection);

      assertThat(value(statement, "SELECT count(*) FROM mv_process_wip_queue")).isEqualTo("6");
    }
  }

  @Test
  void a_function_whose_names_no_refresh_finds_is_named() throws SQLException {
    database.execute(
        "CREATE FUNCTION open_lots() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT"
            + " count(*) FROM lots); END'");
    Map<String, String> before = CatalogSnapshot.of(database);

    // from 17 on the file's own CREATE has the search_path of a refresh
    assertThatThrownBy(() -> calling("open_lots()").promote(connection))
        .hasMessageContaining("relation \"lots\" does not exist")
        .hasMessageMatching(
            "t"
                    .equals(
                        database.value(
                            "SELECT current_setting('server_version_num')::int >= 170000"))
                ? "(?s).*"
                : "(?s).*a refresh of public.mv_process_wip_queue by its owner .* fails: .*Qualify"
                    + " the names in the body of .*open_lots\\(\\), or give it a SET"
                    + " search_path.*");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();

    database.execute("ALTER FUNCTION open_lots() SET search_path = public");
    calling("open_lots()").promote(connection);
    assertThat(WipViews.of(database.dataSource()).refreshAll())
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
  }

  @Test
  void it_is_filled_by_the_role_that_will_own_it() throws SQLException {
    ownedByAnother();
    database.execute(
        "CREATE FUNCTION runs_as() RETURNS text LANGUAGE sql AS 'SELECT current_user::text'");

    calling("runs_as()").promote(connection);

    assertThat(database.rows("SELECT DISTINCT c FROM mv_process_wip_queue"))
        .containsExactly(List.of(owner));
    assertThat(
            database.value(
                "SELECT relowner::regrole FROM pg_class WHERE oid ="
                    + " 'mv_process_wip_queue'::regclass"))
        .isEqualTo(owner);
  }

  @Test
  void an_owner_who_may_not_read_a_table_is_told_the_grant() throws SQLException {
    ownedByAnother();
    database.execute("REVOKE SELECT ON processes FROM " + owner);
    Map<String, String> before = CatalogSnapshot.of(database);

    assertThatThrownBy(() -> ViewFile.QUEUE.promote(connection))
        .hasMessageContaining(
            "mv_process_wip_queue could not be refreshed: its owner, "
                + owner
                + ", lacks SELECT on public.processes")
        .hasMessageContaining("GRANT SELECT ON TABLE public.processes TO " + owner);
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();

    database.execute("GRANT SELECT ON public.processes TO " + owner);
    ViewFile.QUEUE.promote(connection);
  }

  @Test
  void a_registered_dependant_is_refreshed_and_on_record() throws SQLException {
    ViewFile above =
        new ViewFile(
            "mv_above",
            3,
            "CREATE MATERIALIZED VIEW mv_above AS SELECT process_id, process_code FROM"
                + " mv_process_wip_queue; CREATE UNIQUE INDEX ON mv_above (process_id);");
    above.promote(connection);

    ViewFile.QUEUE.with("  p.process_code,\n", "  p.process_code::text,\n").promote(connection);

    assertThat(
            database.rows(
                "SELECT r.mode, r.outcome, r.rows, v.refresh_no, v.last_relation ="
                    + " 'mv_above'::regclass, r.rows_as_of IS NOT NULL FROM wip_view v JOIN"
                    + " wip_view_refresh r ON r.refresh_id = v.last_refresh_id WHERE v.view_name ="
                    + " 'mv_above'"))
        .containsExactly(List.of("rebuild", "refreshed", "6", "2", "t", "t"));
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE view_name = 'mv_above'"))
        .isEqualTo("2");
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
    assertThat(WipViews.of(database.dataSource()).refreshAll())
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
  }

  @Test
  void a_dependant_never_gets_older_rows_than_it_had() throws Exception {
    database.execute(
        "CREATE MATERIALIZED VIEW counted AS SELECT (SELECT count(*) FROM lots) AS lots, process_id"
            + " FROM mv_process_wip_queue",
        "CREATE UNIQUE INDEX ON counted (process_id)");
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection report = database.connect();
        Statement statement = report.createStatement()) {
      report.setAutoCommit(false);
      statement.execute("SELECT count(*) FROM mv_process_wip_queue");
      Future<?> promotion =
          thread.submit(
              () -> {
                ViewFile.QUEUE.promote(connection);
                return null;
              });
      Await.until(
          "the dependant is kept from being refreshed",
          () ->
              !database
                  .rows(
                      "SELECT 1 FROM pg_locks WHERE relation = 'counted'::regclass AND mode ="
                          + " 'ShareUpdateExclusiveLock'")
                  .isEmpty());
      database.execute(
          "INSERT INTO lots (lot_number, product_model_id, production_date, status) VALUES ('NEW',"
              + " 1, current_date, 'CREATED')");
      assertThatThrownBy(
              () ->
                  database.execute(
                      "SET lock_timeout = '100ms'; REFRESH MATERIALIZED VIEW CONCURRENTLY counted"))
          .hasMessageContaining("lock timeout");
      report.commit();
      promotion.get();
      database.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY counted");
      assertThat(database.value("SELECT DISTINCT lots FROM counted")).isEqualTo("1");
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  void a_refresh_of_all_and_a_promotion_do_not_deadlock() throws Exception {
    new ViewFile(
            "mv_above",
            3,
            "CREATE MATERIALIZED VIEW mv_above AS SELECT process_id FROM mv_process_wip_queue;"
                + " CREATE UNIQUE INDEX ON mv_above (process_id);")
        .promote(connection);
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection refreshes = database.connect();
        Statement statement = refreshes.createStatement()) {
      refreshes.setAutoCommit(false);
      statement.execute("SELECT refresh_process_wip_queue()");
      Future<?> promotion =
          thread.submit(
              () -> {
                ViewFile.QUEUE.promote(connection);
                return null;
              });
      Await.until(
          "the promotion waits for its turn",
          () ->
              !database
                  .rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                  .isEmpty());
      statement.execute("SELECT refresh_wip_view('mv_above')");
      refreshes.commit();

      promotion.get();
      assertThat(database.value("SELECT count(*) FROM mv_above")).isEqualTo("6");
    } finally {
      thread.shutdownNow();
    }
  }

  private static String value(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }
}
