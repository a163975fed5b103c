package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Readers;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A frozen view serves its readers and reads nothing of its tables, until it is thawed. */
class FreezeTest {

  private static final String FREEZE = "SELECT wip_view_freeze('mv_customers')";
  private static final String THAW = "SELECT wip_view_thaw('mv_customers')";
  private static final String COPIES =
      "SELECT count(*) FROM pg_class WHERE relname ~ '^wip_view_copy_' AND relkind IN ('r', 'm')";

  private final TestDatabase database = TestDatabase.engine();

  @BeforeEach
  void a_view_on_which_something_hangs() throws SQLException {
    database.create();
    database.execute("INSERT INTO orders VALUES (1, 'ann', 50), (2, 'bob', 500)");
    OwnView.CUSTOMERS.promoteIn(database);
    database.execute(
        "COMMENT ON MATERIALIZED VIEW mv_customers IS 'Who buys'",
        "CREATE INDEX by_hand_idx ON mv_customers (amount)",
        "CREATE VIEW board AS SELECT customer, amount FROM mv_customers",
        "CREATE MATERIALIZED VIEW best AS SELECT max(amount) AS amount FROM board",
        "CREATE VIEW top AS SELECT customer FROM board JOIN best USING (amount)",
        "GRANT SELECT ON mv_customers, board TO pg_monitor",
        "GRANT SELECT (customer) ON mv_customers TO pg_read_all_stats WITH GRANT OPTION");
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private String state() throws SQLException {
    return database.value("SELECT state FROM wip_view_freshness WHERE view_name = 'mv_customers'");
  }

  private WipViews views() {
    return WipViews.of(database.dataSource());
  }

  @Test
  void there_and_back_leaves_everything_as_it_was() throws Exception {
    Map<String, String> before = CatalogSnapshot.of(database);

    database.execute(FREEZE);

    assertThat(state()).isEqualTo("frozen");
    assertThat(CatalogSnapshot.of(database).keySet()).containsAll(before.keySet());
    assertThat(database.value("SELECT obj_description('mv_customers'::regclass)"))
        .isEqualTo("Who buys");

    database.execute(THAW);

    assertThat(state()).isEqualTo("fresh");
    assertThat(CatalogSnapshot.of(database)).isEqualTo(before);
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
  }

  @Test
  void its_tables_can_be_changed_and_its_rows_stay() throws Exception {
    assertThatThrownBy(() -> database.execute("ALTER TABLE orders ALTER COLUMN amount TYPE bigint"))
        .hasMessageContaining("view");

    database.execute(
        FREEZE,
        "ALTER TABLE orders ALTER COLUMN amount TYPE bigint",
        "INSERT INTO orders VALUES (3, 'eve', 5)",
        "SELECT * FROM refresh_all_wip_views()",
        // what pg_restore does
        "REFRESH MATERIALIZED VIEW mv_customers");

    assertThat(database.value("SELECT count(*) FROM mv_customers")).isEqualTo("2");
    assertThat(database.value("SELECT customer FROM top")).isEqualTo("bob");
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();

    database.execute(THAW);

    assertThat(database.value("SELECT count(*) FROM mv_customers")).isEqualTo("3");
    assertThat(database.value("SELECT customer FROM top")).isEqualTo("bob");
  }

  @Thorough
  @Test
  void a_refresh_of_it_says_frozen_whoever_asks() throws Exception {
    database.execute(FREEZE, "SELECT * FROM refresh_wip_view('mv_customers')");
    database.execute("CALL refresh_wip_views()");
    Refresh refresh = views().refresh(WipViews.view("mv_customers"));

    assertThat(refresh)
        .returns(Refresh.Outcome.FROZEN, Refresh::outcome)
        .returns(2L, Refresh::rows)
        .returns(null, Refresh::mode);
    assertThat(
            database.rows(
                "SELECT outcome FROM wip_view_history WHERE view_name = 'mv_customers'"
                    + " ORDER BY refresh_id DESC LIMIT 3"))
        .containsOnly(List.of("frozen"));
    assertThat(database.value("SELECT frozen FROM wip_view_daily ORDER BY day DESC LIMIT 1"))
        .isEqualTo("3");
    Freshness freshness = views().freshness(WipViews.view("mv_customers"));
    assertThat(freshness.state()).isEqualTo(Freshness.State.FROZEN);
    assertThat(freshness.frozenSince()).isAfter(freshness.lastRefreshedAt());
    assertThat(freshness.lastOutcome()).isEqualTo(Refresh.Outcome.FROZEN);
    assertThat(freshness.failuresInARow()).isZero();
  }

  @Thorough
  @Test
  void callers_that_wait_while_it_is_frozen_are_told() throws Exception {
    try (Callers callers = new Callers();
        Connection freezing = database.connect();
        Statement statement = freezing.createStatement()) {
      freezing.setAutoCommit(false);
      statement.execute(FREEZE);
      List<Future<String>> calls =
          callers.start(
              5,
              database::connect,
              (number, connection) -> {
                if (number % 2 == 0) {
                  // those of this JVM share
                  return views().refresh(WipViews.view("mv_customers")).outcome().name();
                }
                try (Statement caller = connection.createStatement();
                    ResultSet row =
                        caller.executeQuery("SELECT * FROM refresh_wip_view('mv_customers')")) {
                  row.next();
                  return row.getString("outcome").toUpperCase(Locale.ROOT);
                }
              });
      Await.until(
          "all of them wait for the turn, one for this JVM",
          () ->
              database.value(
                  "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
                      + " AND classid = 'wip_view'::regclass"),
          waiting -> Integer.parseInt(waiting) >= 3);
      freezing.commit();

      assertThat(Callers.results(calls)).containsOnly("FROZEN");
    }
  }

  @Thorough
  @Test
  void a_deploy_meanwhile_is_noted_and_put_in_place_by_the_thaw() throws Exception {
    database.execute(FREEZE, "ALTER TABLE orders RENAME COLUMN amount TO cents");
    OwnView renamed =
        new OwnView(
            "mv_customers",
            "SELECT customer, count(*) AS orders, sum(cents) AS amount, max(id) AS latest"
                + " FROM orders GROUP BY customer",
            "customer");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("SELECT wip_view_stage('mv_customers')");
        statement.execute(
            renamed.sql() + "COMMENT ON COLUMN mv_customers.latest IS 'The last order'");
        statement.execute("SELECT wip_view_promote('mv_customers', version => '2')");
        assertThat(statement.getWarnings().getMessage())
            .contains("mv_customers is frozen: it keeps its rows");
      }
      connection.commit();
    }
    assertThat(state()).isEqualTo("frozen");
    assertThat(database.value("SELECT version FROM wip_view")).isEqualTo("2");
    assertThat(database.value("SELECT to_regnamespace('wip_staging_public')")).isNull();

