package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.refresh.SharingCallers.Caller;
import com.f2x.neurohub.wipviews.testing.BoundedPool;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Callers of one JVM share refreshes before they take a connection. */
class SharedRefreshTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static Probe probe;

  private final BoundedPool pool = new BoundedPool(database.dataSource(), 5, Duration.ofMinutes(3));
  private final WipViews views = WipViews.of(pool);
  private final SharingCallers callers = new SharingCallers();

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
  }

  @BeforeEach
  void reset() throws SQLException {
    probe.reset();
  }

  @AfterEach
  void close() throws Exception {
    callers.close();
    pool.close();
  }

  private Refresh refresh() {
    return views.refresh(Probe.MV_PROBE);
  }

  private static <T> List<T> results(List<Caller<T>> calls) throws Exception {
    List<T> results = new ArrayList<>();
    for (Caller<T> call : calls) {
      results.add(call.result());
    }
    return results;
  }

  private static RefreshFailedException failure(Caller<?> caller) {
    ExecutionException thrown = catchThrowableOfType(ExecutionException.class, caller::result);
    assertThat(thrown).cause().isInstanceOf(RefreshFailedException.class);
    return (RefreshFailedException) thrown.getCause();
  }

  @Test
  void a_hundred_callers_of_a_pool_of_five_cost_two_refreshes() throws Exception {
    Caller<Refresh> first;
    List<Caller<Refresh>> others = new ArrayList<>();
    try (Probe.Gate gate = probe.shut()) {
      first = callers.start(this::refresh);
      gate.awaitRefresh();
      database.execute("INSERT INTO probe VALUES (2, 'after the first began')");
      for (int i = 1; i < 100; i++) {
        others.add(callers.start(this::refresh));
      }
      callers.awaitWaiting(99);

      // what has nothing to do with it gets its connection at once
      assertThat(pool.inUse()).isEqualTo(1);
      assertThat(views.freshness(Probe.MV_PROBE).lastOutcome()).isEqualTo(Outcome.RUNNING);
    }

    assertThat(first.result().outcome()).isEqualTo(Outcome.REFRESHED);
    List<Refresh> refreshes = results(others);
    Refresh second =
        refreshes.stream().filter(r -> r.outcome() == Outcome.REFRESHED).findFirst().orElseThrow();
    assertThat(second.rows()).isEqualTo(2);
    assertThat(refreshes)
        .filteredOn(refresh -> refresh != second)
        .hasSize(98)
        .allSatisfy(
            refresh ->
                assertThat(refresh)
                    .returns(Outcome.COALESCED, Refresh::outcome)
                    .returns(second.id(), Refresh::servedBy)
                    .returns(2L, Refresh::rows)
                    .returns(null, Refresh::startedAt)
                    .returns(null, Refresh::mode));
    assertThat(pool.mostInUse()).isLessThanOrEqualTo(2);
    assertThat(views.history(Probe.MV_PROBE, 100))
        .extracting(Refresh::id)
        .containsExactly(second.id(), first.result().id());
  }

  @Test
  void callers_of_all_views_share_each_of_them() throws Exception {
    database.execute("UPDATE wip_view SET refresh_order = 0 WHERE view_name = 'mv_probe'");
    List<Caller<List<Refresh>>> calls = new ArrayList<>();
    try (Probe.Gate gate = probe.shut()) {
      calls.add(callers.start(views::refreshAll));
      gate.awaitRefresh();
      calls.addAll(callers.startWaiting(19, views::refreshAll));
    }

    assertThat(results(calls)).allMatch(refreshes -> refreshes.size() == 3);
    assertThat(probe.count("refreshed")).isEqualTo(2);
    assertThat(pool.mostInUse()).isLessThan(5);
  }

  /** A call for several views draws its number with the first, which may be long ago. */
  @Test
  void a_call_for_all_views_refreshes_for_one_who_asked_later() throws Exception {
    try (Probe.Gate gate = probe.shut();
        Connection turn = database.connect()) {
      turn.setAutoCommit(false);
      probe.takeTurn(turn, "mv_orders");
      Caller<List<Refresh>> all = callers.start(views::refreshAll);
      probe.awaitWaiters(1);
      Caller<Refresh> running = callers.start(this::refresh);
      gate.awaitRefresh();
      database.execute("INSERT INTO probe VALUES (2, 'after that one began')");
      Caller<Refresh> late = callers.startWaiting(1, this::refresh).get(0);
      turn.rollback();
      callers.awaitWaiting(2);
      gate.open();

      assertThat(running.result().rows()).isEqualTo(1);
      assertThat(all.result()).hasSize(3);
      assertThat(late.result().rows()).isEqualTo(2);
    }
  }

  @Test
  void a_failure_is_that_of_all_whom_the_refresh_would_have_served() throws Exception {
    List<Caller<Refresh>> others;
    try (Probe.Gate gate = probe.shut()) {
      callers.start(this::refresh);
      gate.awaitRefresh();
      others = callers.startWaiting(5, this::refresh);
      database.execute("INSERT INTO probe VALUES (2, 'twice'), (2, 'twice')");
    }

    List<Throwable> failures = new ArrayList<>();
    for (Caller<Refresh> other : others) {
      RefreshFailedException failure = failure(other);
      assertThat(failure.sqlState().orElseThrow()).isIn("21000", "23505");
      assertThat(failure.refreshes()).singleElement().returns(Outcome.FAILED, Refresh::outcome);
      failures.add(failure);
    }
    assertThat(failures).doesNotHaveDuplicates();
    assertThat(probe.count("failed")).isEqualTo(1);
    assertThat(probe.count("refreshed")).isEqualTo(1);
  }

  @Test
  void an_interrupt_of_one_who_waits_concerns_no_other() throws Exception {
    Caller<Refresh> interrupted;
    List<Caller<Refresh>> others;
    try (Probe.Gate gate = probe.shut()) {
      callers.start(this::refresh);
      gate.awaitRefresh();
      others = callers.startWaiting(1, this::refresh);
      // the last to ask, who would have refreshed for the others
      interrupted = callers.startWaiting(1, this::refresh).get(0);
      interrupted.thread().interrupt();

      assertThat(failure(interrupted))
          .hasMessage("mv_probe: cancelled, because the calling thread was interrupted")
          .returns("57014", e -> e.sqlState().orElseThrow());
      assertThat(probe.count("failed")).isEqualTo(1);
      assertThat(gate.isShut()).isTrue();
    }

    assertThat(results(others)).extracting(Refresh::outcome).containsExactly(Outcome.REFRESHED);
  }

  /** How a refresh ends that others wait for, which is no failure of theirs. */
  @ParameterizedTest
  @ValueSource(strings = {"interrupt", "cancel", "terminate"})
  void when_the_one_who_refreshes_is_stopped_another_one_does(String how) throws Exception {
    List<Caller<Refresh>> others;
    try (Probe.Gate gate = probe.shut();
        Connection turn = database.connect()) {
      callers.start(this::refresh);
      gate.awaitRefresh();
      others = callers.startWaiting(4, this::refresh);
      // stands in the queue of the database before the next refresh, which it holds up
      turn.setAutoCommit(false);
      Caller<?> queued = callers.start(() -> probe.takeTurn(turn, "mv_probe"));
      probe.awaitWaiters(1);
      gate.open();
      queued.result();
      probe.awaitWaiters(1);
      Caller<Refresh> stopped = others.remove(3);
      if (how.equals("interrupt")) {
        stopped.thread().interrupt();
      } else {
        probe.onWaiters("pg_" + how + "_backend");
      }
      failure(stopped);
      probe.awaitWaiters(1);
      turn.rollback();
    }

    assertThat(results(others))
        .extracting(Refresh::outcome)
        .containsExactlyInAnyOrder(Outcome.REFRESHED, Outcome.COALESCED, Outcome.COALESCED);
    assertThat(probe.count("failed")).isEqualTo(1);
    assertThat(probe.count("refreshed")).isEqualTo(2);
  }

  @Test
  void a_statement_timeout_of_the_session_ends_the_wait_of_all() throws Exception {
    List<Caller<Refresh>> others;
    try (Probe.Gate gate = probe.shut();
        Connection turn = database.connect()) {
      callers.start(this::refresh);
      gate.awaitRefresh();
      others = callers.startWaiting(4, this::refresh);
      turn.setAutoCommit(false);
      Caller<?> queued = callers.start(() -> probe.takeTurn(turn, "mv_probe"));
      probe.awaitWaiters(1);
      pool.setting("SET statement_timeout = '200ms'");
      gate.open();
      queued.result();

      for (Caller<Refresh> other : others) {
        assertThat(failure(other)).hasMessageContaining("statement timeout");
      }
      turn.rollback();
    }
    // none, where the time was over before the request was made
    assertThat(probe.count("failed")).isLessThanOrEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"55P03", "57014"})
  void a_caller_keeps_its_own_limits_while_it_waits(String sqlState) throws Exception {
    Duration limit = Duration.ofMillis(200);
    WipViews limited =
        sqlState.equals("55P03") ? views.withLockTimeout(limit) : views.withStatementTimeout(limit);
    try (Probe.Gate gate = probe.shut()) {
      Caller<Refresh> running = callers.start(this::refresh);
      gate.awaitRefresh();
      Caller<Refresh> patient = callers.startWaiting(1, this::refresh).get(0);

      List<Caller<Refresh>> impatient = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        impatient.add(callers.start(() -> limited.refresh(Probe.MV_PROBE)));
      }
      for (Caller<Refresh> caller : impatient) {
        assertThat(failure(caller))
            .returns(sqlState, e -> e.sqlState().orElseThrow())
            .satisfies(e -> assertThat(e.remedy()).isPresent())
            .satisfies(
                e ->
                    assertThat(e.refreshes())
                        .singleElement()
                        .returns(Outcome.FAILED, Refresh::outcome));
      }
      assertThat(gate.isShut()).isTrue();
      gate.open();
      assertThat(running.result().outcome()).isEqualTo(Outcome.REFRESHED);
      assertThat(patient.result().outcome()).isEqualTo(Outcome.REFRESHED);
    }
  }

  @Test
  void other_schemas_and_other_data_sources_are_not_waited_for() throws Exception {
    try (Probe.Gate gate = probe.shut()) {
      callers.start(this::refresh);
      gate.awaitRefresh();

      assertThatThrownBy(() -> views.withSchema("elsewhere").refresh(Probe.MV_PROBE))
          .isInstanceOf(NotDeployedException.class);
      callers.start(() -> WipViews.of(database.dataSource()).refresh(Probe.MV_PROBE));
      // in the database
      probe.awaitWaiters(1);
      callers.awaitWaiting(0);
      assertThat(gate.isShut()).isTrue();
    }
  }

  @Test
  void a_refresh_in_a_callers_transaction_takes_part_in_no_other() throws Exception {
    try (Probe.Gate gate = probe.shut();
        Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      WipViews joined =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));
      callers.start(this::refresh);
      gate.awaitRefresh();

      Caller<Refresh> own = callers.start(() -> joined.refresh(Probe.MV_PROBE));
      probe.awaitWaiters(1);
      gate.open();
      assertThat(own.result().outcome()).isEqualTo(Outcome.REFRESHED);
      connection.rollback();
    }
    assertThat(probe.count("refreshed")).isEqualTo(1);
  }

  @Test
  void callers_of_a_configuration_share_outside_a_transaction() throws Exception {
    WipViews ofJooq = WipViews.of(DSL.using(pool, SQLDialect.POSTGRES).configuration());
    List<Caller<Refresh>> others;
    try (Probe.Gate gate = probe.shut()) {
      callers.start(() -> ofJooq.refresh(Probe.MV_PROBE));
      gate.awaitRefresh();
      others = callers.startWaiting(3, () -> ofJooq.refresh(Probe.MV_PROBE));
      assertThat(pool.inUse()).isEqualTo(1);
    }

    assertThat(results(others))
        .extracting(Refresh::outcome)
        .containsExactlyInAnyOrder(Outcome.REFRESHED, Outcome.COALESCED, Outcome.COALESCED);
  }

  @Test
  void a_pool_that_is_used_up_is_told_from_a_server_that_is_away() throws Exception {
    try (BoundedPool small = new BoundedPool(database.dataSource(), 1, Duration.ZERO);
        Connection taken = small.getConnection()) {
      WipViews starved = WipViews.of(small);

      assertThatThrownBy(() -> starved.refresh(Probe.MV_PROBE))
          .isInstanceOfSatisfying(
              DatabaseUnavailableException.class,
              e -> {
                assertThat(e).hasMessageStartingWith("all connections of the pool are in use: ");
                assertThat(e.remedy().orElseThrow()).contains("pool").doesNotContain("server");
              });
      assertThat(taken.isClosed()).isFalse();
    }
  }
}
