package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.PostgresServer;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.File;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** Through pgbouncer in transaction mode, where the next transaction may get another session. */
class PoolerTest {

  private static final int CALLERS = 64;

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  @TempDir static Path directory;

  private static Probe probe;
  private static Process pooler;
  private static int port;

  @BeforeAll
  static void start() throws Exception {
    Path program =
        Stream.concat(
                Stream.of(System.getenv("PATH").split(File.pathSeparator)), Stream.of("/usr/sbin"))
            .map(folder -> Path.of(folder, "pgbouncer"))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    if (program == null) {
      System.out.println("PoolerTest is skipped: there is no pgbouncer on the PATH");
    }
    assumeTrue(program != null, "pgbouncer is on the PATH");

    probe = Probe.in(database);
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    Path users = directory.resolve("users.txt");
    Files.writeString(users, '"' + database.user() + "\" \"" + database.password() + "\"\n");
    Path configuration = directory.resolve("pgbouncer.ini");
    Files.writeString(
        configuration,
        """
        [databases]
        * = host=%s port=%d
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = %d
        unix_socket_dir =
        auth_type = any
        auth_file = %s
        pool_mode = transaction
        default_pool_size = 70
        max_client_conn = 200
        ignore_startup_parameters = extra_float_digits
        """
            .formatted(PostgresServer.get().host(), PostgresServer.get().port(), port, users)
            .replace("* =", database.name() + " =")
            .replace(
                "host=",
                "user=" + database.user() + " password=" + database.password() + " host="));
    List<String> line = new ArrayList<>();
    if (System.getProperty("user.name").equals("root")) {
      // it refuses to run as root: in a user namespace of its own it does not
      line.addAll(List.of("unshare", "-U"));
    }
    line.addAll(List.of(program.toString(), configuration.toString()));
    pooler =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("pgbouncer.log").toFile())
            .start();
    Await.until(
        "pgbouncer answers",
        () -> {
          if (!pooler.isAlive()) {
            throw new AssertionError(Files.readString(directory.resolve("pgbouncer.log")));
          }
          try (Connection connection = pooled().getConnection()) {
            return connection.isValid(1);
          } catch (SQLException e) {
            return false;
          }
        });
  }

  @AfterAll
  static void stop() throws Exception {
    if (pooler != null) {
      pooler.destroy();
      pooler.waitFor();
    }
  }

  private static PGSimpleDataSource pooled() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl("jdbc:postgresql://127.0.0.1:" + port + "/" + database.name());
    dataSource.setUser(database.user());
    dataSource.setPassword(database.password());
    // a statement that was prepared in one session is unknown in the next
    dataSource.setPrepareThreshold(0);
    return dataSource;
  }

  @Thorough
  @Test
  void callers_through_a_pooler_share_refreshes() throws Exception {
    probe.reset();
    try (Callers callers = new Callers()) {
      List<Future<Object>> calls;
      try (Probe.Gate gate = probe.shut()) {
        calls =
            callers.start(
                CALLERS,
                pooled()::getConnection,
                (number, connection) -> {
                  try (Statement statement = connection.createStatement()) {
                    return switch (number % 8) {
                      case 0 -> WipViews.of(pooled()).refresh(Probe.MV_PROBE);
                      case 1 -> statement.execute("CALL refresh_wip_views()");
                      default -> statement.execute("SELECT refresh_wip_view('mv_probe')");
                    };
                  }
                });
        gate.awaitRefresh();
        probe.awaitWaiters(CALLERS - 1);
      }
      Callers.results(calls);
    }

    assertThat(probe.count("refreshed")).isBetween(1, 2);
    assertThat(probe.count("coalesced")).isBetween(CALLERS - 2, CALLERS - 1);
  }

  @Test
  void limits_and_locks_stay_behind_in_no_session_of_the_pooler() throws Exception {
    probe.reset();
    WipViews views = WipViews.of(pooled()).withStatementTimeout(Duration.ofMillis(100));
    try (Probe.Gate gate = probe.shut()) {
      assertThatThrownBy(() -> views.refresh(Probe.MV_PROBE))
          .isInstanceOf(RefreshFailedException.class);
      assertThat(gate.isShut()).isTrue();
    }

    assertThat(WipViews.of(pooled()).refresh(Probe.MV_PROBE).outcome())
        .isEqualTo(Refresh.Outcome.REFRESHED);
    assertThat(
            database.value(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                    + " (SELECT oid FROM pg_database WHERE datname = current_database())"))
        .isEqualTo("0");
    try (Connection connection = pooled().getConnection()) {
      assertThat(Probe.rows(connection, "SHOW statement_timeout").get(0))
          .containsEntry("statement_timeout", "0");
    }
  }
}
