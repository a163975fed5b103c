package com.f2x.neurohub.wipviews.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * The one real PostgreSQL of this JVM. A Docker engine that answers runs {@code
 * postgres:14.20-alpine}; elsewhere it is the embedded server; {@code -Dtest.database=} takes
 * {@code docker}, {@code embedded} or the JDBC URL of a superuser (with user and password in it).
 */
public final class PostgresServer {

  private static final String IMAGE = "postgres:14.20-alpine";

  /**
   * A crash may take all of it. Nobody vacuums or analyzes unasked, so that no test sees by chance
   * what it did not do.
   */
  private static final Map<String, String> SETTINGS =
      Map.of(
          "max_connections", "200",
          "max_prepared_transactions", "5",
          "autovacuum", "off",
          "fsync", "off",
          "full_page_writes", "off");

  /** Where a file is no further than memory, and what three servers at most take of it. */
  private static final File MEMORY = new File("/dev/shm");

  private static final long SPACE = 6L << 30;

  /** As long as a busy machine may take. */
  static final Duration START = Duration.ofMinutes(3);

  private static PostgresServer instance;

  private final String host;
  private final int port;
  private final String user;
  private final String password;

  private PostgresServer(String host, int port, String user, String password) {
    this.host = host;
    this.port = port;
    this.user = user;
    this.password = password;
  }

  /** Starts the server, the first time, and says on standard output which it is. */
  public static synchronized PostgresServer get() {
    if (instance == null) {
      try {
        instance = start(System.getProperty("wip-views.test.database", ""));
      } catch (IOException e) {
        throw new IllegalStateException("no PostgreSQL for the tests", e);
      }
    }
    return instance;
  }

  private static PostgresServer start(String wanted) throws IOException {
    if (wanted.startsWith("jdbc:postgresql:")) {
      URI uri = URI.create(wanted.substring("jdbc:".length()));
      String query = uri.getQuery() == null ? "" : uri.getQuery();
      return announce(
          new PostgresServer(
              uri.getHost(),
              uri.getPort() < 0 ? 5432 : uri.getPort(),
              parameter(query, "user", "postgres"),
              parameter(query, "password", "")),
          "given by -Dtest.database");
    }
    boolean docker =
        wanted.equals("docker")
            || wanted.isEmpty() && DockerClientFactory.instance().isDockerAvailable();
    if (docker) {
      PostgreSQLContainer container = new PostgreSQLContainer(IMAGE);
      List<String> command = new ArrayList<>(List.of("postgres"));
      SETTINGS.forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
      container.withCommand(command.toArray(String[]::new));
      container.start();
      return announce(
          new PostgresServer(
              container.getHost(),
              container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT),
              container.getUsername(),
              container.getPassword()),
          "Testcontainers " + IMAGE);
    }
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder()
            .setPGStartupWait(START)
            .setLocaleConfig("locale", "C")
            .setLocaleConfig("encoding", "UTF8");
    SETTINGS.forEach(builder::setServerConfig);
    if (MEMORY.isDirectory() && MEMORY.canWrite() && MEMORY.getUsableSpace() > SPACE) {
      builder.setDataDirectory(Files.createTempDirectory(MEMORY.toPath(), "wip-views-test"));
    }
    EmbeddedPostgres embedded = builder.start();
    return announce(
        new PostgresServer("localhost", embedded.getPort(), "postgres", "postgres"), "embedded");
  }

  private static PostgresServer announce(PostgresServer server, String how) {
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SHOW server_version")) {
      row.next();
      System.out.println("Tests run on PostgreSQL " + row.getString(1) + " (" + how + ")");
      return server;
    } catch (SQLException e) {
      throw new IllegalStateException("no PostgreSQL for the tests: " + how, e);
    }
  }

  private static String parameter(String query, String name, String otherwise) {
    for (String pair : query.split("&")) {
      if (pair.startsWith(name + "=")) {
        return pair.substring(name.length() + 1);
      }
    }
    return otherwise;
  }

  public String url(String database) {
    return "jdbc:postgresql://" + host + ":" + port + "/" + database;
  }

  public String host() {
    return host;
  }

  public int port() {
    return port;
  }

  public String user() {
    return user;
  }

  public String password() {
    return password;
  }

  public Connection connect(String database) throws SQLException {
    return DriverManager.getConnection(url(database), user, password);
  }
}
