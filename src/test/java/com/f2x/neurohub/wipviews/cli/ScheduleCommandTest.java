package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String WAITING =
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'wip-views' AND datname ="
          + " current_database() AND wait_event_type = 'Lock'";

  @TempDir private Path folder;

  @BeforeAll
  static void table() {
    WipViewsMigration.of(database.dataSource()).only("db-scheduler").update();
  }

  /** The command as a process, whose output goes to a file. */
  private Process start(String... options) throws IOException {
    List<String> line =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-classpath",
                System.getProperty("java.class.path"),
                WipViewsCommand.class.getName(),
                "schedule"));
    line.addAll(List.of(options));
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.environment().put("WIP_VIEWS_URL", database.url());
    builder.environment().put("WIP_VIEWS_USERNAME", database.user());
    builder.environment().put("WIP_VIEWS_PASSWORD", database.password());
    return builder
        .redirectOutput(folder.resolve("out").toFile())
        .redirectError(folder.resolve("err").toFile())
        .start();
  }

  private List<String> lines(String file) throws IOException {
    return Files.readString(folder.resolve(file), StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void sigterm_waits_for_the_refresh_that_runs() throws Exception {
    Process process = start("--cron", "* * * * * *", "--zone", "Asia/Seoul");
    try (Connection held = database.connect();
        Statement hold = held.createStatement()) {
      Await.until("two ticks", () -> lines("out").size() >= 3);
      held.setAutoCommit(false);
      hold.execute("COMMENT ON MATERIALIZED VIEW mv_wip_status_dashboard IS NULL");
      Await.until("a refresh waits for the view", () -> !database.rows(WAITING).isEmpty());
      int before = lines("out").size();

      process.toHandle().destroy();
      assertThat(process.waitFor(300, TimeUnit.MILLISECONDS)).as("ended at once").isFalse();
      held.rollback();

      assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as("the signal's").isEqualTo(143);
      assertThat(lines("err")).isEmpty();
      List<String> out = lines("out");
      assertThat(out.get(0))
          .matches("schedule=\"\\* \\* \\* \\* \\* \\*\" zone=Asia/Seoul next=\\S+Z");
      assertThat(out.subList(1, out.size() - 1))
          .hasSizeBetween(before, before + 1)
          .allMatch(
              line ->
                  line.matches(
                      "event=tick due=\\S+Z duration_ms=\\d+ interval_ms=1000 refreshed=2"
                          + " coalesced=0 failed=0( slow=true)?"));
      assertThat(out.get(out.size() - 1)).isEqualTo("stopped");
      assertThat(
              database.value(
                  "SELECT count(*) FROM wip_view_history WHERE outcome IN ('failed', 'running')"))
          .isEqualTo("0");
      assertThat(database.value("SELECT picked FROM wip_view_schedule")).isEqualTo("f");
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void a_database_without_the_table_is_told_the_remedy() throws Exception {
    TestDatabase without = TestDatabase.deployed().create();
    try {
      Cli.Result result = Cli.on(without).run("schedule", "--zone", "Asia/Seoul");

      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.out()).isEmpty();
      assertThat(result.errLines())
          .containsExactly(
              "wip-views: the table of the schedule, wip_view_schedule, is not deployed in this"
                  + " schema. Deploy it: wip-views update --with db-scheduler.");
    } finally {
      without.drop();
    }
  }

  @Test
  void the_first_line_says_that_the_zone_is_the_systems() throws Exception {
    Thread command = Thread.currentThread();
    Thread interrupt =
        new Thread(
            () -> {
              try {
                Await.until("it waits", () -> command.getState() == Thread.State.WAITING);
              } catch (Exception e) {
                throw new IllegalStateException(e);
              } finally {
                command.interrupt();
              }
            });
    interrupt.start();

    Cli.Result result = Cli.on(database).run("schedule");

    interrupt.join();
    assertThat(result.exitCode()).isZero();
    assertThat(result.outLines().get(0))
        .startsWith(
            "schedule=\"0 */2 6-22 * * *; 0 */15 0-5,23 * * *\" zone=Asia/Seoul (the system's)"
                + " next=");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--policy on-demand | on demand there is nothing to schedule: run wip-views refresh",
        "--policy hourly | --policy is production or development, not hourly",
        "--policy development --cron 0_0_*_*_*_* | --policy and --cron exclude each other",
        "--cron */2_6-22_*_*_* | \"*/2 6-22 * * *\" is not a cron expression of six fields",
        "--cron 0_0_25_*_*_* | Value 25 not in range [0, 23]",
        "--zone Asia/Soul | \"Asia/Soul\" is not a time zone",
        "--grace soon | 500ms, 30s, 5m, 2h or 1d",
        "--lock-timeout 0s | --lock-timeout must be at least 1ms"
      })
  void what_makes_no_schedule_is_wrong_usage(String options, String said) {
    List<String> line = new ArrayList<>(List.of("schedule"));
    for (String option : options.split(" ")) {
      line.add(option.replace('_', ' '));
    }

    Cli.Result result = Cli.on(database).run(line.toArray(String[]::new));

    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.errLines())
        .singleElement()
        .asString()
        .startsWith("wip-views: ")
        .contains(said)
        .endsWith("See wip-views schedule --help.");
  }
}
