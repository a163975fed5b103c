package com.f2x.neurohub.wipviews.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
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
import java.util.Map;
import java.util.stream.Stream;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A server with pg_cron, which the embedded one lacks: the binaries that Debian's package
 * postgresql-NN-cron brings, started for a test alone.
 */
public final class CronServer implements AutoCloseable {

  /** pg_cron's own database. */
  public static final String HOME = "cron_home";

  /** Where views may be as well. */
  public static final String FACTORY = "factory";

  private static final Path DEBIAN = Path.of("/usr/lib/postgresql");

  private final Path bin;
  private final Path folder;
  private final int port;
  private final Map<String, String> environment;

  private CronServer(Path bin, Path folder, int port, Map<String, String> environment) {
    this.bin = bin;
    this.folder = folder;
    this.port = port;
    this.environment = environment;
  }

  /**
   * Starts one that has loaded pg_cron; skips the calling test, saying why, where it is not
   * installed.
   */
  public static CronServer start() throws IOException {
    return start(Map.of());
  }

  /** Starts one in an environment of its own: LANGUAGE is that of its messages. */
  public static CronServer start(Map<String, String> environment) throws IOException {
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
        new CronServer(
            installed.resolve("bin"),
            Files.createTempDirectory("wip-views-cron"),
            port,
            environment);
    server.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
    server.run(true);
    return server;
  }

  /** Makes two databases with the MES and the views. */
  public void deploy() throws SQLException {
    execute("postgres", "CREATE DATABASE " + FACTORY);
    WipViewsMigration views = WipViewsMigration.of(dataSource(FACTORY));
    views.installMinimalMes();
    views.update();
    execute("postgres", "CREATE DATABASE " + HOME + " TEMPLATE " + FACTORY);
  }

  /** Starts it again, with pg_cron or without. */
  public void restart(boolean loaded) throws IOException {
    stop();
    run(loaded);
  }

  private void run(boolean loaded) throws IOException {
    List<String> lines =
        List.of(
            "shared_preload_libraries = '" + (loaded ? "pg_cron" : "") + "'",
            (loaded ? "" : "# ") + "cron.database_name = '" + HOME + "'",
            "port = " + port,
            "listen_addresses = '127.0.0.1'",
            "unix_socket_directories = ''",
            "fsync = off");
    Files.write(data().resolve("postgresql.auto.conf"), lines);
    run("pg_ctl", "-w", "-t", "180", "-l", folder.resolve("server.log").toString(), "start");
  }

  private void stop() throws IOException {
    run("pg_ctl", "-w", "-t", "180", "-m", "fast", "stop");
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
    ProcessBuilder builder =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    int exitCode = builder.start().onExit().join().exitValue();
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
    stop();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
