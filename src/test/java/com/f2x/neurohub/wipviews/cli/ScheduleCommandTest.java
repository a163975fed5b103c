package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
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

  @Thorough
  @Test
  void sigterm_waits_for_the_refresh_that_runs() throws Exception {
    try (CommandLineProcess schedule =
            CommandLineProcess.start(
                database,
                folder,
                "schedule",
                "--cron=* * * * * *",
                "--zone=Asia/Seoul",
                "--grace=10m");
        Connection held = database.connect();
        Statement hold = held.createStatement()) {
      Await.until("two runs", schedule::outLines, lines -> lines.size() >= 3);
      held.setAutoCommit(false);
      hold.execute("COMMENT ON MATERIALIZED VIEW mv_wip_status_dashboard IS NULL");
      Await.until("a refresh waits for the view", () -> !database.rows(WAITING).isEmpty());

      schedule.terminate();
      Await.until("it has the signal", schedule::outLines, lines -> lines.contains("stopping"));
      assertThat(schedule.process().isAlive()).isTrue();
      held.rollback();

      assertThat(schedule.exitCode()).as("the signal's").isEqualTo(143);
      assertThat(schedule.errLines()).isEmpty();
      assertThat(schedule.outLines())
          .allMatch(
              line ->
                  line.matches(
                      "schedule=\"\\* \\* \\* \\* \\* \\*\" zone=Asia/Seoul next=\\S+Z"
                          + "|event=run due=\\S+Z duration_ms=\\d+ interval_ms=1000 refreshed=2"
                          + " coalesced=0 failed=0( slow=true)?"
                          + "|stopping|stopped"))
          .endsWith("stopped");
      // the one that was held up has ended as any other
      assertThat(
              database.value(
                  "SELECT count(*) FROM wip_view_history WHERE outcome IN ('failed', 'running')"))
          .isEqualTo("0");
      assertThat(database.value("SELECT picked FROM wip_view_schedule")).isEqualTo("f");
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
                  + " schema. Deploy it: wip-views update --with db-scheduler");
    } finally {
      without.drop();
    }
  }

  @Test
  void the_first_line_says_that_the_zone_is_the_systems() throws Exception {
    Cli.Running schedule = Cli.on(database).start("schedule");
    Await.until("it says its zone", schedule::out, out -> out.contains("\n"));

    assertThat(schedule.stop()).isZero();
    assertThat(schedule.out())
        .startsWith(
            "schedule=\"0 */2 6-22 * * *; 0 */15 0-5,23 * * *\" zone="
                + ZoneId.systemDefault()
                + " (the system's) next=")
        .endsWith("stopping\nstopped\n");
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
