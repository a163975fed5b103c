package com.f2x.neurohub.wipviews.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * An embedded server of a test's own, whatever the other tests run on: one that may be stopped. The
 * views are deployed on it.
 */
public final class PrivateServer implements AutoCloseable {

  private final EmbeddedPostgres server;
  private final Path bin;
  private final Path data;
  private final List<Path> standbys = new ArrayList<>();

  private PrivateServer(EmbeddedPostgres server, Path bin, Path data) {
    this.server = server;
    this.bin = bin;
    this.data = data;
  }

  /** One whose database is a {@link TestDatabase#service()}. */
  public static PrivateServer service() throws Exception {
    return start(TestDatabase.Template.SERVICE);
  }

  /** One whose database is {@link TestDatabase#deployed()}. */
  public static PrivateServer deployed() throws Exception {
    return start(TestDatabase.Template.DEPLOYED);
  }

  private static PrivateServer start(TestDatabase.Template template) throws Exception {
    EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(PostgresServer.START)
            .setLocaleConfig("locale", "C")
            .setServerConfig("max_connections", "50")
            .setServerConfig("fsync", "off")
            // or what was committed just before a crash would be lost
            .setServerConfig("synchronous_commit", "on")
            .start();
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT setting, current_setting('data_directory') FROM pg_config"
                    + " WHERE name = 'BINDIR'")) {
      row.next();
      PrivateServer ours =
          new PrivateServer(server, Path.of(row.getString(1)), Path.of(row.getString(2)));
      TestDatabase.make(template, ours.dataSource());
      return ours;
    }
  }

  public PGSimpleDataSource dataSource() {
    return dataSource(server.getPort());
  }

  private static PGSimpleDataSource dataSource(int port) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl("jdbc:postgresql://127.0.0.1:" + port + "/postgres");
    dataSource.setUser("postgres");
    return dataSource;
  }

  /** Restarts it as after a crash. */
  public void crashAndRestart() throws IOException {
    control(data, "restart", "-m", "immediate");
  }

  /** Stops it as a crash does. */
  public void crash() throws IOException {
    control(data, "stop", "-m", "immediate");
  }

  /** Starts it again, on the same port. */
  public void restart() throws IOException {
    control(data, "start", "-o", options());
  }

  private String options() {
    return "-p " + server.getPort() + " -c max_connections=50 -c fsync=off";
  }

  /** Makes a standby that streams from it, and starts both. */
  public PGSimpleDataSource standby() throws IOException {
    control(data, "stop", "-m", "fast");
    Path copy = Files.createTempDirectory("wip-views-standby").resolve("data");
    copy(data, copy);
    int port = freePort();
    Files.createFile(copy.resolve("standby.signal"));
    Files.writeString(
        copy.resolve("postgresql.auto.conf"),
        "primary_conninfo = 'host=127.0.0.1 user=postgres port="
            + server.getPort()
            + "'\n"
            + "max_connections = 50\nlisten_addresses = '127.0.0.1'\nfsync = off\n");
    restart();
    standbys.add(copy);
    control(copy, "start", "-o", "-p " + port);
    return dataSource(port);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private void control(Path directory, String command, String... options) throws IOException {
    List<String> line = new ArrayList<>();
    if (System.getProperty("user.name").equals("root")) {
      // the server refuses to run as root: in a user namespace of its own it does not
      line.addAll(List.of("unshare", "-U"));
    }
    line.addAll(
        List.of(
            bin.resolve("pg_ctl").toString(),
            command,
            "-w",
            "-t",
            Long.toString(PostgresServer.START.toSeconds()),
            "-D",
            directory.toString(),
            "-l",
            directory.resolve("server.log").toString()));
    line.addAll(List.of(options));
    Process process =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (process.onExit().join().exitValue() != 0) {
      Path log = directory.resolve("server.log");
      throw new IOException(
          String.join(" ", line) + ": " + (Files.exists(log) ? Files.readString(log) : "no log"));
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectory(
              target,
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } else if (!file.endsWith("postmaster.pid")) {
          Files.copy(file, target);
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    try {
      for (Path standby : standbys) {
        control(standby, "stop", "-m", "immediate");
        delete(standby.getParent());
      }
    } finally {
      server.close();
    }
  }

  private static void delete(Path directory) throws IOException {
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException e)
              throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
