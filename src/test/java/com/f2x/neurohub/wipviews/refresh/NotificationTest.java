package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.PostgresServer;
import com.f2x.neurohub.wipviews.testing.PrivateServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** A server of its own, whose queue of notifications is full. */
class NotificationTest {

  private static PrivateServer server;

  @BeforeAll
  static void start() throws Exception {
    try (Connection connection = PostgresServer.get().connect("postgres")) {
      assumeTrue(
          connection.getMetaData().getDatabaseMajorVersion() >= 17,
          "before PostgreSQL 17 the queue is 8 GB, and nobody fills that in a test");
    }
    server = PrivateServer.service();
    try (Connection connection = server.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("ALTER SYSTEM SET max_notify_queue_pages = 64");
    }
    server.crashAndRestart();
  }

  @AfterAll
  static void stop() throws Exception {
    if (server != null) {
      server.close();
    }
  }

  @Test
  void a_full_queue_fails_no_refresh() throws Exception {
    try (Connection listener = server.dataSource().getConnection();
        Statement listens = listener.createStatement();
        Connection connection = server.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      listens.execute("LISTEN wip_view_refreshed");
      listener.setAutoCommit(false);
      listens.execute("SELECT");
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 1000; i++) {
                  statement.execute("SELECT pg_notify('filler', repeat('x', 7000) || " + i + ")");
                }
              })
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("54000"));

      statement.execute("SELECT refresh_all_wip_views()");
      assertThat(statement.getWarnings().getMessage())
          .contains("is refreshed, without NOTIFY wip_view_refreshed");
      statement.execute("CALL refresh_wip_views()");
      assertThat(WipViews.of(server.dataSource()).refreshAll()).hasSize(2);

      listener.commit();
      statement.execute("SELECT refresh_all_wip_views()");
      assertThat(statement.getWarnings() == null).as("no warning").isTrue();
      listens.execute("SELECT");
      assertThat(listener.unwrap(PGConnection.class).getNotifications()).hasSize(2);
    }
  }
}
