package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.PostgresServer;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The lines of docs/schedule.md for a crontab, run as cron runs them: by /bin/sh, without a
 * terminal, and with nothing in the environment but what cron and the crontab put there.
 */
@Thorough
class CrontabTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String JAVA = "/opt/wip-views/bin/wip-views refresh --quiet";

  private static final String PSQL =
      "e=$(psql -qXw -v VERBOSITY=terse -c 'CALL refresh_wip_views()' 2>&1)"
          + " || (c=$?; echo \"$e\" | paste -sd' ' - >&2; exit $c)";

  /** Of the first view, one for each call. */
  private static final String OUTCOMES =
      "SELECT outcome FROM wip_view_refresh WHERE view_name = 'mv_wip_status_dashboard'"
          + " ORDER BY outcome DESC";

  @TempDir private Path home;

  @BeforeEach
  void no_history() throws SQLException {
    database.execute("TRUNCATE wip_view_refresh");
  }

  /** What a run came to. */
  private record Run(Process process, Path out) {

    int exitCode() throws InterruptedException {
      return Await.exitCode(process);
    }

    /** What cron would mail, both streams together. */
    List<String> mail() throws IOException {
      return Files.readString(out, StandardCharsets.UTF_8).lines().toList();
    }
  }

  private Run java(int port) throws IOException {
    Files.writeString(home.resolve("password"), database.password() + "\n");
    String installed = "'" + String.join("' '", CommandLineProcess.java(List.of())) + "'";
    return asCron(
        JAVA.replace("/opt/wip-views/bin/wip-views", installed) + " --password-file ~/password",
        Map.of(
            "WIP_VIEWS_URL",
            "jdbc:postgresql://" + PostgresServer.get().host() + ":" + port + "/" + database.name(),
            "WIP_VIEWS_USERNAME",
            database.user()));
  }

  private Run psql(int port) throws IOException {
    Psql.assumeInstalled();
    Path passwords = home.resolve(".pgpass");
    Files.writeString(passwords, "*:*:*:*:" + database.password() + "\n");
    passwords.toFile().setReadable(false, false);
    passwords.toFile().setReadable(true, true);
    return asCron(
        PSQL,
        Map.of(
            "PGHOST",
            PostgresServer.get().host(),
            "PGPORT",
            Integer.toString(port),
            "PGDATABASE",
            database.name(),
            "PGUSER",
            database.user()));
  }

  private Run asCron(String line, Map<String, String> crontab) throws IOException {
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", line));
    if (Files.isExecutable(Path.of("/usr/bin/setsid"))) {
      // without a controlling terminal, should the tests run on one
      command.addAll(0, List.of("/usr/bin/setsid", "--wait"));
    }
    Path out = Files.createTempFile(home, "mail", "");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(home.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(out.toFile());
    Map<String, String> environment = builder.environment();
    environment.clear();
    environment.put("HOME", home.toString());
    environment.put("LOGNAME", "operator");
    environment.put("PATH", "/usr/bin:/bin");
    environment.put("SHELL", "/bin/sh");
    environment.putAll(crontab);
    return new Run(builder.start(), out);
  }

  private static int port() {
    return PostgresServer.get().port();
  }

  private static void isSilent(Run run) throws Exception {
    assertThat(run.exitCode()).as("%s", run.mail()).isZero();
    assertThat(run.mail()).isEmpty();
  }

  private static void isOneLine(Run run, int exitCode, String... said) throws Exception {
    assertThat(run.exitCode()).isEqualTo(exitCode);
    assertThat(run.mail()).singleElement().asString().contains(said);
  }

  @Test
  void java_is_silent_when_all_is_refreshed() throws Exception {
    isSilent(java(port()));

    assertThat(database.rows("SELECT outcome FROM wip_view_refresh"))
        .containsExactly(List.of("refreshed"), List.of("refreshed"));
  }

  @Test
  void a_view_that_fails_is_one_line_and_the_other_is_refreshed() throws Exception {
    database.execute("ALTER MATERIALIZED VIEW mv_wip_status_dashboard RENAME TO mv_elsewhere");
    try {
      Run java = java(port());
      isOneLine(java, 1, "\"mv_wip_status_dashboard\" is missing", "wip-views recreate");
      isOneLine(psql(port()), 1, "ERROR", "\"mv_wip_status_dashboard\" is missing");
    } finally {
      database.execute("ALTER MATERIALIZED VIEW mv_elsewhere RENAME TO mv_wip_status_dashboard");
    }

    assertThat(database.rows("SELECT view_name, outcome FROM wip_view_refresh ORDER BY refresh_id"))
        .containsExactly(
            List.of("mv_wip_status_dashboard", "failed"),
            List.of("mv_process_wip_queue", "refreshed"),
            List.of("mv_wip_status_dashboard", "failed"),
            List.of("mv_process_wip_queue", "refreshed"));
  }

  @Test
  void a_server_that_is_away_is_one_line_of_psql_too() throws Exception {
    isOneLine(psql(1), 2, "Connection refused");
  }

  @Test
  void runs_that_overlap_share_a_refresh_and_all_are_silent() throws Exception {
    Psql.assumeInstalled();
    List<Run> runs;
    try (Connection held = database.connect();
        Statement hold = held.createStatement()) {
      held.setAutoCommit(false);
      hold.execute("COMMENT ON MATERIALIZED VIEW mv_wip_status_dashboard IS NULL");
      runs = List.of(psql(port()), psql(port()), java(port()));
      Await.until("all have asked", () -> database.rows(OUTCOMES), asked -> asked.size() == 3);
      held.rollback();
    }

    for (Run run : runs) {
      isSilent(run);
    }
    assertThat(database.rows(OUTCOMES))
        .hasSize(3)
        .contains(List.of("coalesced"))
        .isSubsetOf(List.of("refreshed"), List.of("coalesced"));
  }
}
