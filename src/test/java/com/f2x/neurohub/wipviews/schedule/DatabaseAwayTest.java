package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.internal.DelegatingDataSource;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Running;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.PrivateServer;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** A database that goes away under a schedule, and comes back. */
@Thorough
class DatabaseAwayTest {

  private static final Duration OUTAGE = Duration.ofMillis(2_100);

  private static PrivateServer server;

  private final List<ScheduledRun> runs = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    server = PrivateServer.service();
    WipViewsMigration.of(server.dataSource()).only("db-scheduler").update();
  }

  @AfterAll
  static void stop() throws Exception {
    server.close();
  }

  private RefreshSchedule everySecond(DataSource dataSource) {
    return RefreshSchedule.builder(dataSource)
        .cron("* * * * * *")
        .zone("UTC")
        .listener(runs::add)
        .build();
  }

  private void awaitRunsSince(Instant moment, int number) throws Exception {
    Await.until(
        number + " runs since " + moment,
        () -> List.copyOf(runs),
        seen -> seen.stream().filter(run -> run.startedAt().isAfter(moment)).count() >= number);
  }

  @Test
  void a_restart_is_survived_and_missed_runs_happen_once() throws Exception {
    PrintStream err = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    Instant away;
    Instant back;
    try (Running running = everySecond(server.dataSource()).start()) {
      awaitRunsSince(Instant.EPOCH, 1);
      System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
      server.crash();
      away = Instant.now();
      assertThatThrownBy(running::nextRefresh).isInstanceOf(DatabaseUnavailableException.class);
      Await.until("two runs are missed", () -> Instant.now().isAfter(away.plus(OUTAGE)));
      back = Instant.now();
      server.restart();
      awaitRunsSince(back, 3);
    } finally {
      System.setErr(err);
    }

    // none, if the crash met an instance in the middle of a run, which is then begun again
    assertThat(runs)
        .filteredOn(run -> run.startedAt().isAfter(back) && run.due().isBefore(back))
        .hasSizeLessThanOrEqualTo(1);
    assertThat(runs).extracting(ScheduledRun::due).doesNotHaveDuplicates();
    assertThat(log.toString(StandardCharsets.UTF_8).lines())
        .filteredOn(line -> line.contains("event=database state=unavailable"))
        .singleElement()
        .asString()
        .contains("WARN", "retry_ms=200");
  }

  /** The driver has no limit of its own for a server that accepts, and then says nothing. */
  @Test
  void a_network_that_swallows_everything_is_survived() throws Exception {
    try (Network network = new Network(server.dataSource().getPortNumbers()[0])) {
      PGSimpleDataSource through = server.dataSource();
      through.setPortNumbers(new int[] {network.port()});
      // or the driver would begin with a question that it waits for only five seconds
      through.setSslMode("disable");
      try (Running running = everySecond(through).start()) {
        awaitRunsSince(Instant.EPOCH, 1);

        network.swallow(true);
        Instant lost = Instant.now();
        Await.until("two runs are missed", () -> Instant.now().isAfter(lost.plus(OUTAGE)));
        network.swallow(false);

        awaitRunsSince(Instant.now(), 2);
        assertThat(running.nextRefresh()).isPresent();
      }
    }
  }

  /** As after a failover behind an address that stays. */
  @Test
  void a_connection_lost_in_mid_refresh_is_given_up() throws Exception {
    try (Network network = new Network(server.dataSource().getPortNumbers()[0]);
        Connection other = server.dataSource().getConnection();
        Statement statement = other.createStatement()) {
      PGSimpleDataSource through = server.dataSource();
      through.setPortNumbers(new int[] {network.port()});
      through.setApplicationName("falls silent");
      String waiting =
          " FROM pg_stat_activity WHERE application_name = 'falls silent'"
              + " AND wait_event_type = 'Lock'";
      try (Running running = everySecond(through).start()) {
        awaitRunsSince(Instant.EPOCH, 1);
        other.setAutoCommit(false);
        statement.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
        Await.until("a refresh waits", () -> !value("SELECT count(*)" + waiting).equals("0"));

        network.forgetConnections();
        Instant lost = Instant.now();
        value("SELECT pg_terminate_backend(pid)" + waiting);
        other.rollback();

        Await.until(
            "a run that failed",
            () -> List.copyOf(runs),
            seen -> seen.stream().anyMatch(run -> run.failure().isPresent()));
        awaitRunsSince(lost, 3);
        assertThat(running.nextRefresh()).isPresent();
      }
    }
  }

  private static String value(String query) throws SQLException {
    try (Connection connection = server.dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }

  @Test
  void connections_that_do_not_commit_by_themselves_are_as_good() throws Exception {
    DataSource transactional =
        new DelegatingDataSource(server.dataSource()) {
          @Override
          public Connection getConnection() throws SQLException {
            Connection connection = delegate().getConnection();
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.setAutoCommit(false);
            return connection;
          }
        };
    try (Running running = everySecond(transactional).start()) {
      awaitRunsSince(Instant.EPOCH, 2);
      assertThat(running.nextRefresh()).isPresent();
    }
    assertThat(runs).allMatch(run -> run.failure().isEmpty());
  }

  @Test
  void a_start_without_a_database_fails_at_once() throws SQLException {
    PGSimpleDataSource nowhere = server.dataSource();
    nowhere.setPortNumbers(new int[] {1});

    assertThatThrownBy(() -> everySecond(nowhere).start())
        .isInstanceOf(DatabaseUnavailableException.class);
  }

  /**
   * A way to the server on which bytes can vanish: connections stay open, and nobody is told. What
   * was open then stays dead.
   */
  private static final class Network implements AutoCloseable {

    private final ServerSocket entrance = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final int to;
    private volatile boolean swallows;
    private volatile int forgotten;

    Network(int to) throws IOException {
      this.to = to;
      threads.execute(
          () -> {
            while (true) {
              try {
                Socket from = entrance.accept();
                Socket there = new Socket(InetAddress.getLoopbackAddress(), to);
                sockets.addAll(List.of(from, there));
                threads.execute(() -> carry(from, there));
                threads.execute(() -> carry(there, from));
              } catch (IOException e) {
                return;
              }
            }
          });
    }

    int port() {
      return entrance.getLocalPort();
    }

    void swallow(boolean all) {
      swallows = all;
    }

    /** What is open stays dead; what is opened from now on works. */
    void forgetConnections() {
      forgotten++;
    }

    private void carry(Socket from, Socket there) {
      int born = forgotten;
      boolean dead = false;
      byte[] bytes = new byte[8_192];
      try {
        for (int n = from.getInputStream().read(bytes); n >= 0; ) {
          dead |= swallows || born != forgotten;
          if (!dead) {
            there.getOutputStream().write(bytes, 0, n);
          }
          n = from.getInputStream().read(bytes);
        }
        if (!dead && born == forgotten) {
          there.shutdownOutput();
        }
      } catch (IOException e) {
        // closed on the other side
      }
    }

    @Override
    public void close() throws IOException {
      entrance.close();
      for (Socket socket : sockets) {
        socket.close();
      }
      threads.shutdownNow();
    }
  }
}
