package com.f2x.neurohub.wipviews.refresh;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.Counting;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class RefreshFailureTest {

  private static final String REFRESH = "SELECT * FROM refresh_wip_view('mv_probe')";

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static Probe probe;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
    database.execute(
        "CREATE FUNCTION fault() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 0; END'",
        "CREATE MATERIALIZED VIEW mv_fault AS SELECT 1 AS id, fault() AS fault",
        "CREATE UNIQUE INDEX mv_fault_id_idx ON mv_fault (id)",
        // in the middle, so that there is one before and one after
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_fault', 1, '1 minute', '')");
  }

  @BeforeEach
  void reset() throws SQLException {
    fault("RETURN 0;");
    probe.reset();
  }

  /** What the query of {@code mv_fault} does from now on. */
  private static void fault(String body) throws SQLException {
    database.execute(
        "CREATE OR REPLACE FUNCTION fault() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN "
            + body
            + " END $$");
  }

  private static String outcomes() throws SQLException {
    return database
        .rows(
            "SELECT view_name, outcome, coalesce(sqlstate, '-') FROM wip_view_history"
                + " ORDER BY refresh_id")
        .toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "RETURN 1 / 0; | 22012 | division by zero",
        "RAISE disk_full USING MESSAGE = 'no space left on device'; | 53100 | no space left",
        "ASSERT false; | P0004 | assertion failed",
        "PERFORM FROM gone; | 42P01 | relation \"gone\" does not exist",
        "RAISE undefined_object; | 42704 | undefined_object"
      })
  void an_error_of_one_view_is_on_record_and_others_are_refreshed(
      String body, String sqlState, String message) throws Exception {
    fault(body);

    assertThatThrownBy(() -> database.execute("CALL refresh_wip_views()"))
        .hasMessageContaining("mv_fault: ")
        .hasMessageContaining(message)
        .hasMessageContaining("1 of 4 views were not refreshed");
    String recorded =
        "[[mv_fault, failed, "
            + sqlState
            + "], [mv_wip_status_dashboard, refreshed, -],"
            + " [mv_process_wip_queue, refreshed, -], [mv_probe, refreshed, -]]";
    assertThat(outcomes()).isEqualTo(recorded);

    probe.reset();
    RefreshFailedException failure =
        catchThrowableOfType(RefreshFailedException.class, views::refreshAll);
    assertThat(outcomes()).isEqualTo(recorded);
    assertThat(failure)
        .hasMessageStartingWith("mv_fault: ")
        .hasMessageContaining(message)
        .returns("mv_fault", e -> e.view().orElseThrow())
        .returns(sqlState, e -> e.sqlState().orElseThrow());
    assertThat(failure.refreshes())
        .extracting(Refresh::outcome)
        .containsExactly(Outcome.FAILED, Outcome.REFRESHED, Outcome.REFRESHED, Outcome.REFRESHED);
    assertThat(views.freshness().get(0))
        .returns(Outcome.FAILED, Freshness::lastOutcome)
        .satisfies(row -> assertThat(row.lastError()).contains(message));
  }

  @Test
  void an_error_raises_from_the_function_with_its_own_sqlstate() throws Exception {
    fault("RETURN 1 / 0;");

    assertThatThrownBy(() -> database.execute("SELECT refresh_all_wip_views()"))
        .hasMessageContaining("division by zero");
  }

  @Test
  void rows_that_share_a_key_never_lead_to_a_blocking_refresh() throws Exception {
    database.execute("INSERT INTO probe VALUES (2, 'twice'), (2, 'twice')");

    RefreshFailedException failure =
        catchThrowableOfType(RefreshFailedException.class, () -> views.refresh(Probe.MV_PROBE));

    // the server's state for this is that of a unique violation or of a cardinality violation
    assertThat(failure.sqlState().orElseThrow()).isIn("21000", "23505");
    assertThat(views.history(Probe.MV_PROBE, 9))
        .singleElement()
        .returns(Outcome.FAILED, Refresh::outcome);
    assertThat(database.value("SELECT count(*) FROM mv_probe")).isEqualTo("1");
  }

  @Test
  void a_lock_held_past_the_timeout_fails_the_refresh() throws Exception {
    try (Connection blocker = database.connect();
        Statement statement = blocker.createStatement()) {
      blocker.setAutoCommit(false);
      statement.execute("LOCK TABLE probe IN ACCESS EXCLUSIVE MODE");

      assertThatThrownBy(() -> views.withLockTimeout(Duration.ofMillis(50)).refresh(Probe.MV_PROBE))
          .isInstanceOfSatisfying(
              RefreshFailedException.class, e -> assertThat(e.sqlState()).contains("55P03"));
    }
    assertThat(outcomes()).isEqualTo("[[mv_probe, failed, 55P03]]");
  }

  @Test
  void the_wait_for_a_turn_counts_as_a_wait_for_a_lock() throws Exception {
    try (Callers callers = new Callers()) {
      try (Probe.Gate gate = probe.shut()) {
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, REFRESH));
        gate.awaitRefresh();

        assertThatThrownBy(
                () -> views.withLockTimeout(Duration.ofMillis(50)).refresh(Probe.MV_PROBE))
            .isInstanceOf(RefreshFailedException.class)
            .hasMessageContaining("lock timeout");
      }
    }
  }

  @Test
  void a_refresh_past_the_statement_timeout_is_cancelled() throws Exception {
    try (Probe.Gate gate = probe.shut()) {
      assertThatThrownBy(
              () -> views.withStatementTimeout(Duration.ofMillis(100)).refresh(Probe.MV_PROBE))
          .isInstanceOfSatisfying(
              RefreshFailedException.class, e -> assertThat(e.sqlState()).contains("57014"))
          .hasMessageContaining("statement timeout");
      // the gate is still shut: the refresh is gone
      assertThat(probe.count("failed")).isEqualTo(1);
      assertThat(gate.isShut()).isTrue();
    }
  }

  @Test
  void limits_hold_before_the_request_is_on_record() throws Exception {
    WipViews limited = views.withLockTimeout(Duration.ofMillis(50));
    try (Connection blocker = holding("LOCK TABLE wip_view_refresh IN SHARE MODE")) {
      assertTimeoutPreemptively(
          Duration.ofSeconds(20),
          () ->
              assertThatThrownBy(() -> limited.refresh(Probe.MV_PROBE))
                  .isInstanceOfSatisfying(
                      RefreshFailedException.class,
                      e -> assertThat(e.sqlState()).contains("55P03")));
      assertThat(blocker.isClosed()).isFalse();
    }
    assertThat(outcomes()).isEqualTo("[]");

    try (Connection blocker = holding("LOCK TABLE wip_view")) {
      assertTimeoutPreemptively(
          Duration.ofSeconds(20),
          () ->
              assertThatThrownBy(limited::refreshAll)
                  .isInstanceOfSatisfying(
                      WipViewsException.class, e -> assertThat(e.sqlState()).contains("55P03")));
      assertThat(blocker.isClosed()).isFalse();
    }
  }

  @Test
  void an_interrupt_ends_the_wait_for_the_request_as_well() throws Exception {
    try (Connection blocker = holding("LOCK TABLE wip_view_refresh IN SHARE MODE")) {
      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      Thread caller =
          new Thread(
              () -> {
                try {
                  views.refresh(Probe.MV_PROBE);
                } catch (RuntimeException e) {
                  thrown.complete(e);
                }
              });
      caller.start();
      Await.until(
          "the request waits",
          () -> database.value("SELECT count(*) FROM pg_locks WHERE NOT granted").equals("1"));
      caller.interrupt();

      assertThat(thrown.get(20, TimeUnit.SECONDS))
          .hasMessage("mv_probe: cancelled, because the calling thread was interrupted");
      assertThat(blocker.isClosed()).isFalse();
    }
  }

  @Test
  void a_failure_that_cannot_be_recorded_is_raised_all_the_same() throws Exception {
    try (Callers callers = new Callers();
        Probe.Gate gate = probe.shut()) {
      Future<Refresh> call =
          callers
              .start(
                  1,
                  database::connect,
                  (n, c) ->
                      views.withStatementTimeout(Duration.ofSeconds(1)).refresh(Probe.MV_PROBE))
              .get(0);
      gate.awaitRefresh();
      try (Connection blocker = holding("LOCK TABLE wip_view_refresh IN SHARE MODE")) {
        assertThatThrownBy(() -> call.get(20, TimeUnit.SECONDS))
            .cause()
            .isInstanceOf(RefreshFailedException.class)
            .hasMessageContaining("statement timeout");
        assertThat(blocker.isClosed()).isFalse();
      }
    }
  }

  /** A session that holds a lock until it is closed. */
  private static Connection holding(String lock) throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute(lock);
    }
    return connection;
  }

  @Test
  void a_timeout_is_one_that_the_server_takes() {
    Duration longest = Duration.ofMillis(Integer.MAX_VALUE);
    assertThat(
            views
                .withLockTimeout(longest)
                .withStatementTimeout(longest)
                .refresh(Probe.MV_PROBE)
                .outcome())
        .isEqualTo(Outcome.REFRESHED);
    assertThat(views.withStatementTimeout(longest).freshness()).hasSize(4);

    for (Duration none : List.of(Duration.ZERO, longest.plusMillis(1), Duration.ofDays(36500))) {
      assertThatThrownBy(() -> views.withLockTimeout(none))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("a timeout is at least 1ms and at most 24 d 20 h: " + none);
      assertThatThrownBy(() -> views.withStatementTimeout(none))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void limits_end_with_the_refresh() throws Exception {
    try (Connection connection = database.connect()) {
      WipViews limited =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES))
              .withLockTimeout(Duration.ofSeconds(7))
              .withStatementTimeout(Duration.ofSeconds(8));
      String limits =
          "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')";

      limited.refresh(Probe.MV_PROBE);
      assertThat(DSL.using(connection).fetchSingle(limits).intoList()).containsExactly("0", "0");

      connection.setAutoCommit(false);
      limited.refresh(Probe.MV_PROBE);
      assertThat(DSL.using(connection).fetchSingle(limits).intoList()).containsExactly("0", "0");
    }
  }

  @Test
  void in_a_callers_transaction_a_refresh_is_undone_with_it() throws Exception {
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      WipViews joined =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));

      assertThat(joined.refreshAll()).hasSize(4);
      connection.rollback();
    }
    assertThat(outcomes()).isEqualTo("[]");
  }

  @Test
  void interrupting_the_thread_cancels_the_statement_on_the_server() throws Exception {
    try (Probe.Gate gate = probe.shut()) {
      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      Thread caller =
          new Thread(
              () -> {
                try {
                  views.refresh(Probe.MV_PROBE);
                  thrown.complete(new AssertionError("refreshed"));
                } catch (RuntimeException e) {
                  thrown.complete(
                      Thread.currentThread().isInterrupted()
                          ? e
                          : new AssertionError("the interrupt is lost", e));
                }
              });
      caller.start();
      gate.awaitRefresh();
      caller.interrupt();

      assertThat(thrown.get())
          .isInstanceOf(RefreshFailedException.class)
          .hasMessage("mv_probe: cancelled, because the calling thread was interrupted");
      // nobody is at the gate, though it is still shut
      assertThat(database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")).isEqualTo("0");
      assertThat(outcomes()).isEqualTo("[[mv_probe, failed, 57014]]");
      assertThat(Thread.getAllStackTraces().keySet())
          .noneMatch(thread -> thread.getName().startsWith("wip-views-cancel"));
      assertThat(gate.isShut()).isTrue();
    }
  }

  @Test
  void an_interrupt_ends_the_refresh_of_all_views() throws Exception {
    fault("PERFORM public.gate(); RETURN 0;");
    try (Probe.Gate gate = probe.shut()) {
      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      Thread caller =
          new Thread(
              () -> {
                try {
                  views.refreshAll();
                } catch (RuntimeException e) {
                  thrown.complete(e);
                }
              });
      caller.start();
      gate.awaitRefresh();
      caller.interrupt();

      assertThat(thrown.get()).isInstanceOf(RefreshFailedException.class);
      assertThat(outcomes()).isEqualTo("[[mv_fault, failed, 57014]]");
      assertThat(gate.isShut()).isTrue();
    }
  }

  @Test
  void a_block_that_calls_the_procedure_keeps_its_path_and_no_lock() throws Exception {
    database.execute(
        """
        DO $$
        BEGIN
          CALL refresh_wip_views();
          PERFORM count(*) FROM lots;
          IF EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') THEN
            RAISE 'locks are left';
          END IF;
        END
        $$
        """);

    fault("RETURN 1 / 0;");
    assertThatThrownBy(() -> database.execute("DO $$ BEGIN CALL refresh_wip_views(); END $$"))
        .hasMessageContaining("division by zero");
  }

  @Test
  void a_cancelled_procedure_is_on_record_and_begins_no_other_view() throws Exception {
    fault("PERFORM public.gate(); RETURN 0;");
    try (Callers callers = new Callers()) {
      try (Probe.Gate gate = probe.shut()) {
        Future<Boolean> call =
            callers
                .start(
                    1,
                    database::connect,
                    (n, c) -> {
                      try (Statement statement = c.createStatement()) {
                        return statement.execute("CALL refresh_wip_views()");
                      }
                    })
                .get(0);
        gate.awaitRefresh();
        database.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted AND objsubid = 1");
        assertThatThrownBy(call::get).rootCause().hasMessageContaining("canceling statement");
      }
    }
    assertThat(outcomes()).isEqualTo("[[mv_fault, failed, 57014]]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"java", "procedure"})
  void a_terminated_refresh_shows_as_failed_and_is_written_down(String how) throws Exception {
    try (Callers callers = new Callers()) {
      Future<?> call;
      try (Probe.Gate gate = probe.shut()) {
        call =
            callers
                .start(
                    1,
                    database::connect,
                    (n, c) -> {
                      try (Statement statement = c.createStatement()) {
                        if (how.equals("procedure")) {
                          return statement.execute("CALL refresh_wip_views()");
                        }
                        // what Java does; Java itself would write the failure down right away
                        c.setAutoCommit(false);
                        String id =
                            Probe.rows(c, "SELECT wip_view_request('mv_probe') AS id")
                                .get(0)
                                .get("id");
                        c.commit();
                        return statement.execute("SELECT wip_view_run(" + id + ")");
                      }
                    })
                .get(0);
        gate.awaitRefresh();
        assertThat(views.history(Probe.MV_PROBE, 1).get(0).outcome()).isEqualTo(Outcome.RUNNING);
        assertThat(views.freshness(Probe.MV_PROBE).lastOutcome()).isEqualTo(Outcome.RUNNING);

        gate.terminateRefresh();
        assertThatThrownBy(call::get).isNotNull();
        // the process says goodbye before it is gone
        Await.until(
            "the death is seen",
            () -> views.freshness(Probe.MV_PROBE).lastOutcome() == Outcome.FAILED);
      }
    }
    assertThat(views.history(Probe.MV_PROBE, 1).get(0))
        .returns("57P01", Refresh::sqlState)
        .returns("the session ended before the refresh did", Refresh::error);
    assertThat(views.freshness(Probe.MV_PROBE).lastError())
        .isEqualTo("the session ended before the refresh did");
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE outcome = 'running'"))
        .isEqualTo("1");

    views.refresh(Probe.MV_PROBE);

    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE outcome = 'running'"))
        .isEqualTo("0");
    assertThat(
            database.value(
                "SELECT count(*) FROM wip_view_refresh WHERE sqlstate = '57P01'"
                    + " AND finished_at IS NOT NULL"))
        .isEqualTo("1");
  }

  @Test
  void java_records_the_failure_of_its_terminated_connection() throws Exception {
    try (Callers callers = new Callers()) {
      Future<Refresh> call;
      try (Probe.Gate gate = probe.shut()) {
        call = callers.start(1, database::connect, (n, c) -> views.refresh(Probe.MV_PROBE)).get(0);
        gate.awaitRefresh();
        gate.terminateRefresh();
        assertThatThrownBy(call::get).cause().isInstanceOf(RefreshFailedException.class);
      }
    }
    assertThat(database.value("SELECT outcome || sqlstate FROM wip_view_refresh"))
        .isEqualTo("failed57P01");
  }

  @Test
  void a_living_attempt_is_never_marked_however_long_it_waits() throws Exception {
    try (Connection connection = database.connect()) {
      // between the commit of the request and the run, for what looks like an hour
      String id =
          Probe.rows(connection, "SELECT wip_view_request('mv_probe') AS id").get(0).get("id");
      assertThat(probe.count("running")).isEqualTo(1);
      views.refresh(Probe.MV_PROBE);
      assertThat(probe.count("running")).isEqualTo(1);
      database.execute(
          "UPDATE wip_view_refresh SET requested_at = requested_at - interval '1 hour'"
              + " WHERE outcome = 'running'");
      try (Callers callers = new Callers();
          Connection blocker = database.connect();
          Statement turn = blocker.createStatement()) {
        blocker.setAutoCommit(false);
        turn.execute(
            "SELECT pg_advisory_xact_lock('wip_view'::regclass::oid::integer,"
                + " hashtext('mv_probe'))");
        Future<?> run =
            callers
                .start(
                    1,
                    () -> connection,
                    (n, c) -> Probe.rows(c, "SELECT * FROM wip_view_run(" + id + ")"))
                .get(0);
        probe.awaitWaiters(1);
        turn.execute("SELECT wip_view_tidy('mv_probe')");

        assertThat(probe.count("running")).isEqualTo(1);
        blocker.commit();
        run.get();
      }
    }
    assertThat(probe.count("failed")).isZero();
  }

  @Test
  void an_attempt_taken_for_dead_is_completed_when_it_runs() throws Exception {
    try (Connection connection = database.connect()) {
      String id =
          Probe.rows(connection, "SELECT wip_view_request('mv_probe') AS id").get(0).get("id");
      database.execute(
          "UPDATE wip_view_refresh SET requested_at = requested_at - interval '1 hour'",
          "SELECT wip_view_tidy('mv_probe')");
      assertThat(probe.count("failed")).isEqualTo(1);

      assertThat(Probe.rows(connection, "SELECT * FROM wip_view_run(" + id + ")").get(0))
          .containsEntry("outcome", "refreshed")
          .containsEntry("error", null);
    }
  }

  @Test
  void a_view_dropped_before_its_refresh_is_named_with_a_remedy() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_fault");
    try {
      assertThatThrownBy(() -> database.execute("CALL refresh_wip_views()"))
          .hasMessageContaining("materialized view \"mv_fault\" is missing from schema \"public\"");
      RefreshFailedException failure =
          catchThrowableOfType(RefreshFailedException.class, views::refreshAll);
      assertThat(failure.remedy()).contains("Bring it back: wip-views recreate mv_fault");
      assertThat(failure.refreshes()).hasSize(4);
      assertThat(views.freshness().get(0).state()).isEqualTo(Freshness.State.MISSING);
    } finally {
      database.execute(
          "CREATE MATERIALIZED VIEW mv_fault AS SELECT 1 AS id, fault() AS fault",
          "CREATE UNIQUE INDEX mv_fault_id_idx ON mv_fault (id)");
    }
  }

  @Test
  void a_view_taken_off_the_registry_meanwhile_is_not_refreshed() throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT set_config('my.id', wip_view_request('mv_probe')::text, true)");
      statement.execute("DELETE FROM wip_view WHERE view_name = 'mv_probe'");

      assertThatThrownBy(
              () -> statement.execute("SELECT wip_view_run(current_setting('my.id')::bigint)"))
          .hasMessageContaining("view \"mv_probe\" is no longer registered");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"wip_view", "pg_class", "mv_probe; DROP TABLE probe", "", "MV_PROBE"})
  void a_name_that_is_not_registered_is_refused(String name) {
    assertThatThrownBy(() -> views.refresh(WipViews.view(name)))
        .isInstanceOf(UnknownViewException.class)
        .hasMessage("unknown view \"" + name + "\"");
  }

  @Test
  void a_view_with_a_plain_unique_index_is_refreshed_concurrently() {
    assertThat(views.refresh(MV_WIP_STATUS_DASHBOARD))
        .returns(Refresh.Mode.CONCURRENT, Refresh::mode)
        .returns(null, Refresh::modeReason);
  }

  @Test
  void a_view_that_is_not_populated_is_refreshed_plainly_once() throws Exception {
    database.execute("REFRESH MATERIALIZED VIEW mv_probe WITH NO DATA");
    assertThat(views.freshness(Probe.MV_PROBE).state()).isEqualTo(Freshness.State.UNPOPULATED);

    assertThat(views.refresh(Probe.MV_PROBE))
        .returns(Refresh.Mode.PLAIN, Refresh::mode)
        .returns("the view was not populated", Refresh::modeReason);
    assertThat(views.refresh(Probe.MV_PROBE).mode()).isEqualTo(Refresh.Mode.CONCURRENT);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT",
        "CREATE INDEX mv_probe_id_idx ON mv_probe (id)",
        "CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe (id) WHERE id > 0",
        "CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe ((id + 0))",
        "CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe (id, (id + 0))"
      })
  void a_view_without_a_plain_unique_index_is_refreshed_plainly(String index) throws Exception {
    database.execute("DROP INDEX mv_probe_id_idx", index);

    assertThat(views.refresh(Probe.MV_PROBE))
        .returns(Refresh.Mode.PLAIN, Refresh::mode)
        .returns("the view has no plain unique index", Refresh::modeReason);
  }

  @Test
  void a_unique_index_that_is_invalid_does_not_count() throws Exception {
    database.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mv_probe_id_idx'::regclass");

    assertThat(views.refresh(Probe.MV_PROBE).modeReason())
        .isEqualTo("the view has no plain unique index");
  }

  @Test
  void a_unique_index_that_is_checked_late_does_not_count() throws Exception {
    database.execute(
        "UPDATE pg_index SET indimmediate = false WHERE indexrelid = 'mv_probe_id_idx'::regclass");

    assertThat(views.refresh(Probe.MV_PROBE).modeReason())
        .isEqualTo("the view has no plain unique index");
  }

  @Test
  void the_history_is_pruned_by_age_and_keeps_what_freshness_needs() throws Exception {
    views.refresh(MV_PROCESS_WIP_QUEUE);
    views.refresh(Probe.MV_PROBE);
    database.execute(
        "UPDATE wip_view_refresh SET requested_at = requested_at - interval '15 days'",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_probe',"
            + " 'coalesced', now() - interval '15 days' FROM generate_series(1, 9)",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_probe',"
            + " 'coalesced', now() - interval '13 days' FROM generate_series(1, 5)");

    // a failing view is pruned too, or its history would grow for as long as it fails
    database.execute(
        "SELECT wip_view_fail(wip_view_request('mv_probe'), '22012', 'division by zero')");
    assertThat(probe.count("coalesced")).isEqualTo(5);
    assertThat(probe.count("refreshed")).isEqualTo(1);
    assertThat(views.freshness(Probe.MV_PROBE).lastRefreshedAt()).isNotNull();

    views.refresh(Probe.MV_PROBE);
    assertThat(probe.count("refreshed")).isEqualTo(1);
    assertThat(
            database.value("SELECT count(*) FROM wip_view_refresh WHERE view_name LIKE '%queue'"))
        .isEqualTo("1");
  }

  @Test
  void a_retention_longer_than_the_calendar_keeps_everything() throws Exception {
    database.execute("UPDATE wip_view_settings SET history_retention = '9999 years'");
    try {
      views.refresh(Probe.MV_PROBE);
      database.execute("CALL refresh_wip_views()");

      assertThat(probe.count("refreshed")).isEqualTo(2);
    } finally {
      database.execute("UPDATE wip_view_settings SET history_retention = DEFAULT");
    }
  }

  @Test
  void the_tables_of_a_recovery_wait_for_no_refresh() throws Exception {
    String registry =
        Files.readString(Path.of("changelog/wip/registry.sql")).replace("${schema}", "public");
    try (Connection refreshed = database.connect()) {
      refreshed.setAutoCommit(false);
      Probe.rows(refreshed, REFRESH);

      database.execute("SET lock_timeout = '1s'; " + registry);

      assertThat(refreshed.isClosed()).isFalse();
    }
  }

  @Test
  void pruning_reaches_unregistered_views_and_future_dates() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_probe',"
            + " 'coalesced', now() + interval '1 year' FROM generate_series(1, 500)",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_gone',"
            + " 'refreshed', now() - interval '15 days' FROM generate_series(1, 9)",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_gone',"
            + " 'refreshed', now() - interval '13 days' FROM generate_series(1, 5)");

    views.refresh(Probe.MV_PROBE);
    views.refresh(Probe.MV_PROBE);

    assertThat(probe.count("coalesced")).isZero();
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE view_name = 'mv_gone'"))
        .isEqualTo("5");
  }

  @Test
  void what_pruning_costs_does_not_grow_with_the_history() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome)"
            + " SELECT 'mv_probe', 'coalesced' FROM generate_series(1, 20000)",
        "VACUUM ANALYZE wip_view_refresh");
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      String read =
          "SELECT pg_stat_get_xact_tuples_fetched('wip_view_refresh'::regclass)"
              + " + pg_stat_get_xact_tuples_returned('wip_view_refresh'::regclass) AS tuples";
      statement.execute("SELECT wip_view_tidy('mv_probe')");

      assertThat(Integer.parseInt(Probe.rows(connection, read).get(0).get("tuples")))
          .isLessThan(2_500);
    }
  }

  @Test
  void a_view_that_is_fresh_enough_costs_one_query() throws Exception {
    views.refresh(Probe.MV_PROBE);
    List<String> statements = new CopyOnWriteArrayList<>();
    WipViews counted = WipViews.of(Counting.statements(database.dataSource(), statements));

    assertThat(counted.refreshIfOlderThan(Probe.MV_PROBE, Duration.ofMinutes(1))).isEmpty();

    assertThat(statements).hasSize(1);
    assertThat(counted.refreshIfOlderThan(Probe.MV_PROBE, Duration.ZERO)).isPresent();
  }

  @Test
  void a_read_only_transaction_reads_freshness_and_cannot_refresh() throws Exception {
    views.refresh(Probe.MV_PROBE);
    PGSimpleDataSource readOnly = (PGSimpleDataSource) database.dataSource();
    readOnly.setOptions("-c default_transaction_read_only=on");
    WipViews reader = WipViews.of(readOnly);

    assertThat(reader.freshness(Probe.MV_PROBE).state()).isEqualTo(Freshness.State.FRESH);
    assertThat(reader.refreshIfOlderThan(Probe.MV_PROBE, Duration.ofMinutes(1))).isEmpty();
    assertThatThrownBy(() -> reader.refresh(Probe.MV_PROBE))
        .isInstanceOf(RefreshFailedException.class)
        .hasMessageContaining(
            "cannot refresh mv_probe: this is a read-only standby or transaction");
  }
}
