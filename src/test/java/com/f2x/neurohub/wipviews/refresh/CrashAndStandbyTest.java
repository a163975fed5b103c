package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.PrivateServer;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.Future;
import org.jooq.Record;
import org.jooq.Table;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A server of its own, which crashes, and gets a standby. */
@Thorough
class CrashAndStandbyTest {

  private static final Table<Record> ORDERS = WipViews.view("mv_orders");
  private static final Table<Record> CUSTOMERS = WipViews.view("mv_customers");

  private static PrivateServer server;

  @BeforeAll
  static void start() throws Exception {
    server = PrivateServer.service();
  }

  @AfterAll
  static void stop() throws Exception {
    server.close();
  }

  @Test
  void a_refresh_cut_off_by_a_crash_shows_as_failed() throws Exception {
    WipViews views = WipViews.of(server.dataSource());
    views.refreshAll();
    try (Callers callers = new Callers();
        Connection blocker = server.dataSource().getConnection();
        Statement statement = blocker.createStatement()) {
      blocker.setAutoCommit(false);
      statement.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
      Future<Boolean> call =
          callers
              .start(
                  1,
                  server.dataSource()::getConnection,
                  (n, c) -> {
                    try (Statement refresh = c.createStatement()) {
                      return refresh.execute("CALL refresh_wip_views()");
                    }
                  })
              .get(0);
      Await.until(
          "the refresh waits",
          () ->
              Probe.rows(
                          blocker,
                          "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
                      .size()
                  == 1);
      // the request is committed without waiting for the disk: a crash may lose it, a checkpoint
      // has it
      try (Connection other = server.dataSource().getConnection();
          Statement checkpoint = other.createStatement()) {
        checkpoint.execute("CHECKPOINT");
      }

      server.crashAndRestart();

      assertThatThrownBy(() -> Await.result(call)).isNotNull();
      Refresh last = views.history(null, 1).get(0);
      assertThat(last)
          .returns(Outcome.FAILED, Refresh::outcome)
          .returns("57P01", Refresh::sqlState);
      assertThat(views.refreshAll()).allMatch(refresh -> refresh.outcome() == Outcome.REFRESHED);
      assertThat(views.freshness()).allMatch(row -> row.lastOutcome() == Outcome.REFRESHED);
    }
  }

  @Test
  void a_frozen_view_is_frozen_after_a_crash_and_thaws() throws Exception {
    WipViews views = WipViews.of(server.dataSource());
    views.refreshAll();
    int rows = views.rows(CUSTOMERS).size();
    execute("SELECT wip_view_freeze('mv_customers')");

    server.crashAndRestart();

    assertThat(views.refresh(CUSTOMERS).outcome()).isEqualTo(Outcome.FROZEN);
    assertThat(views.freshness(CUSTOMERS).state()).isEqualTo(Freshness.State.FROZEN);
    assertThat(views.rows(CUSTOMERS)).hasSize(rows);

    execute("SELECT wip_view_thaw('mv_customers')");
    assertThat(views.refresh(CUSTOMERS).outcome()).isEqualTo(Outcome.REFRESHED);
  }

  private static void execute(String sql) throws Exception {
    try (Connection connection = server.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Test
  void a_standby_answers_freshness_and_refuses_a_refresh() throws Exception {
    WipViews primary = WipViews.of(server.dataSource());
    primary.refreshAll();
    WipViews standby = WipViews.of(server.standby());
    Refresh refresh = primary.refresh(ORDERS);
    Await.until(
        "the refresh is replicated",
        () -> standby.history(null, 1).get(0).id(),
        id -> id == refresh.id());

    assertThat(standby.freshness())
        .hasSameSizeAs(primary.freshness())
        .allMatch(row -> row.state() == Freshness.State.FRESH)
        .allMatch(row -> row.lastOutcome() == Outcome.REFRESHED);
    assertThat(standby.diagnose()).isEmpty();
    assertThat(standby.sizes()).hasSameSizeAs(primary.sizes());
    assertThat(standby.rows(ORDERS)).hasSize(6);
    assertThat(standby.refreshIfOlderThan(ORDERS, Duration.ofDays(1))).isEmpty();
    assertThatThrownBy(() -> standby.refresh(ORDERS))
        .isInstanceOfSatisfying(
            RefreshFailedException.class,
            e -> {
              assertThat(e.sqlState()).contains("25006");
              assertThat(e.remedy().orElseThrow()).contains("on the primary");
            })
        .hasMessageContaining(
            "cannot refresh the view: this is a read-only standby or transaction");

    // a refresh that runs on the primary is no dead one here, where its session cannot be seen
    try (Connection connection = server.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("SELECT wip_view_request('mv_orders')");
    }
    Await.until(
        "the request is replicated",
        () -> standby.freshness(ORDERS).lastOutcome(),
        Outcome.RUNNING::equals);
  }
}
