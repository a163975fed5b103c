package com.example.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Liquibase's own command line, with the driver and the session lock in its lib, and not our jar.
 */
class LiquibaseCommandLineTest {

  private static final String ROOT = "changelog/db.changelog-root.yaml";

  private EmbeddedPostgres server;

  @BeforeEach
  void start() throws Exception {
    server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setLocaleConfig("locale", "C")
            .setServerConfig("fsync", "off")
            .start();
    WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();
  }

  @AfterEach
  void stop() throws Exception {
    server.close();
  }

  @Test
  void liquibase_deploys_after_a_deploy_was_killed_and_recovers() throws Exception {
    try (Connection other = server.getPostgresDatabase().getConnection()) {
      other.setAutoCommit(false);
      other.createStatement().execute("LOCK TABLE lots");
      Run killed = update(ROOT);
      while (!waits()) {
        assertFalse(killed.process().waitFor(100, TimeUnit.MILLISECONDS), killed::output);
      }
      killed.process().destroyForcibly().waitFor();
    }

    update(ROOT).succeeds();
    execute("DROP MATERIALIZED VIEW mv_process_wip_queue");
    update("changelog/recreate-views.changelog.yaml").succeeds();

    assertEquals(2, WipViews.of(server.getPostgresDatabase()).refreshAll().size());
  }

  private boolean waits() throws Exception {
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'lots'::regclass AND NOT"
                    + " granted)")) {
      row.next();
      return row.getBoolean(1);
    }
  }

  private void execute(String sql) throws Exception {
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private record Run(Process process, Path log) {

    void succeeds() throws Exception {
      // Liquibase waits five minutes for a lock that nobody gives back
      assertTrue(process.waitFor(4, TimeUnit.MINUTES), this::output);
      assertEquals(0, process.exitValue(), this::output);
    }

    String output() {
      try {
        return Files.readString(log);
      } catch (IOException e) {
        return e.toString();
      }
    }
  }

  private Run update(String changelog) throws IOException {
    Path log = Files.createTempFile(Path.of("target"), "liquibase", ".log");
    String withoutOurs =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !Path.of(entry).getFileName().toString().startsWith("wip-views-"))
            .collect(Collectors.joining(File.pathSeparator));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-classpath",
                withoutOurs,
                "liquibase.integration.commandline.LiquibaseCommandLine",
                "--analytics-enabled=false",
                "--search-path=target/unpacked",
                "update",
                "--changelog-file=com/f2x/neurohub/wipviews/" + changelog,
                "--url=" + server.getJdbcUrl("postgres", "postgres"))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    return new Run(process, log);
  }
}
