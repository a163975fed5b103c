package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

class TimeLimitedDataSourceTest {

  private static final Duration LONG = Duration.ofMinutes(3);
  private static final Duration SHORT = Duration.ofMillis(200);

  @RegisterExtension static final TestDatabase database = TestDatabase.empty();

  @Test
  void a_server_that_accepts_and_says_nothing_is_not_waited_for() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl("jdbc:postgresql://127.0.0.1:" + silent.getLocalPort() + "/mes");

      assertThatThrownBy(() -> new TimeLimitedDataSource(dataSource, SHORT, LONG).getConnection())
          .isInstanceOfSatisfying(
              SQLException.class,
              e -> {
                assertThat(e.getSQLState()).isEqualTo("08001");
                assertThat(SqlError.in(e).message()).isEqualTo("no connection within 200 ms");
              });
    }
  }

  @Test
  void a_connection_that_comes_too_late_is_closed() throws Exception {
    CountDownLatch late = new CountDownLatch(1);
    Connection connection = database.connect();

    assertThatThrownBy(
            () ->
                TimeLimitedDataSource.within(
                    SHORT,
                    () -> {
                      late.await();
                      return connection;
                    }))
        .isInstanceOf(SQLException.class);
    assertThat(connection.isClosed()).isFalse();

    late.countDown();
    Await.until("it is closed", connection::isClosed);
  }

  @Test
  void a_statement_without_an_answer_fails() throws Exception {
    try (Connection connection =
            new TimeLimitedDataSource(database.dataSource(), LONG, SHORT).getConnection();
        Statement statement = connection.createStatement()) {
      assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(3600)"))
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(SqlError.in(e).unavailable()).isTrue());
    }
  }

  @Test
  void what_connecting_throws_is_thrown() {
    SQLException refused = new SQLException("refused", "28P01");

    assertThatThrownBy(
            () ->
                TimeLimitedDataSource.within(
                    LONG,
                    () -> {
                      throw refused;
                    }))
        .isSameAs(refused);
  }

  @Test
  void an_interrupt_ends_the_wait() {
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> TimeLimitedDataSource.within(LONG, database::connect))
        .isInstanceOf(SQLException.class)
        .hasCauseInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isTrue();
  }
}
