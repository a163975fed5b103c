package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.Future;
import org.jooq.SQLDialect;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A failure is on record, whoever called and however the refresh ended. */
class RefreshFailureTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static Probe probe;
  private static FaultyView faulty;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void makeViews() throws SQLException {
    probe = Probe.in(database);
    faulty = FaultyView.in(database);
  }

  @BeforeEach
  void reset() throws SQLException {
    faulty.does("RETURN 0;");
    probe.reset();
  }

  @Thorough
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
    faulty.does(body);

    assertThatThrownBy(() -> database.execute("CALL refresh_wip_views()"))
        .hasMessageContaining("mv_fault: ")
        .hasMessageContaining(message)
        .hasMessageContaining("1 of 4 views were not refreshed");
    String recorded =
        "[[mv_fault, failed, "
            + sqlState
            + "], [mv_orders, refreshed, -], [mv_customers, refreshed, -], [mv_probe, refreshed,"
            + " -]]";
    assertThat(faulty.outcomes()).isEqualTo(recorded);

    probe.reset();
    RefreshFailedException failure =
        catchThrowableOfType(RefreshFailedException.class, views::refreshAll);
    assertThat(faulty.outcomes()).isEqualTo(recorded);
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
    faulty.does("RETURN 1 / 0;");

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

  @Thorough
  @Test
  void a_failure_that_cannot_be_recorded_is_raised_all_the_same() throws Exception {
    try (Callers callers = new Callers();
        Probe.Gate gate = probe.shut()) {
      Future<Refresh> call =
          callers.start(1, database::connect, (n, c) -> views.refresh(Probe.MV_PROBE)).get(0);
      gate.awaitRefresh();
      try (Connection blocker =
          database.inTransaction("LOCK TABLE wip_view_refresh IN SHARE MODE")) {
        gate.cancelRefresh();

        assertThatThrownBy(() -> Await.result(call))
            .cause()
            .isInstanceOfSatisfying(
                RefreshFailedException.class, e -> assertThat(e.sqlState()).contains("57014"));
        assertThat(blocker.isClosed()).isFalse();
      }
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
    assertThat(faulty.outcomes()).isEqualTo("[]");
  }

  @Test
  void a_block_that_calls_the_procedure_keeps_its_path_and_no_lock() throws Exception {
    database.execute(
        """
        DO $$
        BEGIN
          CALL refresh_wip_views();
          PERFORM count(*) FROM orders;
          IF EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') THEN
            RAISE 'locks are left';
          END IF;
        END
        $$
        """);

    faulty.does("RETURN 1 / 0;");
    assertThatThrownBy(() -> database.execute("DO $$ BEGIN CALL refresh_wip_views(); END $$"))
        .hasMessageContaining("division by zero");
  }

  @Test
  void a_cancelled_procedure_is_on_record_and_begins_no_other_view() throws Exception {
    faulty.does("PERFORM public.gate(); RETURN 0;");
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
        gate.cancelRefresh();
        assertThatThrownBy(() -> Await.result(call))
            .rootCause()
            .hasMessageContaining("canceling statement");
      }
    }
    assertThat(faulty.outcomes()).isEqualTo(FaultyView.NOT_TRIED);
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE started_at IS NOT NULL"))
        .isEqualTo("0");
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
        assertThatThrownBy(() -> Await.result(call)).isNotNull();
        // the process says goodbye before it is gone
        Await.until(
            "the death is seen",
            () -> views.freshness(Probe.MV_PROBE).lastOutcome(),
            Outcome.FAILED::equals);
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
        assertThatThrownBy(() -> Await.result(call))
            .cause()
            .isInstanceOf(RefreshFailedException.class);
      }
    }
    assertThat(database.value("SELECT outcome || sqlstate FROM wip_view_refresh"))
        .isEqualTo("failed57P01");
  }

  @Thorough
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
          // and which the refresh meanwhile does not serve
          "UPDATE wip_view_refresh SET requested_at = requested_at - interval '1 hour',"
              + " served_from = NULL WHERE outcome = 'running'");
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
        turn.execute("SELECT wip_view_prune('mv_probe')");

        assertThat(probe.count("running")).isEqualTo(1);
        blocker.commit();
        Await.result(run);
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
          "SELECT wip_view_prune('mv_probe')");
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
  void a_read_only_transaction_reads_freshness_and_cannot_refresh() throws Exception {
    views.refresh(Probe.MV_PROBE);
    PGSimpleDataSource readOnly = (PGSimpleDataSource) database.dataSource();
    readOnly.setOptions("-c default_transaction_read_only=on");
    WipViews reader = WipViews.of(readOnly);

    assertThat(reader.freshness(Probe.MV_PROBE).state()).isEqualTo(Freshness.State.FRESH);
    assertThat(reader.refreshIfOlderThan(Probe.MV_PROBE, Duration.ofDays(1))).isEmpty();
    assertThatThrownBy(() -> reader.refresh(Probe.MV_PROBE))
        .isInstanceOf(RefreshFailedException.class)
        .hasMessageContaining(
            "cannot refresh the view: this is a read-only standby or transaction");
  }
}
