package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jooq.Table;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Readers see the old rows or the new ones, never an error, and do not queue. */
class SwapTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static final Table<?> ORDERS = WipViews.view("mv_orders");

  @BeforeAll
  static void orders_and_dependants() throws SQLException {
    database.execute(
        "INSERT INTO orders SELECT n, 'c' || n, n FROM generate_series(7, 5000) AS n",
        "CREATE VIEW late AS SELECT id, customer FROM mv_orders",
        "CREATE VIEW later AS SELECT id FROM late",
        "CREATE MATERIALIZED VIEW latest AS SELECT max(id) AS id FROM mv_orders");
    WipViews.of(database.dataSource()).refreshAll();
  }

  private static final List<String> READS =
      List.of(
          "SELECT count(*) FROM mv_orders",
          "SELECT count(*) FROM later",
          "SELECT count(*) FROM late JOIN mv_orders USING (id)",
          "SELECT count(*) FROM later, latest",
          "SELECT count(*) FROM mv_orders JOIN later USING (id)",
          "SELECT count(*) FROM late");

  /** Reads without a pause until told to stop. */
  private record Reader(String query, boolean prepared, AtomicBoolean stop, AtomicInteger reads)
      implements Callable<Void> {

    private static Reader of(int number, AtomicBoolean stop) {
      return new Reader(READS.get(number), number % 2 == 0, stop, new AtomicInteger());
    }

    @Override
    public Void call() throws SQLException {
      try (Connection connection = database.connect();
          PreparedStatement kept = connection.prepareStatement(query);
          Statement simple = connection.createStatement()) {
        kept.unwrap(org.postgresql.PGStatement.class).setPrepareThreshold(1);
        while (!stop.get()) {
          try (ResultSet row = prepared ? kept.executeQuery() : simple.executeQuery(query)) {
            row.next();
            assertThat(row.getLong(1)).isEqualTo(5000);
          }
          reads.incrementAndGet();
        }
      }
      return null;
    }
  }

  @Test
  void readers_of_the_view_and_of_views_over_it_see_no_error() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    List<Reader> readers =
        IntStream.range(0, READS.size()).mapToObj(number -> Reader.of(number, stop)).toList();
    ExecutorService threads = Executors.newFixedThreadPool(readers.size());
    List<Future<Void>> reading = new ArrayList<>();
    try (Connection connection = patient()) {
      for (Reader reader : readers) {
        reading.add(threads.submit(reader));
      }
      for (int i = 0; i < 5; i++) {
        List<Integer> before = readers.stream().map(reader -> reader.reads().get()).toList();
        OwnView.ORDERS.promoteOn(connection);
        Await.until(
            "every reader goes on reading",
            () ->
                reading.stream().anyMatch(Future::isDone)
                    || IntStream.range(0, before.size())
                        .allMatch(n -> readers.get(n).reads().get() > before.get(n)));
      }
      stop.set(true);
      for (Future<Void> reader : reading) {
        Await.result(reader);
      }
    } finally {
      stop.set(true);
      threads.shutdownNow();
    }
  }

  @Test
  void a_report_that_holds_the_view_is_named_and_the_view_serves() throws Exception {
    try (Connection report = database.connect();
        Connection connection = database.connect();
        Statement statement = report.createStatement()) {
      report.setAutoCommit(false);
      statement.execute("SET application_name = 'monthly report'");
      statement.execute("SELECT count(*) FROM late");
      try (Statement limit = connection.createStatement()) {
        limit.execute("SET wip_views.promote_limit = '100ms'");
      }

      assertThatThrownBy(() -> OwnView.ORDERS.promoteOn(connection))
          .hasMessageContainingAll(
              "could not put the new public.mv_orders in place within 00:00:00.1",
              "(monthly report) holds",
              "Nothing was changed.",
              "pg_terminate_backend");

      assertThat(database.value("SELECT count(*) FROM mv_orders")).isEqualTo("5000");
      assertThat(database.value("SELECT to_regnamespace('wip_staging_public')")).isNull();
      report.rollback();
      OwnView.ORDERS.promoteOn(connection);
    }
  }

  @Test
  void readers_do_not_queue_behind_a_promotion_that_waits() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection report = database.inTransaction("SELECT FROM mv_orders");
        Connection connection = patient();
        Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      // one that queued would wait for as long as the report goes on
      statement.execute("SET statement_timeout = '3min'");
      Future<?> promotion = promoting(thread, connection);
      for (int i = 0; i < 5; i++) {
        awaitSwapping();

        statement.execute("SELECT FROM mv_orders");
      }

      assertThat(promotion.isDone()).as("the promotion, while the report goes on").isFalse();
      report.rollback();
      Await.result(promotion);
    } finally {
      thread.shutdownNow();
    }
  }

  @Thorough
  @Test
  void a_refresh_during_the_build_is_not_undone_by_it() throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT wip_view_stage('mv_orders')");
      statement.execute(OwnView.ORDERS.sql());
      database.execute("UPDATE orders SET customer = 'eve' WHERE id = 7");
      WipViews.of(database.dataSource()).refresh(ORDERS);
      statement.execute("SELECT wip_view_promote('mv_orders')");
      connection.commit();
    }

    assertThat(database.value("SELECT customer FROM mv_orders WHERE id = 7")).isEqualTo("eve");
  }

  @Test
  void a_dependant_that_appears_meanwhile_is_not_lost() throws Exception {
    try (Connection report = database.connect();
        Connection connection = patient();
        Statement statement = report.createStatement()) {
      report.setAutoCommit(false);
      statement.execute("SELECT count(*) FROM mv_orders");
      ExecutorService thread = Executors.newSingleThreadExecutor();
      try {
        Future<?> promotion = promoting(thread, connection);
        awaitSwapping();
        statement.execute("CREATE VIEW newcomer AS SELECT id FROM mv_orders");
        report.commit();

        assertThatThrownBy(() -> Await.result(promotion))
            .isInstanceOf(ExecutionException.class)
            .hasMessageContaining("what came to depend on the old one")
            .hasMessageContaining("newcomer")
            .hasMessageContaining(
                "Nothing was changed. Deploy again, or change or drop what is in the way first.");
        OwnView.ORDERS.promoteOn(connection);
        assertThat(database.value("SELECT count(*) FROM newcomer")).isEqualTo("5000");
      } finally {
        thread.shutdownNow();
        database.execute("DROP VIEW newcomer");
      }
    }
  }

  @Thorough
  @Test
  void a_function_changed_meanwhile_is_not_changed_back() throws Exception {
    String function =
        "CREATE OR REPLACE FUNCTION counts() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT %s +"
            + " count(*) FROM mv_orders; END";
    database.execute(function.formatted(0));
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Connection report = database.connect();
        Connection connection = patient();
        Statement statement = report.createStatement()) {
      report.setAutoCommit(false);
      statement.execute("SELECT count(*) FROM mv_orders");
      Future<?> promotion = promoting(thread, connection);
      awaitSwapping();
      database.execute(function.formatted(1000));
      report.commit();

      assertThatThrownBy(() -> Await.result(promotion))
          .hasMessageContaining("another session changed what depends on")
          .hasMessageContaining("counts()");
      OwnView.ORDERS.promoteOn(connection);
      assertThat(database.value("SELECT counts()")).isEqualTo("6000");
    } finally {
      thread.shutdownNow();
      database.execute("DROP FUNCTION counts()");
    }
  }

  @Thorough
  @Test
  void a_refresh_and_an_index_by_hand_wait_for_the_new_view() throws Exception {
    database.execute(
        "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n, 0 AS k FROM mv_orders",
        "CREATE UNIQUE INDEX ON counted (k)");
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try (Connection report = database.connect();
        Connection connection = patient();
        Statement statement = report.createStatement()) {
      report.setAutoCommit(false);
      statement.execute("SELECT count(*) FROM mv_orders");
      String before = database.value("SELECT 'counted'::regclass::oid");
      Future<?> promotion = promoting(threads, connection);
      awaitLock("counted", "ShareUpdateExclusiveLock", true);
      List<Future<?>> byHand = new ArrayList<>();
      for (String sql :
          List.of(
              "REFRESH MATERIALIZED VIEW CONCURRENTLY counted",
              "CREATE INDEX late_idx ON counted (n)")) {
        byHand.add(
            threads.submit(
                () -> {
                  database.execute(sql);
                  return null;
                }));
      }
      awaitLock("counted", "ExclusiveLock", false);
      awaitLock("counted", "ShareLock", false);
      assertThat(database.value("SELECT n FROM counted")).as("readers go on").isEqualTo("5000");
      report.commit();

      Await.result(promotion);
      for (Future<?> waited : byHand) {
        Await.result(waited);
      }
      assertThat(database.value("SELECT 'counted'::regclass::oid")).isNotEqualTo(before);
      assertThat(
              database.value(
                  "SELECT indrelid = 'counted'::regclass FROM pg_index WHERE indexrelid ="
                      + " 'late_idx'::regclass"))
          .isEqualTo("t");
    } finally {
      threads.shutdownNow();
      database.execute("DROP MATERIALIZED VIEW counted");
    }
  }

  @Thorough
  @Test
  void a_refresh_asked_for_meanwhile_waits_for_its_turn() throws Exception {
    database.execute(
        "CREATE MATERIALIZED VIEW slow AS SELECT count(*) FROM (SELECT id FROM mv_orders LIMIT 1)"
            + " AS l, pg_advisory_xact_lock(4711)",
        "REFRESH MATERIALIZED VIEW mv_orders WITH NO DATA");
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try (Connection connection = patient();
        Connection gate = database.connect();
        Statement statement = gate.createStatement()) {
      gate.setAutoCommit(false);
      statement.execute("SELECT pg_advisory_xact_lock(4711)");
      Future<?> promotion = promoting(threads, connection);
      Await.until("what depends on it is built", () -> waitsFor("4711"));
      Future<Refresh> asked =
          threads.submit(() -> WipViews.of(database.dataSource()).refresh(ORDERS));
      Await.until("the refresh waits for its turn", () -> waitsFor("hashtext('mv_orders')"));
      gate.commit();

      Await.result(promotion);
      assertThat(Await.result(asked).outcome()).isEqualTo(Refresh.Outcome.REFRESHED);
      assertThat(database.value("SELECT count(*) FROM mv_orders")).isEqualTo("5000");
    } finally {
      threads.shutdownNow();
      database.execute("DROP MATERIALIZED VIEW slow");
    }
  }

  private static boolean waitsFor(String key) throws SQLException {
    return !database
        .rows(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid::bigint ="
                + " (("
                + key
                + ")::bigint + 4294967296) % 4294967296")
        .isEmpty();
  }

  private static void awaitLock(String relation, String mode, boolean granted) throws Exception {
    Await.until(
        mode + " on " + relation,
        () ->
            database.rows(
                "SELECT mode, granted FROM pg_locks WHERE relation = '" + relation + "'::regclass"),
        locks -> locks.contains(List.of(mode, granted ? "t" : "f")));
  }

  private static Future<?> promoting(ExecutorService thread, Connection connection) {
    return thread.submit(
        () -> {
          OwnView.ORDERS.promoteOn(connection);
          return null;
        });
  }

  /** Waits until a promotion waits for the view's readers, all else being built. */
  private static void awaitSwapping() throws Exception {
    awaitLock("mv_orders", "AccessExclusiveLock", false);
  }

  /** One whose promotions do not give up. */
  private static Connection patient() throws SQLException {
    Connection connection = database.connect();
    connection.createStatement().execute("SET wip_views.promote_limit = '10min'");
    return connection;
  }
}
