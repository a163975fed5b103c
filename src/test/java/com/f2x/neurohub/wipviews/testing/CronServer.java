package com.f2x.neurohub.wipviews.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A server with pg_cron, which the embedded one lacks: the binaries that Debian's package
 * postgresql-NN-cron brings, started for a test alone.
 */
public final class CronServer implements AutoCloseable {

  /** pg_cron's own database. */
  public static final String HOME = "cron_home";

  private static final Path DEBIAN = Path.of("/usr/lib/postgresql");

  private final Path bin;
  private final Path folder;
  private final int port;

  private CronServer(Path bin, Path folder, int port) {
    this.bin = bin;
    this.folder = folder;
    this.port = port;
  }

  /**
   * Starts one that has loaded pg_cron; skips the calling test, saying why, where it is not
   * installed.
   */
  public static CronServer start() throws IOException {
    return start("shared_preload_libraries = 'pg_cron'", "cron.database_name = '" + HOME + "'");
  }

  /** Starts one on which pg_cron is installed, with lines of postgresql.conf. */
  public static CronServer start(String... configuration) throws IOException {
    Path installed = installation();
    String missing = "there is no pg_cron: apt-get install postgresql-15-cron";
    if (installed == null) {
      System.out.println("SKIPPED: " + missing);
    }
    assumeTrue(installed != null, missing);
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    CronServer server =
        new CronServer(installed.resolve("bin"), Files.createTempDirectory("wip-views-cron"), port);
    server.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
    List<String> lines = new ArrayList<>(List.of(configuration));
    lines.addAll(
        List.of(
            "port = " + port,
            "listen_addresses = '127.0.0.1'",
            "unix_socket_directories = ''",
            "fsync = off"));
    Files.write(server.data().resolve("postgresql.auto.conf"), lines);
    server.run(
        "pg_ctl", "-w", "-t", "180", "-l", server.folder.resolve("server.log").toString(), "start");
    return server;
  }

  private static Path installation() throws IOException {
    if (!Files.isDirectory(DEBIAN)) {
      return null;
    }
    try (Stream<Path> versions = Files.list(DEBIAN)) {
      return versions
          .filter(version -> Files.exists(version.resolve("lib/pg_cron.so")))
          .filter(version -> Files.isExecutable(version.resolve("bin/initdb")))
          .max(Comparator.naturalOrder())
          .orElse(null);
    }
  }

  private Path data() {
    return folder.resolve("data");
  }

  private void run(String program, String... options) throws IOException {
    List<String> line = new ArrayList<>();
    if (System.getProperty("user.name").equals("root")) {
      // the server refuses to run as root: in a user namespace of its own it does not
      line.addAll(List.of("unshare", "-U"));
    }
    line.addAll(List.of(bin.resolve(program).toString(), "-D", data().toString()));
    line.addAll(List.of(options));
    Path output = folder.resolve(program + ".out");
    int exitCode =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start()
            .onExit()
            .join()
            .exitValue();
    if (exitCode != 0) {
      throw new IOException(String.join(" ", line) + ": " + Files.readString(output));
    }
  }

  public String url(String database) {
    return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
  }

  /** Connections of the superuser. */
  public PGSimpleDataSource dataSource(String database) {
    return dataSource(database, "postgres");
  }

  public PGSimpleDataSource dataSource(String database, String role) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(url(database));
    dataSource.setUser(role);
    return dataSource;
  }

  /** Runs statements, each in a transaction of its own. */
  public void execute(String database, String... statements) throws SQLException {
    try (Connection connection = dataSource(database).getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  /** Reads rows as text, their columns joined by a bar. */
  public List<String> rows(String database, String query) throws SQLException {
    try (Connection connection = dataSource(database).getConnection();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      List<String> rows = new ArrayList<>();
      while (result.next()) {
        List<String> row = new ArrayList<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          row.add(result.getString(i));
        }
        rows.add(String.join(" | ", row));
      }
      return rows;
    }
  }

  @Override
  public void close() throws IOException {
    run("pg_ctl", "-w", "-m", "immediate", "stop");
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
