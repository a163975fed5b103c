package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class WatchedDataSourceTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.empty();

  private static final Duration HOUR = Duration.ofHours(1);

  private final WatchedDataSource watched = new WatchedDataSource(database.dataSource());

  /** Gives up what was taken before this moment. */
  private void giveUpLost(Duration waiting) throws SQLException {
    watched.giveUpLost(database.dataSource(), Duration.ZERO, waiting);
  }

  private static int pid(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
      row.next();
      return row.getInt(1);
    }
  }

  private static String sessions(int pid) throws SQLException {
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid);
  }

  @Test
  void a_connection_whose_session_is_gone_is_given_up() throws Exception {
    Connection connection = watched.getConnection();
    int pid = pid(connection);
    database.execute("SELECT pg_terminate_backend(" + pid + ")");
    Await.until("the session is gone", () -> sessions(pid), seen -> seen.equals("0"));

    giveUpLost(HOUR);

    assertThat(connection.isClosed()).isTrue();
    connection.close();
  }

  /** One of us was not heard: it would keep its locks. */
  @Test
  void a_session_that_waits_for_us_too_long_is_ended() throws Exception {
    Connection connection = watched.getConnection();
    connection.setAutoCommit(false);
    int pid = pid(connection);

    giveUpLost(HOUR);
    assertThat(connection.isClosed()).isFalse();
    giveUpLost(Duration.ZERO);

    assertThat(connection.isClosed()).isTrue();
    Await.until("the session is gone", () -> sessions(pid), seen -> seen.equals("0"));
    connection.close();
  }

  @Test
  void a_statement_that_runs_is_left_alone_however_long() throws Exception {
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement();
        Connection connection = watched.getConnection();
        Statement statement = connection.createStatement()) {
      lock.execute("SELECT pg_advisory_lock(1)");
      FutureTask<Boolean> waits =
          new FutureTask<>(() -> statement.execute("SELECT pg_advisory_lock_shared(1)"));
      new Thread(waits, "refresh").start();
      Await.until(
          "it runs",
          () -> database.value("SELECT count(*) FROM pg_locks WHERE NOT granted"),
          seen -> seen.equals("1"));

      giveUpLost(Duration.ZERO);

      lock.execute("SELECT pg_advisory_unlock(1)");
      assertThat(Await.result(waits)).isTrue();
    }
  }

  @Test
  void a_connection_that_was_given_back_is_not_watched() throws Exception {
    Connection connection = watched.getConnection();
    int pid = pid(connection);
    connection.close();
    Await.until("the session is gone", () -> sessions(pid), seen -> seen.equals("0"));

    // it would fail, were there a connection to look at
    watched.giveUpLost(new WatchedDataSource(null), Duration.ZERO, Duration.ZERO);

    assertThatThrownBy(() -> new WatchedDataSource(null).getConnection())
        .isInstanceOf(NullPointerException.class);
  }
}
