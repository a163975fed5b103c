package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
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

  private final TestDatabase database = TestDatabase.service();
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

  /** The orders with a column that calls a function. */
  private static OwnView calling(String function) {
    return OwnView.ORDERS.with("  customer,\n", "  customer, " + function + " AS c,\n");
  }

  private void ownedByAnother() throws SQLException {
    database.execute(
        "GRANT CREATE, USAGE ON SCHEMA public TO " + owner,
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + owner,
        "ALTER MATERIALIZED VIEW mv_orders OWNER TO " + owner);
  }

  @Test
  void a_reader_with_an_older_snapshot_sees_rows() throws SQLException {
    database.execute("CREATE MATERIALIZED VIEW above AS SELECT id FROM mv_orders");
    try (Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      reader.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      assertThat(value(statement, "SELECT count(*) FROM orders")).isEqualTo("6");

      OwnView.ORDERS.promoteOn(connection);

      assertThat(value(statement, "SELECT count(*) FROM mv_orders")).isEqualTo("6");
      assertThat(value(statement, "SELECT count(*) FROM above")).isEqualTo("6");
    }
  }

  @Thorough
  @Test
  void a_first_deploy_too_is_seen_by_an_older_snapshot() throws SQLException {
    database.execute("SELECT wip_view_remove('mv_orders')");
    try (Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      reader.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      assertThat(value(statement, "SELECT count(*) FROM orders")).isEqualTo("6");

      OwnView.ORDERS.promoteOn(connection);

      assertThat(value(statement, "SELECT count(*) FROM mv_orders")).isEqualTo("6");
    }
  }

  @Thorough
  @Test
  void a_function_whose_names_no_refresh_finds_is_named() throws SQLException {
    database.execute(
        "CREATE FUNCTION all_orders() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT"
            + " count(*) FROM orders); END'");
    Map<String, String> before = CatalogSnapshot.of(database);

    // from 17 on the file's own CREATE has the search_path of a refresh
    assertThatThrownBy(() -> calling("all_orders()").promoteOn(connection))
        .hasMessageContaining("relation \"orders\" does not exist")
        .hasMessageMatching(
            "t"
                    .equals(
                        database.value(
                            "SELECT current_setting('server_version_num')::int >= 170000"))
                ? "(?s).*"
                : "(?s).*a refresh of public.mv_orders by its owner .* fails: .*Qualify the names"
                    + " in the body of .*all_orders\\(\\), or give it a SET search_path.*");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();

    database.execute("ALTER FUNCTION all_orders() SET search_path = public");
    calling("all_orders()").promoteOn(connection);
    assertThat(WipViews.of(database.dataSource()).refreshAll())
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
  }

  @Thorough
  @Test
  void it_is_filled_by_the_role_that_will_own_it() throws SQLException {
    ownedByAnother();
    database.execute(
        "CREATE FUNCTION runs_as() RETURNS text LANGUAGE sql AS 'SELECT current_user::text'");

    calling("runs_as()").promoteOn(connection);

    assertThat(database.rows("SELECT DISTINCT c FROM mv_orders")).containsExactly(List.of(owner));
    assertThat(
            database.value(
                "SELECT relowner::regrole FROM pg_class WHERE oid = 'mv_orders'::regclass"))
        .isEqualTo(owner);
  }

  @Thorough
  @Test
  void an_owner_who_may_not_read_a_table_is_told_the_grant() throws SQLException {
    ownedByAnother();
    database.execute("REVOKE SELECT ON orders FROM " + owner);
    Map<String, String> before = CatalogSnapshot.of(database);

    assertThatThrownBy(() -> OwnView.ORDERS.promoteOn(connection))
        .hasMessageContaining(
            "mv_orders could not be refreshed: its owner, "
                + owner
                + ", lacks SELECT on public.orders")
        .hasMessageContaining("GRANT SELECT ON TABLE public.orders TO " + owner);
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();

    database.execute("GRANT SELECT ON public.orders TO " + owner);
    OwnView.ORDERS.promoteOn(connection);
  }

  @Thorough
  @Test
  void a_registered_dependant_is_refreshed_and_on_record() throws SQLException {
    new OwnView("mv_above", "SELECT id, customer FROM mv_orders", "id").promoteOn(connection);

    OwnView.ORDERS.with("  customer,\n", "  customer::varchar,\n").promoteOn(connection);

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
        "CREATE MATERIALIZED VIEW counted AS SELECT (SELECT count(*) FROM orders) AS n, id FROM"
            + " mv_orders",
        "CREATE UNIQUE INDEX ON counted (id)");
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection report = database.connect();
        Statement statement = report.createStatement()) {
      report.setAutoCommit(false);
      statement.execute("SELECT count(*) FROM mv_orders");
      Future<?> promotion =
          thread.submit(
              () -> {
                OwnView.ORDERS.promoteOn(connection);
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
      database.execute("INSERT INTO orders VALUES (7, 'eve', 40)");
      assertThatThrownBy(
              () ->
                  database.execute(
                      "SET lock_timeout = '100ms'; REFRESH MATERIALIZED VIEW CONCURRENTLY counted"))
          .hasMessageContaining("lock timeout");
      report.commit();
      promotion.get();
      database.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY counted");
      assertThat(database.value("SELECT DISTINCT n FROM counted")).isEqualTo("7");
    } finally {
      thread.shutdownNow();
    }
  }

  @Thorough
  @Test
  void a_refresh_of_all_and_a_promotion_do_not_deadlock() throws Exception {
    new OwnView("mv_above", "SELECT id FROM mv_orders", "id").promoteOn(connection);
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection refreshes = database.connect();
        Statement statement = refreshes.createStatement()) {
      refreshes.setAutoCommit(false);
      statement.execute("SELECT refresh_wip_view('mv_orders')");
      Future<?> promotion =
          thread.submit(
              () -> {
                OwnView.ORDERS.promoteOn(connection);
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
