package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A refresh ends when its time is over, or when its thread is interrupted. */
class RefreshLimitsTest {

  private static final String WAITING =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
          + " AND wait_event_type = 'Lock'";

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
    assertThat(faulty.outcomes()).isEqualTo("[[mv_probe, failed, 55P03]]");
  }

  @Test
  void the_wait_for_a_turn_counts_as_a_wait_for_a_lock() throws Exception {
    try (Callers callers = new Callers()) {
      try (Probe.Gate gate = probe.shut()) {
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
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
      // on a machine so slow that the request itself takes longer, nothing is on record: longer
      // then
      for (Duration limit = Duration.ofMillis(100);
          probe.count("failed") == 0;
          limit = limit.multipliedBy(2)) {
        WipViews limited = views.withStatementTimeout(limit);
        assertThatThrownBy(() -> limited.refresh(Probe.MV_PROBE))
            .isInstanceOfSatisfying(
                RefreshFailedException.class, e -> assertThat(e.sqlState()).contains("57014"))
            .hasMessageContaining("statement timeout");
      }
      assertThat(faulty.outcomes()).isEqualTo("[[mv_probe, failed, 57014]]");
      assertThat(gate.isShut()).as("the gate is still shut: the refresh is gone").isTrue();
    }
  }

  @Thorough
  @Test
  void a_procedure_past_the_statement_timeout_has_a_row_per_view() throws Exception {
    faulty.does("PERFORM public.gate(); RETURN 0;");
    try (Probe.Gate gate = probe.shut();
        Connection limited = database.connect();
        Statement statement = limited.createStatement()) {
      String error = "";
      // on a machine so slow that it runs out before the first view: longer then
      for (int seconds = 1; !error.contains("mv_probe: ") && seconds <= 64; seconds *= 2) {
        statement.execute("SET statement_timeout = '" + seconds + "s'");
        error = catchThrowable(() -> statement.execute("CALL refresh_wip_views()")).getMessage();
      }

      assertThat(error)
          .contains("4 of 4 views were not refreshed")
          .contains(
              "mv_probe: not tried: the call was cancelled, or ran into its statement_timeout, at"
                  + " mv_fault");
      assertThat(gate.isShut()).isTrue();
    }
    assertThat(faulty.outcomes()).endsWith(FaultyView.NOT_TRIED.substring(1));
  }

  @Test
  void limits_hold_before_the_request_is_on_record() throws Exception {
    WipViews limited = views.withLockTimeout(Duration.ofMillis(50));
    try (Connection blocker = database.inTransaction("LOCK TABLE wip_view_refresh IN SHARE MODE")) {
      assertTimeoutPreemptively(
          Duration.ofMinutes(5),
          () ->
              assertThatThrownBy(() -> limited.refresh(Probe.MV_PROBE))
                  .isInstanceOfSatisfying(
                      RefreshFailedException.class,
                      e -> assertThat(e.sqlState()).contains("55P03")));
      assertThat(blocker.isClosed()).isFalse();
    }
    assertThat(faulty.outcomes()).isEqualTo("[]");

    try (Connection blocker = database.inTransaction("LOCK TABLE wip_view")) {
      assertTimeoutPreemptively(
          Duration.ofMinutes(5),
          () ->
              assertThatThrownBy(limited::refreshAll)
                  .isInstanceOfSatisfying(
                      WipViewsException.class, e -> assertThat(e.sqlState()).contains("55P03")));
      assertThat(blocker.isClosed()).isFalse();
    }
  }

  @Test
  void an_interrupt_ends_the_wait_for_the_request_as_well() throws Exception {
    try (Connection blocker = database.inTransaction("LOCK TABLE wip_view_refresh IN SHARE MODE")) {
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
      Await.until("the request waits", () -> database.value(WAITING), "1"::equals);
      caller.interrupt();

      assertThat(Await.result(thrown))
          .hasMessage("mv_probe: cancelled, because the calling thread was interrupted");
      assertThat(blocker.isClosed()).isFalse();
    }
  }

  @Thorough
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

      assertThat(Await.result(thrown))
          .isInstanceOf(RefreshFailedException.class)
          .hasMessage("mv_probe: cancelled, because the calling thread was interrupted");
      // nobody is at the gate, though it is still shut
      assertThat(database.value(WAITING)).isEqualTo("0");
      assertThat(faulty.outcomes()).isEqualTo("[[mv_probe, failed, 57014]]");
      assertThat(Thread.getAllStackTraces().keySet())
          .noneMatch(thread -> thread.getName().startsWith("wip-views-cancel"));
      assertThat(gate.isShut()).isTrue();
    }
  }

  @Test
  void an_interrupt_ends_a_call_for_all_and_leaves_each_a_row() throws Exception {
    faulty.does("PERFORM public.gate(); RETURN 0;");
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

      String notTried = "not tried: the call was cancelled at mv_fault";
      assertThat(Await.result(thrown))
          .isInstanceOf(RefreshFailedException.class)
          .hasMessageStartingWith("mv_fault: cancelled, because the calling thread")
          .hasMessageContaining("mv_probe: " + notTried);
      assertThat(
              database.rows(
                  "SELECT view_name, outcome, sqlstate, error, call_id IS NULL FROM"
                      + " wip_view_refresh ORDER BY refresh_id OFFSET 1"))
          .hasSize(3)
          .allSatisfy(
              row ->
                  assertThat(row.subList(1, 5)).containsExactly("failed", "57014", notTried, "f"))
          .extracting(row -> row.get(0))
          .contains("mv_probe", "mv_orders");
      assertThat(gate.isShut()).isTrue();
    }
  }
}
