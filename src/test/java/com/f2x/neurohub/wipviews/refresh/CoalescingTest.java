package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
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

/** Callers at once share refreshes, and each reads what it wrote before it called. */
class CoalescingTest {

  private static final int CALLERS = 64;

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

  @Thorough
  @Test
  void callers_at_once_cost_two_refreshes_and_read_what_they_wrote() throws Exception {
    List<Probe.CallerResult> answers;
    try (Callers callers = new Callers()) {
      List<Future<Probe.CallerResult>> calls;
      try (Probe.Gate gate = probe.shut()) {
        calls = callers.start(CALLERS, database::connect, Probe::writeThenRefresh);
        gate.awaitRefresh();
        probe.awaitWaiters(CALLERS - 1);
      }
      answers = Callers.results(calls);
    }

    assertThat(answers).allMatch(Probe.CallerResult::readItsOwn);
    List<String> refreshed =
        answers.stream()
            .map(Probe.CallerResult::row)
            .filter(row -> row.get("outcome").equals("refreshed"))
            .map(row -> row.get("refresh_id"))
            .toList();
    assertThat(refreshed).hasSizeBetween(1, 2);
    assertThat(answers)
        .extracting(Probe.CallerResult::row)
        .filteredOn(row -> row.get("outcome").equals("coalesced"))
        .hasSize(CALLERS - refreshed.size())
        .allMatch(row -> refreshed.contains(row.get("served_by")) && row.get("rows") != null);
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(strings = {"SELECT refresh_all_wip_views()", "CALL refresh_wip_views()"})
  void callers_of_all_views_cost_two_refreshes_of_each_at_most(String call) throws Exception {
    try (Callers callers = new Callers()) {
      List<Future<Boolean>> calls;
      try (Connection first = database.connect();
          Statement statement = first.createStatement()) {
        first.setAutoCommit(false);
        statement.execute("SELECT refresh_wip_view('mv_orders')");
        calls =
            callers.start(
                CALLERS,
                database::connect,
                (number, connection) -> {
                  try (Statement all = connection.createStatement()) {
                    return all.execute(call);
                  }
                });
        probe.awaitWaiters(CALLERS);
        first.commit();
      }
      Callers.results(calls);
    }

    assertThat(
            database.rows(
                "SELECT view_name, count(*) FILTER (WHERE outcome = 'refreshed') <= 2,"
                    + " count(*) FILTER (WHERE outcome = 'coalesced') >= 62"
                    + " FROM wip_view_refresh GROUP BY view_name"))
        .hasSize(3)
        .allMatch(row -> row.subList(1, 3).equals(List.of("t", "t")));
  }

  /** Each has a data source of its own, as in another process. */
  @Test
  void java_callers_of_several_processes_share_a_refresh() throws Exception {
    List<Refresh> refreshes;
    try (Callers callers = new Callers()) {
      List<Future<Refresh>> calls;
      try (Probe.Gate gate = probe.shut()) {
        calls =
            callers.start(
                8,
                database::connect,
                (number, connection) -> WipViews.of(database.dataSource()).refresh(Probe.MV_PROBE));
        gate.awaitRefresh();
        probe.awaitWaiters(7);
      }
      refreshes = Callers.results(calls);
    }

    assertThat(refreshes)
        .filteredOn(refresh -> refresh.outcome() == Refresh.Outcome.REFRESHED)
        .hasSizeBetween(1, 2);
    assertThat(refreshes)
        .filteredOn(refresh -> refresh.outcome() == Refresh.Outcome.COALESCED)
        .allMatch(refresh -> refresh.servedBy() != null && refresh.startedAt() == null);
  }

  @Test
  void a_refresh_that_is_under_way_already_serves_nobody() throws Exception {
    try (Callers callers = new Callers()) {
      Future<Probe.CallerResult> second;
      try (Probe.Gate gate = probe.shut()) {
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
        gate.awaitRefresh();
        second = callers.start(1, database::connect, Probe::writeThenRefresh).get(0);
        probe.awaitWaiters(1);
      }

      assertThat(second.get().row()).containsEntry("outcome", "refreshed");
      assertThat(second.get().readItsOwn()).isTrue();
    }
  }

  @Test
  void a_caller_that_has_written_refreshes_and_reads_its_own_rows() throws Exception {
    try (Callers callers = new Callers()) {
      List<Future<String>> calls;
      try (Probe.DeployLock turn = probe.takeTurn()) {
        // the next, which starts after the other one asked, and would serve it
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
        probe.awaitWaiters(1);
        calls = callers.start(1, database::connect, CoalescingTest::refreshWithOwnWrites);
        probe.awaitWaiters(2);
        turn.end();
      }

      assertThat(Callers.results(calls)).containsExactly("refreshed 1");
    }
    assertThat(probe.count("refreshed")).isEqualTo(2);
  }

  private static String refreshWithOwnWrites(int number, Connection connection)
      throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO probe VALUES (7, 'not committed')");
    }
    String outcome = Probe.rows(connection, Probe.REFRESH).get(0).get("outcome");
    int own = Probe.rows(connection, "SELECT FROM mv_probe WHERE id = 7").size();
    connection.commit();
    return outcome + " " + own;
  }

  @Test
  void a_caller_that_must_refresh_goes_before_those_it_may_serve() throws Exception {
    try (Callers callers = new Callers()) {
      List<Future<Probe.CallerResult>> served;
      List<Future<String>> writer;
      try (Probe.Gate gate = probe.shut()) {
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
        gate.awaitRefresh();
        served = callers.start(8, database::connect, Probe::writeThenRefresh);
        probe.awaitWaiters(8);
        writer = callers.start(1, database::connect, CoalescingTest::refreshWithOwnWrites);
        probe.awaitWaiters(9);
      }

      assertThat(Callers.results(writer)).containsExactly("refreshed 1");
      assertThat(Callers.results(served))
          .allMatch(Probe.CallerResult::readItsOwn)
          .allMatch(answer -> answer.row().get("outcome").equals("coalesced"));
    }
  }

  @Test
  void a_served_caller_lets_go_of_the_view_before_it_commits() throws Exception {
    try (Callers callers = new Callers();
        Connection lingering = database.connect()) {
      lingering.setAutoCommit(false);
      Future<List<Map<String, String>>> served;
      try (Probe.DeployLock turn = probe.takeTurn()) {
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
        probe.awaitWaiters(1);
        served = callers.start(1, () -> lingering, (n, c) -> Probe.rows(c, Probe.REFRESH)).get(0);
        probe.awaitWaiters(2);
        turn.end();
      }
      assertThat(served.get().get(0)).containsEntry("outcome", "coalesced");

      List<Future<Probe.CallerResult>> next =
          callers.start(1, database::connect, Probe::writeThenRefresh);
      assertThat(Callers.results(next))
          .allMatch(answer -> answer.row().get("outcome").equals("refreshed"));
      lingering.rollback();
    }
  }

  @Test
  void a_caller_that_dies_in_the_queue_holds_up_nobody() throws Exception {
    try (Callers callers = new Callers()) {
      List<Future<Probe.CallerResult>> calls;
      try (Probe.Gate gate = probe.shut()) {
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
        gate.awaitRefresh();
        Future<List<Map<String, String>>> waiter =
            callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH)).get(0);
        probe.awaitWaiters(1);
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                + " AND NOT granted AND objsubid = 2 AND classid = 'wip_view'::regclass");
        assertThatThrownBy(() -> Await.result(waiter))
            .rootCause()
            .hasMessageContaining("terminating connection");
        calls = callers.start(3, database::connect, Probe::writeThenRefresh);
        probe.awaitWaiters(3);
      }

      assertThat(Callers.results(calls)).allMatch(Probe.CallerResult::readItsOwn);
    }
  }

  @Test
  void when_the_refreshing_session_dies_the_next_in_line_takes_over() throws Exception {
    try (Callers callers = new Callers()) {
      List<Future<Probe.CallerResult>> calls;
      try (Probe.Gate gate = probe.shut()) {
        Future<List<Map<String, String>>> leader =
            callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH)).get(0);
        gate.awaitRefresh();
        calls = callers.start(4, database::connect, Probe::writeThenRefresh);
        probe.awaitWaiters(4);
        gate.terminateRefresh();
        assertThatThrownBy(() -> Await.result(leader))
            .rootCause()
            .hasMessageContaining("terminating connection");
        gate.awaitRefresh();
      }

      List<Probe.CallerResult> answers = Callers.results(calls);
      assertThat(answers).allMatch(Probe.CallerResult::readItsOwn);
      assertThat(answers)
          .filteredOn(answer -> answer.row().get("outcome").equals("refreshed"))
          // they asked during one that does not serve them: that it died is not known to all
          .hasSizeBetween(1, 2);
    }
  }

  @Test
  void a_next_in_line_that_never_refreshes_is_a_lock_to_wait_for() throws Exception {
    try (Connection squatter = database.connect();
        Statement place = squatter.createStatement();
        Connection caller = database.connect();
        Statement statement = caller.createStatement()) {
      squatter.setAutoCommit(false);
      place.execute(
          "SELECT pg_advisory_xact_lock('wip_view'::regclass::oid::integer,"
              + " hashtext('next mv_probe'))");
      statement.execute("SET lock_timeout = '100ms'; SET statement_timeout = '5min'");

      assertThatThrownBy(() -> statement.execute(Probe.REFRESH))
          .hasMessageContaining("lock timeout");
    }
  }

  @Test
  void a_count_decides_who_is_served_not_the_clock() throws Exception {
    // as if the clock had been set back by a day since
    database.execute(
        Probe.REFRESH,
        "UPDATE wip_view_refresh SET requested_at = requested_at + interval '1 day', started_at ="
            + " started_at + interval '1 day', finished_at = finished_at + interval '1 day'");
    try (Connection connection = database.connect()) {
      Probe.CallerResult answer = Probe.writeThenRefresh(1, connection);

      assertThat(answer.row()).containsEntry("outcome", "refreshed");
      assertThat(answer.readItsOwn()).isTrue();
    }
  }
}
