package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A refresh that runs is seen while it runs, whoever called, and so is who waits for it. */
class RunningRefreshTest {

  private static final String RUNNING =
      "SELECT running_pid, running_since, running_for >= '-1s', waiting_callers"
          + " FROM wip_view_freshness WHERE view_name = 'mv_probe'";

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static Probe probe;

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
  }

  @BeforeEach
  void reset() throws SQLException {
    probe.reset();
  }

  @ParameterizedTest
  @ValueSource(strings = {"SELECT refresh_wip_view('mv_probe')", "CALL refresh_wip_views()"})
  void freshness_says_what_runs_since_when_and_who_waits(String call) throws Exception {
    assertThat(database.rows(RUNNING).toString()).isEqualTo("[[null, null, null, 0]]");

    try (Callers callers = new Callers();
        Probe.Gate gate = probe.shut()) {
      String before = database.value("SELECT date_trunc('second', clock_timestamp())");
      callers.start(
          1,
          database::connect,
          (n, c) -> {
            try (Statement statement = c.createStatement()) {
              return statement.execute(call);
            }
          });
      gate.awaitRefresh();
      callers.start(3, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
      probe.awaitWaiters(3);

      List<String> running = database.rows(RUNNING).get(0);
      assertThat(running.subList(2, 4)).containsExactly("t", "3");
      assertThat(database.value("SELECT query FROM pg_stat_activity WHERE pid = " + running.get(0)))
          .isEqualTo(call);
      assertThat(
              database.value(
                  "SELECT timestamptz '"
                      + running.get(1)
                      + "' BETWEEN '"
                      + before
                      + "' AND clock_timestamp()"))
          .isEqualTo("t");
    }
    assertThat(database.rows(RUNNING).toString()).isEqualTo("[[null, null, null, 0]]");
  }

  @Test
  void what_hangs_is_ended_by_its_pid_and_the_next_refreshes() throws Exception {
    try (Callers callers = new Callers()) {
      List<Future<List<Map<String, String>>>> calls;
      try (Probe.Gate gate = probe.shut()) {
        Future<List<Map<String, String>>> hanging =
            callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH)).get(0);
        gate.awaitRefresh();
        calls = callers.start(2, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
        probe.awaitWaiters(2);

        database.execute("SELECT pg_cancel_backend(running_pid) FROM wip_view_freshness");
        assertThatThrownBy(() -> Await.result(hanging)).hasMessageContaining("canceling statement");
        gate.awaitRefresh();
      }
      Callers.results(calls);
    }
    assertThat(probe.count("refreshed")).isBetween(1, 2);
  }

  @Test
  void a_view_whose_turn_a_deploy_holds_has_a_pid_and_no_start() throws Exception {
    try (Probe.DeployLock turn = probe.takeTurn()) {
      List<String> running = database.rows(RUNNING).get(0);
      assertThat(running.get(0)).isNotNull();
      assertThat(running.get(1)).isNull();
      turn.end();
    }
  }

  @Test
  void a_request_that_waits_in_a_live_call_runs_and_dies_with_it() throws Exception {
    database.execute("UPDATE wip_view SET refresh_order = 0 WHERE view_name = 'mv_probe'");
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
            "UPDATE wip_view_refresh SET requested_at = requested_at - interval '1 hour'");
        assertThat(outcomes()).isEqualTo("[[running, 3]]");

        gate.terminateRefresh();
        assertThatThrownBy(() -> Await.result(call)).isNotNull();
        Await.until(
            "all of the call are failed", RunningRefreshTest::outcomes, "[[failed, 3]]"::equals);
      }
    } finally {
      database.execute("UPDATE wip_view SET refresh_order = 9 WHERE view_name = 'mv_probe'");
    }
    // each view's next refresh writes it down
    database.execute("CALL refresh_wip_views()");
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE outcome = 'running'"))
        .isEqualTo("0");
  }

  private static String outcomes() throws SQLException {
    return database.rows("SELECT outcome, count(*) FROM wip_view_history GROUP BY 1").toString();
  }
}
