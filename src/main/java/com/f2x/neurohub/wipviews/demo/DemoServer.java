package com.f2x.neurohub.wipviews.demo;

import com.f2x.neurohub.wipviews.internal.SqlError;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * An embedded PostgreSQL with a data directory of its own, which does not outlive this JVM: {@link
 * #close}, the end of the JVM and Ctrl-C stop the server and remove the directory, also while it is
 * still starting.
 *
 * <p>Thread-safe.
 */
public final class DemoServer implements AutoCloseable {

  /** A busy machine may take this long; an idle one takes a second. */
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final Thread hook = new Thread(this::stop, "wip-views-demo-stop");
  private @Nullable Path directory;
  private @Nullable EmbeddedPostgres server;
  private boolean stopped;

  private DemoServer() {}

  /**
   * Starts a server, which takes a second; a few the first time on a machine, when its binaries are
   * unpacked.
   *
   * @return the running server
   * @throws IOException if it cannot be started; nothing of it is left then
   */
  public static DemoServer start() throws IOException {
    DemoServer demo = new DemoServer();
    // before there is anything that it would have to remove
    Runtime.getRuntime().addShutdownHook(demo.hook);
    try {
      demo.startServer();
      return demo;
    } catch (IOException | RuntimeException e) {
      demo.close();
      throw e;
    }
  }

  /** A stop that comes meanwhile waits for the end of it: half a start cannot be stopped. */
  private synchronized void startServer() throws IOException {
    if (stopped) {
      throw new IOException("stopped before it could start");
    }
    directory = Files.createTempDirectory("wip-views-demo-");
    server =
        EmbeddedPostgres.builder()
            .setDataDirectory(directory)
            .setCleanDataDirectory(true)
            .setRegisterShutdownHook(false)
            .setPGStartupWait(PATIENCE)
            .setLocaleConfig("locale", "C")
            .setServerConfig("fsync", "off")
            .setServerConfig("listen_addresses", "localhost")
            .start();
  }

  /** Returns where the server keeps its files until it is stopped. */
  public synchronized Path directory() {
    return directory;
  }

  /** Returns the port that it listens on, on localhost only. */
  public synchronized int port() {
    return server.getPort();
  }

  /**
   * Returns connections of the superuser to the database {@code postgres}.
   *
   * @param applicationName what they call themselves; not null
   */
  public synchronized PGSimpleDataSource dataSource(String applicationName) {
    PGSimpleDataSource dataSource = (PGSimpleDataSource) server.getPostgresDatabase();
    dataSource.setApplicationName(applicationName);
    return dataSource;
  }

  /**
   * Returns whether somebody else stopped the server, and a call failed for that: Ctrl-C reaches
   * all that runs in front of a terminal, the server perhaps before this process. A server that
   * crashed leaves the file of its pid behind.
   *
   * @param failure what the call threw; not null
   */
  public synchronized boolean wasToldToStop(Exception failure) {
    SqlError error = SqlError.in(failure);
    return error != null
        && (Set.of("57P01", "57P03").contains(String.valueOf(error.sqlState()))
            || !Files.exists(directory.resolve("postmaster.pid")));
  }

  /** Stops the server and removes its files. Does nothing the second time. */
  @Override
  public void close() {
    stop();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is ending: the hook runs, or has run.
    }
  }

  private synchronized void stop() {
    stopped = true;
    try {
      if (server != null) {
        server.close();
        server = null;
      }
      delete();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + directory, e);
    }
  }

  private void delete() throws IOException {
    if (directory != null && Files.exists(directory)) {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }
}
