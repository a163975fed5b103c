package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RefreshFailedException;
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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A refresh that needs the view for itself makes no reader wait while it waits for one. */
class PlainRefreshTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static Probe probe;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
  }

  @BeforeEach
  void without_a_unique_index() throws SQLException {
    probe.reset();
    database.execute("DROP INDEX mv_probe_id_idx");
  }

  /** A session that reads the view, and keeps its transaction open. */
  private static Connection reader(String name) throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET application_name = '" + name + "'");
      statement.execute("SET lock_timeout = '60s'");
      statement.execute("SELECT FROM mv_probe");
    }
    return connection;
  }

  /** How many pause between two attempts at the lock. */
  private static String attempts() throws SQLException {
    return database.value(
        "SELECT count(*) FROM pg_stat_activity AS a JOIN wip_view_running AS r USING (pid)"
            + " WHERE a.wait_event = 'PgSleep'");
  }

  @Test
  void readers_go_on_while_a_reader_holds_the_refresh_up() throws Exception {
    try (Callers callers = new Callers()) {
      Future<Refresh> refresh;
      try (Connection holder = reader("holder")) {
        refresh =
            callers.start(1, database::connect, (n, c) -> views.refresh(Probe.MV_PROBE)).get(0);
        for (int i = 0; i < 20; i++) {
          Await.until("an attempt at the lock", PlainRefreshTest::attempts, "1"::equals);
          // would wait for the holder to end, if the refresh stood in the queue before it
          reader("reader").close();
        }
        assertThat(refresh.isDone()).isFalse();
        assertThat(holder.isClosed()).isFalse();
      }

      assertThat(Await.result(refresh).mode()).isEqualTo(Refresh.Mode.PLAIN);
    }
  }

  @Thorough
  @Test
  void the_lock_timeout_bounds_the_whole_wait_and_names_the_holder() throws Exception {
    try (Callers callers = new Callers();
        Connection holder = reader("holder")) {
      Future<Refresh> refresh =
          callers
              .start(
                  1,
                  database::connect,
                  (n, c) -> views.withLockTimeout(Duration.ofSeconds(2)).refresh(Probe.MV_PROBE))
              .get(0);
      Await.until("the refresh waits", () -> refresh.isDone() || attempts().equals("1"));
      try (Connection late = reader("innocent")) {
        assertThatThrownBy(() -> Await.result(refresh))
            .cause()
            .isInstanceOfSatisfying(
                RefreshFailedException.class, e -> assertThat(e.sqlState()).contains("55P03"))
            .hasMessageContaining("could not refresh mv_probe within 00:00:02: pid ")
            .hasMessageContaining("(holder) holds public.mv_probe")
            .hasMessageNotContaining("innocent");
        assertThat(late.isClosed()).isFalse();
      }
      assertThat(holder.isClosed()).isFalse();
    }
  }
}
