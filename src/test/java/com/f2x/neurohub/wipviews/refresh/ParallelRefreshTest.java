package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.DelegatingDataSource;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.BoundedPool;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A call that refreshes several views at once: {@code mv_left} and {@code mv_right} read {@code
 * mv_base}, {@code mv_top} reads both, {@code mv_alone} reads none.
 */
class ParallelRefreshTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static final List<String> ORDER =
      List.of("mv_base", "mv_left", "mv_right", "mv_top", "mv_alone");

  /** How many refreshes stand at a gate. */
  private static final String AT_GATES =
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1";

  private final WipViews views = WipViews.of(database.dataSource());

  /** A view's query passes the gate of its number, and then does what the test says. */
  @BeforeAll
  static void makeViews() throws SQLException {
    database.execute(
        "CREATE FUNCTION does(view_name text) RETURNS integer LANGUAGE sql AS 'SELECT 0'",
        "CREATE FUNCTION gate(number integer) RETURNS integer LANGUAGE plpgsql AS"
            + " 'BEGIN PERFORM pg_advisory_xact_lock_shared(number); RETURN 0; END'");
    view(1, "mv_base", "SELECT 1 AS id");
    view(2, "mv_left", "SELECT id FROM mv_base");
    view(3, "mv_right", "SELECT id FROM mv_base");
    view(4, "mv_top", "SELECT l.id FROM mv_left AS l JOIN mv_right AS r ON r.id = l.id");
    view(5, "mv_alone", "SELECT 1 AS id");
  }

  private static void view(int number, String name, String query) throws SQLException {
    new OwnView(
            name,
            "SELECT q.id, public.gate(%d) AS gate, public.does('%s') AS does FROM (%s) AS q"
                .formatted(number, name, query),
            "id")
        .registerIn(database, number);
  }

  @BeforeEach
  void nothing_has_happened() throws SQLException {
    does("SELECT 0");
    database.execute("TRUNCATE wip_view_refresh; UPDATE wip_view SET last_refresh_id = NULL");
  }

  private static void does(String sql) throws SQLException {
    database.execute(
        "CREATE OR REPLACE FUNCTION does(view_name text) RETURNS integer LANGUAGE sql AS $$ "
            + sql
            + " $$");
  }

  /** Shuts the gates of these views, as long as the session is open. */
  private static Connection shut(int... numbers) throws SQLException {
    Connection session = database.connect();
    for (int number : numbers) {
      session.createStatement().execute("SELECT pg_advisory_lock(" + number + ")");
    }
    return session;
  }

  private static void awaitAtGates(int refreshes) throws Exception {
    Await.until(
        refreshes + " refreshes at gates",
        () -> database.value(AT_GATES),
        String.valueOf(refreshes)::equals);
  }

  private static List<String> history(String columns) throws SQLException {
    return database
        .rows("SELECT " + columns + " FROM wip_view_history ORDER BY started_at NULLS LAST")
        .stream()
        .map(row -> String.join(" ", row))
        .toList();
  }

  @Test
  void views_that_do_not_read_each_other_run_at_once() throws Exception {
    Future<List<Refresh>> call;
    try (Connection gate = shut(2, 3, 5)) {
      call = Background.call(views.withParallelism(3)::refreshAll);
      awaitAtGates(3);
      assertThat(gate.isClosed()).isFalse();
    }

    assertThat(Await.result(call)).extracting(Refresh::view).containsExactlyElementsOf(ORDER);
    assertThat(Await.result(call)).extracting(Refresh::outcome).containsOnly(Outcome.REFRESHED);
    assertThat(
            database.value(
                "SELECT count(DISTINCT coalesce(call_id, refresh_id)) FROM wip_view_refresh"))
        .as("calls")
        .isEqualTo("1");
  }

  @Test
  void a_view_begins_when_all_that_it_reads_have_ended() throws Exception {
    views.withParallelism(5).refreshAll();

    assertThat(
            database.value(
                "SELECT count(*) FROM wip_view_order AS o"
                    + " JOIN wip_view_refresh AS r ON r.view_name = o.view_name"
                    + " JOIN wip_view_refresh AS source ON source.view_name = ANY (o.reads)"
                    + " WHERE source.finished_at <= r.started_at"))
        .isEqualTo("5");
  }

  @Test
  void no_more_connections_are_taken_than_were_asked_for() throws Exception {
    try (BoundedPool pool = new BoundedPool(database.dataSource(), 9, Duration.ofMinutes(5))) {
      WipViews.of(pool).withParallelism(2).refreshAll();

      assertThat(pool.mostInUse()).isLessThanOrEqualTo(2);
    }
  }

  @Test
  void without_the_setting_one_runs_after_the_other() throws Exception {
    try (BoundedPool pool = new BoundedPool(database.dataSource(), 9, Duration.ofMinutes(5))) {
      WipViews.of(pool).refreshAll();

      assertThat(pool.mostInUse()).isEqualTo(1);
    }
    assertThat(history("view_name")).isEqualTo(ORDER);
  }

  @Test
  void a_pool_of_one_connection_is_enough() throws Exception {
    AtomicInteger refused = new AtomicInteger();
    try (BoundedPool pool = new BoundedPool(database.dataSource(), 1, Duration.ofMillis(1))) {
      DataSource counting = counting(pool, refused);
      Future<List<Refresh>> call;
      try (Connection gate = shut(1)) {
        call = Background.call(WipViews.of(counting).withParallelism(5)::refreshAll);
        awaitAtGates(1);
        // it wants a second connection for the view that reads no other, and gets none
        Await.until("a connection was refused", () -> refused.get() > 0);
        assertThat(gate.isClosed()).isFalse();
      }

      assertThat(Await.result(call)).extracting(Refresh::outcome).containsOnly(Outcome.REFRESHED);
      assertThat(refused).hasValue(1);
    }
    assertThat(history("outcome")).hasSize(5).containsOnly("refreshed");
  }

  private static DataSource counting(DataSource pool, AtomicInteger refused) {
    return new DelegatingDataSource(pool) {
      @Override
      public Connection getConnection() throws SQLException {
        try {
          return delegate().getConnection();
        } catch (SQLException e) {
          refused.incrementAndGet();
          throw e;
        }
      }
    };
  }

  @Test
  void one_that_fails_stops_no_other() throws Exception {
    does("SELECT CASE view_name WHEN 'mv_left' THEN 1 / 0 ELSE 0 END");

    RefreshFailedException failure =
        catchThrowableOfType(
            RefreshFailedException.class, () -> views.withParallelism(3).refreshAll());

    assertThat(failure).hasMessageContaining("mv_left: division by zero");
    assertThat(failure.refreshes())
        .extracting(refresh -> refresh.view() + " " + refresh.outcome())
        .containsExactly(
            "mv_base REFRESHED",
            "mv_left FAILED",
            "mv_right REFRESHED",
            "mv_top REFRESHED",
            "mv_alone REFRESHED");
  }

  @Test
  void an_interrupt_of_the_caller_ends_all_of_it() throws Exception {
    try (Connection gate = shut(2, 3)) {
      FutureTask<Throwable> call =
          new FutureTask<>(
              () -> {
                try {
                  views.withParallelism(2).refreshAll();
                  return null;
                } catch (RefreshFailedException e) {
                  assertThat(Thread.currentThread().isInterrupted()).isTrue();
                  return e;
                }
              });
      Thread caller = new Thread(call, "caller");
      caller.start();
      awaitAtGates(2);
      caller.interrupt();

      assertThat(Await.result(call)).hasMessageContaining("mv_top: not tried: the call was");
      assertThat(gate.isClosed()).isFalse();
    }
    assertThat(
            database.rows(
                "SELECT view_name, outcome, sqlstate FROM wip_view_history"
                    + " WHERE view_name IN ('mv_left', 'mv_right', 'mv_top') ORDER BY 1"))
        .hasToString(
            "[[mv_left, failed, 57014], [mv_right, failed, 57014], [mv_top, failed, 57014]]");
  }

  @Test
  void an_interrupt_reaches_others_while_the_caller_waits() throws Exception {
    try (Connection gate = shut(1)) {
      FutureTask<Throwable> call =
          new FutureTask<>(
              () ->
                  catchThrowableOfType(
                      RefreshFailedException.class,
                      () ->
                          views
                              .withParallelism(2)
                              .refreshAll(List.of(view("mv_base"), view("mv_left")))));
      Thread caller = new Thread(call, "caller");
      caller.start();
      awaitAtGates(1);
      // the other thread, or this one, waits for the source
      caller.interrupt();

      assertThat(Await.result(call)).hasMessageContaining("mv_left: not tried: the call was");
      assertThat(gate.isClosed()).isFalse();
    }
  }

  private static Table<?> view(String name) {
    return WipViews.view(name);
  }

  @Test
  void some_views_are_refreshed_with_all_that_they_read() throws Exception {
    List<Refresh> refreshes =
        views.withParallelism(2).refreshAll(List.of(view("mv_left"), view("mv_alone")));

    assertThat(refreshes)
        .extracting(Refresh::view)
        .containsExactly("mv_base", "mv_left", "mv_alone");
    assertThat(history("view_name")).hasSize(3);
    assertThatThrownBy(() -> views.refreshAll(List.of(view("mv_left"), view("mv_lft"))))
        .isInstanceOf(UnknownViewException.class)
        .hasMessageContaining("mv_lft");
    assertThat(history("view_name")).hasSize(3);
  }

  @Test
  void some_views_in_a_callers_transaction_take_part_in_it() throws Exception {
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      WipViews joined =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));

      assertThat(joined.withParallelism(4).refreshAll(List.of(view("mv_left"))))
          .extracting(Refresh::view)
          .containsExactly("mv_left");
      connection.rollback();
    }
    assertThat(history("view_name")).isEmpty();
  }

  @Test
  void two_sessions_may_run_two_requests_of_a_call_but_not_one() throws Exception {
    Future<Boolean> running;
    List<List<String>> requests =
        database.rows(
            "SELECT refresh_id FROM wip_view_request_each('{mv_left,mv_right}') ORDER BY 1");
    String left = "SELECT outcome FROM wip_view_run(" + requests.get(0).get(0) + ")";
    String right = "SELECT outcome FROM wip_view_run(" + requests.get(1).get(0) + ")";
    try (Connection first = database.connect();
        Connection second = database.connect()) {
      try (Connection gate = shut(2)) {
        running = Background.call(() -> first.createStatement().execute(left));
        awaitAtGates(1);

        assertThatThrownBy(() -> second.createStatement().execute(left))
            .hasMessageContaining("another session is running request");
        assertThat(second.createStatement().execute(right)).isTrue();
        assertThat(history("outcome")).containsExactly("refreshed", "running");
        assertThat(gate.isClosed()).isFalse();
      }
      assertThat(Await.result(running)).isTrue();
    }
    assertThat(history("outcome")).containsExactly("refreshed", "refreshed");
  }
}
