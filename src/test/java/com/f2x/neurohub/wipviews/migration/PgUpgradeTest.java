package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A deployed database moves by pg_upgrade to the newest server that is installed: from the oldest
 * one that is, or else from the tests' own, 14.
 */
@Thorough
class PgUpgradeTest {

  private static final Path INSTALLED = Path.of("/usr/lib/postgresql");

  @RegisterExtension static final TestDatabase own = TestDatabase.empty();

  @TempDir private Path folder;

  @Test
  void a_deployed_database_is_whole_after_pg_upgrade() throws Exception {
    List<Integer> installed = installed();
    int to = installed.isEmpty() ? 0 : installed.get(installed.size() - 1);
    Path newer = bin(to);
    Cluster old = new Cluster(installed.size() > 1 ? bin(installed.get(0)) : own(to), "old");
    Cluster moved = new Cluster(newer, "new");

    old.initialize();
    old.start();
    WipViewsMigration migration = WipViewsMigration.of(old.dataSource());
    migration.installMinimalMes();
    migration.update();
    old.execute(
        "CREATE VIEW busy_stations AS SELECT process_code FROM mv_process_wip_queue",
        "GRANT SELECT ON busy_stations, mv_process_wip_queue TO pg_monitor");
    WipViews.of(old.dataSource()).refreshAll();
    migration.freeze(List.of("mv_process_wip_queue"));
    old.stop();
    if (to >= 18) {
      moved.initialize("--no-data-checksums");
    } else {
      moved.initialize();
    }
    run(
        newer.resolve("pg_upgrade").toString(),
        "-U",
        "postgres",
        "-b",
        old.bin().toString(),
        "-B",
        newer.toString(),
        "-d",
        old.data().toString(),
        "-D",
        moved.data().toString(),
        "-p",
        Integer.toString(freePort()),
        "-P",
        Integer.toString(freePort()),
        "-s",
        folder.toString());

    moved.start();
    try {
      WipViews views = WipViews.of(moved.dataSource());
      WipViewsMigration there = WipViewsMigration.of(moved.dataSource());
      assertThat(moved.value("SHOW server_version")).startsWith(to + ".");
      assertThat(there.update()).isEmpty();
      assertThat(views.freshness())
          .extracting(view -> view.state())
          .containsExactly(State.FRESH, State.FROZEN);
      assertThat(there.thaw(List.of())).containsExactly("mv_process_wip_queue");
      views.refreshAll();
      views.recreate();
      assertThat(views.freshness())
          .allSatisfy(view -> assertThat(view.state()).isEqualTo(State.FRESH));
      assertThat(views.history(null, 100)).hasSizeGreaterThan(6);
      assertThat(moved.value("SELECT count(*) FROM busy_stations")).isEqualTo("6");
      assertThat(moved.value("SELECT has_table_privilege('pg_monitor', 'busy_stations', 'SELECT')"))
          .isEqualTo("t");
    } finally {
      moved.stop();
    }
  }

  private static Path bin(int version) {
    return INSTALLED.resolve(Integer.toString(version)).resolve("bin");
  }

  /** The major versions that are installed whole, from 14 on, the oldest first. */
  private static List<Integer> installed() throws IOException {
    if (!Files.isDirectory(INSTALLED)) {
      return List.of();
    }
    try (Stream<Path> versions = Files.list(INSTALLED)) {
      return versions
          .map(version -> version.getFileName().toString())
          .filter(version -> version.matches("1[4-9]"))
          .map(Integer::valueOf)
          .filter(version -> Files.isExecutable(bin(version).resolve("pg_upgrade")))
          .filter(version -> Files.isExecutable(bin(version).resolve("initdb")))
          .sorted()
          .toList();
    }
  }

  /**
   * The tests' own server. Its archive lacks two programs of which pg_upgrade only wants to hear
   * what is in the control file, and that is of one format from 13 to 16: the newer server's reads
   * it. The next WAL file may be any that comes later.
   */
  private Path own(int newer) throws Exception {
    Path bin = Path.of(own.value("SELECT setting FROM pg_config WHERE name = 'BINDIR'"));
    boolean readable =
        own.value("SHOW server_version").startsWith("14.")
            && Files.isExecutable(bin.resolve("initdb"))
            && (newer == 15 || newer == 16);
    String missing = "two servers with pg_upgrade, or 15 or 16 beside the tests' own 14";
    if (!readable) {
      System.out.println("SKIPPED: pg_upgrade needs " + missing);
    }
    assumeTrue(readable, missing);
    Path programs = Files.createDirectory(folder.resolve("bin"));
    for (String program : List.of("initdb", "pg_ctl", "postgres")) {
      script(programs.resolve(program), "exec %s \"$@\"".formatted(bin.resolve(program)));
    }
    Path reader = bin(newer).resolve("pg_controldata");
    script(programs.resolve("pg_controldata"), "exec %s \"$@\"".formatted(reader));
    script(
        programs.resolve("pg_resetwal"),
        """
        # called with -V, or with -n and the data
        [ "$1" = -V ] && exec %1$s -V
        %1$s "$2" && echo "First log segment after reset: 0000000100000000000000FF"
        """
            .formatted(reader));
    return programs;
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, "#!/bin/sh\n" + text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private void run(String... command) throws Exception {
    List<String> line = new ArrayList<>();
    if (System.getProperty("user.name").equals("root")) {
      // the server refuses to run as root: in a user namespace of its own it does not
      line.addAll(List.of("unshare", "-U"));
    }
    line.addAll(List.of(command));
    Path output = folder.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(line)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().put("LC_ALL", "C");
    assertThat(Await.exitCode(builder.start())).as(Files.readString(output)).isZero();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** A server's programs and its data. */
  private final class Cluster {

    private final Path bin;
    private final Path data;
    private final int port;

    Cluster(Path bin, String name) throws IOException {
      this.bin = bin;
      this.data = folder.resolve(name);
      this.port = freePort();
    }

    Path bin() {
      return bin;
    }

    Path data() {
      return data;
    }

    void initialize(String... more) throws Exception {
      List<String> line =
          new ArrayList<>(
              List.of(
                  bin.resolve("initdb").toString(),
                  "-D",
                  data.toString(),
                  "-U",
                  "postgres",
                  "-A",
                  "trust",
                  "-E",
                  "UTF8",
                  "--locale=C",
                  "--no-sync"));
      line.addAll(List.of(more));
      run(line.toArray(String[]::new));
    }

    void start() throws Exception {
      control(
          "-l",
          folder.resolve("server.log").toString(),
          "-o",
          "-p " + port + " -c listen_addresses=127.0.0.1 -c fsync=off -k ''",
          "start");
    }

    void stop() throws Exception {
      control("-m", "fast", "stop");
    }

    private void control(String... options) throws Exception {
      List<String> line =
          new ArrayList<>(
              List.of(bin.resolve("pg_ctl").toString(), "-w", "-t", "180", "-D", data.toString()));
      line.addAll(List.of(options));
      run(line.toArray(String[]::new));
    }

    PGSimpleDataSource dataSource() {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl("jdbc:postgresql://127.0.0.1:" + port + "/postgres");
      dataSource.setUser("postgres");
      return dataSource;
    }

    void execute(String... statements) throws Exception {
      try (Connection connection = dataSource().getConnection();
          Statement statement = connection.createStatement()) {
        for (String sql : statements) {
          statement.execute(sql);
        }
      }
    }

    String value(String query) throws Exception {
      try (Connection connection = dataSource().getConnection();
          Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery(query)) {
        row.next();
        return row.getString(1);
      }
    }
  }
}