    database.execute(THAW);

    assertThat(state()).isEqualTo("fresh");
    assertThat(database.value("SELECT latest FROM mv_customers WHERE customer = 'bob'"))
        .isEqualTo("2");
    assertThat(database.value("SELECT col_description('mv_customers'::regclass, 4)"))
        .isEqualTo("The last order");
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
  }

  @Thorough
  @ParameterizedTest
  @CsvSource({
    "DROP COLUMN amount CASCADE, public.orders.amount is gone",
    "RENAME COLUMN amount TO cents, public.orders.amount is called cents now",
    "ALTER COLUMN amount TYPE text, 'public.orders.amount is text now, not integer'"
  })
  void a_thaw_that_the_tables_do_not_suit_names_the_columns(String change, String named)
      throws Exception {
    database.execute(FREEZE, "ALTER TABLE orders " + change);

    assertThatThrownBy(() -> database.execute(THAW))
        .hasMessageContainingAll(
            "cannot thaw mv_customers: ", named, "The frozen view still serves its readers.");

    assertThat(state()).isEqualTo("frozen");
    assertThat(database.value("SELECT customer FROM top")).isEqualTo("bob");
    assertThat(database.value("SELECT to_regnamespace('wip_staging_public')")).isNull();
    assertThat(database.value("SHOW search_path")).isEqualTo("\"$user\", public");
  }

  @Thorough
  @Test
  void frozen_or_thawed_twice_is_said_and_changes_nothing() throws Exception {
    database.execute(THAW, FREEZE);
    String since = database.value("SELECT frozen_at FROM wip_view_frozen");

    database.execute(FREEZE);

    assertThat(database.value("SELECT frozen_at FROM wip_view_frozen")).isEqualTo(since);
    assertThat(database.value(COPIES)).isEqualTo("1");
    database.execute(THAW, THAW);
    assertThat(database.value(COPIES)).isEqualTo("0");
  }

  @Test
  void what_cannot_be_frozen_is_refused() throws Exception {
    assertThatThrownBy(() -> database.execute("SELECT wip_view_freeze('mv_none')"))
        .hasMessageContaining("unknown view \"mv_none\"");
    database.execute("REFRESH MATERIALIZED VIEW mv_customers WITH NO DATA");
    assertThatThrownBy(() -> database.execute(FREEZE))
        .hasMessageContainingAll("cannot freeze mv_customers: ", "not populated", "recreate");
    assertThat(database.value(COPIES)).isEqualTo("0");
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(strings = {FREEZE, THAW})
  void one_that_is_killed_leaves_the_view_as_it_was(String change) throws Exception {
    if (change.equals(THAW)) {
      database.execute(FREEZE);
    }
    String state = state();
    String copies = database.value(COPIES);
    Map<String, String> before = CatalogSnapshot.of(database);
    try (Connection report = database.inTransaction("SELECT * FROM board");
        Connection freezing = database.connect();
        Statement statement = freezing.createStatement()) {
      statement.execute("SET wip_views.promote_limit = '10min'");
      String pid = freezing.unwrap(org.postgresql.PGConnection.class).getBackendPID() + "";
      Future<Boolean> freeze = Background.call(() -> statement.execute(change));
      Await.until(
          "it has built all, and waits for the readers",
          () ->
              database.value(
                  "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode ="
                      + " 'AccessExclusiveLock' AND pid = "
                      + pid),
          "1"::equals);
      database.execute("SELECT pg_terminate_backend(" + pid + ")");
      Await.end(freeze);
      report.rollback();
    }

    assertThat(CatalogSnapshot.of(database)).isEqualTo(before);
    assertThat(state()).isEqualTo(state);
    assertThat(database.value(COPIES)).isEqualTo(copies);
    database.execute(FREEZE, THAW);
    assertThat(state()).isEqualTo("fresh");
  }

  @Thorough
  @Test
  void a_view_that_reads_a_frozen_one_goes_on() throws Exception {
    OwnView.BIG_CUSTOMERS.promoteIn(database);
    database.execute(
        FREEZE,
        "INSERT INTO orders VALUES (3, 'eve', 5000)",
        "SELECT refresh_wip_view('mv_big_customers')");
    assertThat(
            database.rows(
                "SELECT DISTINCT ON (view_name) view_name, outcome FROM wip_view_history"
                    + " ORDER BY view_name, refresh_id DESC"))
        .containsExactly(
            List.of("mv_big_customers", "refreshed"), List.of("mv_customers", "frozen"));
    assertThat(database.value("SELECT count(*) FROM mv_big_customers")).isEqualTo("1");
    assertThat(database.value("SELECT count(DISTINCT last_refreshed_at) FROM wip_view_freshness"))
        .as("it shows rows that are as old")
        .isEqualTo("1");

    database.execute(THAW);

    assertThat(database.value("SELECT count(*) FROM mv_big_customers")).isEqualTo("2");
  }

  @Thorough
  @Test
  void all_are_frozen_from_the_top_and_thawed_from_the_bottom() throws Exception {
    OwnView.BIG_CUSTOMERS.promoteIn(database);
    assertThat(database.rows("SELECT wip_view_freezable()"))
        .containsExactly(List.of("mv_big_customers"), List.of("mv_customers"));
    database.execute("SELECT wip_view_freeze('mv_big_customers')", FREEZE);
    assertThat(database.rows("SELECT wip_view_freezable()")).isEmpty();
    assertThat(database.rows("SELECT wip_view_thawable()"))
        .containsExactly(List.of("mv_customers"), List.of("mv_big_customers"));

    assertThatThrownBy(
            () -> database.execute("SELECT wip_view_rename('mv_customers', 'mv_buyers')"))
        .hasMessageContaining("mv_big_customers is frozen, and reads it");
    database.execute("SELECT wip_view_rename('mv_big_customers', 'mv_big')");
    assertThat(database.value("SELECT count(*) FROM wip_view_frozen")).isEqualTo("2");
    database.execute(THAW, "SELECT wip_view_thaw('mv_big')");
    assertThat(database.rows("SELECT DISTINCT state FROM wip_view_freshness"))
        .containsExactly(List.of("fresh"));
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
  }

  @Thorough
  @Test
  void a_frozen_view_is_removed_with_its_copy() throws Exception {
    database.execute(FREEZE, "DROP VIEW top", "DROP MATERIALIZED VIEW best", "DROP VIEW board");
    database.execute("SELECT wip_view_remove('mv_customers')");

    assertThat(database.value(COPIES)).isEqualTo("0");
    assertThat(database.value("SELECT count(*) FROM wip_view")).isEqualTo("0");
  }

  @Thorough
  @Test
  void one_that_was_dropped_or_made_by_hand_is_frozen_no_longer() throws Exception {
    database.execute(
        FREEZE,
        "DROP VIEW top",
        "DROP MATERIALIZED VIEW best",
        "DROP VIEW board",
        "DROP MATERIALIZED VIEW mv_customers");
    assertThat(state()).isEqualTo("missing");

    database.execute("SELECT wip_view_recreate('mv_customers')");

    assertThat(state()).isEqualTo("fresh");
    assertThat(database.value(COPIES)).isEqualTo("0");
    assertThat(database.value("SELECT has_table_privilege('pg_monitor', 'mv_customers', 'SELECT')"))
        .isEqualTo("t");
    database.execute(FREEZE, "DROP MATERIALIZED VIEW mv_customers", OwnView.CUSTOMERS.sql());
    assertThat(views().refresh(WipViews.view("mv_customers")).outcome())
        .isEqualTo(Refresh.Outcome.REFRESHED);
  }

  @Thorough
  @Test
  void a_snapshot_older_than_the_freeze_sees_the_rows() throws Exception {
    try (Connection old = database.connect();
        Statement statement = old.createStatement()) {
      old.setAutoCommit(false);
      old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      statement.execute("SELECT FROM orders");
      database.execute(FREEZE);

      assertThat(statement.executeQuery("SELECT FROM board LIMIT 1").next()).isTrue();
    }
  }

  @Thorough
  @Test
  void a_dump_of_a_frozen_database_restores_it(@TempDir Path folder) throws Exception {
    database.execute(FREEZE, "TRUNCATE orders");
    Path dump = folder.resolve("dump.sql");
    Psql.assumeInstalled();
    int server = Integer.parseInt(database.value("SHOW server_version_num")) / 10_000;
    assumePgDumpOf(server);
    ProcessBuilder pgDump = new ProcessBuilder("pg_dump", "--no-password", "-f", dump.toString());
    pgDump.environment().putAll(Psql.environment(database));
    assertThat(Await.exitCode(pgDump.inheritIO().start())).isZero();
    TestDatabase restored = TestDatabase.empty().create();
    try {
      Psql.run(restored, Files.readString(dump));

      assertThat(restored.value("SELECT state FROM wip_view_freshness")).isEqualTo("frozen");
      assertThat(restored.value("SELECT customer FROM top")).isEqualTo("bob");
      restored.execute("INSERT INTO orders VALUES (9, 'zoe', 1)", THAW);
      assertThat(restored.value("SELECT customer FROM mv_customers")).isEqualTo("zoe");
      assertThat(restored.value(COPIES)).isEqualTo("0");
    } finally {
      restored.drop();
    }
  }

  /** An older one refuses to dump the server. */
  private static void assumePgDumpOf(int server) throws Exception {
    String version = "";
    try {
      Process asked = new ProcessBuilder("pg_dump", "--version").start();
      version = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      // there is none
    }
    Matcher major = Pattern.compile(" (\\d+)").matcher(version);
    boolean there = major.find() && Integer.parseInt(major.group(1)) >= server;
    if (!there) {
      System.out.println("SKIPPED: there is no pg_dump of PostgreSQL " + server + " on the PATH");
    }
    assumeTrue(there, "pg_dump of PostgreSQL " + server);
  }

  @Thorough
  @Test
  void readers_notice_neither_freeze_nor_migration_nor_thaw() throws Exception {
    Readers readers = Readers.start(database.dataSource(), 3, "SELECT * FROM top");
    for (String type : List.of("bigint", "integer", "numeric")) {
      database.execute(FREEZE, "ALTER TABLE orders ALTER COLUMN amount TYPE " + type, THAW);
    }

    Readers.Result result = readers.stop();
    assertThat(result.errors()).as(result.firstError()).isZero();
    assertThat(result.reads()).isPositive();
  }

  @Thorough
  @Test
  void what_else_uses_the_columns_is_named() throws Exception {
    database.execute(
        "CREATE VIEW theirs AS SELECT id, amount FROM orders",
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC"
            + " SELECT sum(amount) FROM orders; END",
        "CREATE POLICY small ON orders USING (amount < 1000)",
        "ALTER TABLE orders ADD COLUMN doubled integer GENERATED ALWAYS AS (amount * 2) STORED",
        "CREATE VIEW harmless AS SELECT count(*) AS n FROM orders");
    List<List<String>> users =
        List.of(
            List.of("column doubled of table public.orders", "{amount}"),
            List.of("function public.total()", "{amount}"),
            List.of("policy small on table public.orders", "{amount}"),
            List.of("view public.theirs", "{amount,id}"));

    assertThat(database.rows("SELECT object, columns FROM wip_view_column_users()"))
        .containsExactlyInAnyOrderElementsOf(users);
    database.execute(FREEZE);
    assertThat(database.rows("SELECT object, columns FROM wip_view_column_users('{mv_customers}')"))
        .containsExactlyInAnyOrderElementsOf(users);
    assertThatThrownBy(() -> database.execute("ALTER TABLE orders ALTER COLUMN amount TYPE bigint"))
        .isInstanceOf(SQLException.class);
    database.execute("ALTER TABLE orders ALTER COLUMN customer TYPE varchar");
  }
}
