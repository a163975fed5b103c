package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class FreshnessCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final Cli cli = Cli.on(database);

  @TempDir private Path folder;

  @BeforeEach
  void fresh() throws SQLException {
    database.execute("UPDATE wip_view SET freshness_target = interval '20 minutes'");
    assertThat(cli.run("refresh").exitCode()).isZero();
  }

  @Thorough
  @Test
  void every_view_is_shown_in_80_columns() {
    Cli.Result result = cli.run("freshness");

    assertThat(result.exitCode()).isZero();
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
    assertThat(result.out())
        .containsPattern("VIEW +STATE +REFRESHED +TARGET +TOOK +ROWS +SIZE")
        .containsPattern("mv_wip_status_dashboard +fresh ")
        .containsPattern(
            "mv_process_wip_queue +fresh +(just now|\\d+ \\S+ ago) +20 min +\\S+ m?s +6 +\\d+ kB");
  }

  @Thorough
  @Test
  void an_age_is_shown_as_part_of_the_target() throws SQLException {
    // of a target so long that a percent of it is hours
    database.execute("UPDATE wip_view SET freshness_target = interval '20 days'");

    aged("10 days");
    assertThat(cli.run("freshness").out()).contains(" 50%");
    aged("60 days");
    assertThat(cli.run("freshness").out()).contains(" 300%");
    aged("1000 days");
    assertThat(cli.run("freshness").out()).contains(" >999%");
  }

  private static void aged(String age) throws SQLException {
    database.execute(
        "UPDATE wip_view_refresh SET rows_as_of = now() - interval '"
            + age
            + "' WHERE refresh_id = (SELECT last_refresh_id FROM wip_view WHERE view_name ="
            + " 'mv_process_wip_queue')");
  }

  @Test
  void failures_in_a_row_are_shown_with_the_last_durations() throws SQLException {
    database.execute(
        "DELETE FROM wip_view_refresh WHERE view_name = 'mv_process_wip_queue'",
        "INSERT INTO wip_view_refresh (view_name, outcome, started_at, finished_at, rows)"
            + " SELECT 'mv_process_wip_queue', 'refreshed', now(), now() + ms * interval '1 ms', 6"
            + " FROM unnest(ARRAY[10, 80, 40, 20]) WITH ORDINALITY AS took (ms, n) ORDER BY n",
        "INSERT INTO wip_view_refresh (view_name, outcome) VALUES"
            + " ('mv_process_wip_queue', 'coalesced'), ('mv_process_wip_queue', 'failed'),"
            + " ('mv_process_wip_queue', 'failed')");

    Cli.Result result = cli.run("freshness");

    assertThat(result.outLines())
        .allMatch(line -> line.length() <= 80)
        .anyMatch(line -> line.endsWith(" last: 2 failed"));
  }

  @Thorough
  @Test
  void a_refresh_that_ended_before_it_began_is_shown() throws SQLException {
    database.execute(
        "DELETE FROM wip_view_refresh WHERE view_name = 'mv_process_wip_queue'",
        "INSERT INTO wip_view_refresh (view_name, outcome, started_at, finished_at, rows) SELECT"
            + " 'mv_process_wip_queue', 'refreshed', now(), now() + hours * interval '1 h', 6 FROM"
            + " unnest(ARRAY[-8760, -1, 8760]) WITH ORDINALITY AS took (hours, n) ORDER BY n");
    assertThat(cli.run("freshness").exitCode()).isZero();

    database.execute("DELETE FROM wip_view_refresh WHERE duration > interval '0'");
    assertThat(cli.run("freshness").exitCode()).isZero();
  }

  @Test
  void a_view_without_any_history_says_none_yet() throws SQLException {
    database.execute(
        "DELETE FROM wip_view_refresh WHERE view_name = 'mv_process_wip_queue'",
        "UPDATE wip_view SET last_refresh_id = NULL WHERE view_name = 'mv_process_wip_queue'");

    assertThat(cli.run("freshness").out()).contains("last: none yet");
  }

  @Thorough
  @Test
  void a_refresh_that_hangs_is_shown_with_its_age_and_its_end() throws Exception {
    database.execute("UPDATE wip_view SET freshness_target = interval '1 ms'");
    FutureTask<Integer> refresh =
        new FutureTask<>(() -> cli.run("refresh", "mv_wip_status_dashboard").exitCode());
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      holder.setAutoCommit(false);
      lock.execute("LOCK TABLE lots IN ACCESS EXCLUSIVE MODE");
      new Thread(refresh, "refresh").start();
      String pid =
          Await.until(
              "a refresh that runs",
              () ->
                  database.value(
                      "SELECT max(running_pid) FROM wip_view_freshness"
                          + " WHERE running_for > interval '1 ms'"),
              seen -> seen != null);

      assertThat(cli.run("freshness").out().replaceAll("\\s+", " "))
          .contains("pid " + pid + " has been refreshing it for ")
          .contains("; to end it: SELECT pg_cancel_backend(" + pid + ")");
      assertThat(
              cli.run("freshness", "--format", "json").json().get(0).get("running_for").asDouble())
          .isPositive();
      holder.rollback();
    }
    assertThat(Await.result(refresh)).isZero();
    assertThat(cli.run("freshness").out()).doesNotContain("pid ");
  }

  @Test
  void json_has_a_property_for_each_column_of_the_database_view() throws SQLException {
    JsonNode view = cli.run("freshness", "--format", "json").json().get(1);

    assertThat(view.propertyNames())
        .containsExactlyElementsOf(
            database
                .rows(
                    "SELECT attname FROM pg_attribute WHERE attrelid ="
                        + " 'wip_view_freshness'::regclass AND attnum > 0 ORDER BY attnum")
                .stream()
                .map(row -> row.get(0))
                .toList());
    assertThat(view.get("view_name").asString()).isEqualTo("mv_process_wip_queue");
    assertThat(view.get("state").asString()).isEqualTo("fresh");
    assertThat(view.get("target").asInt()).isEqualTo(1200);
    assertThat(view.get("age").asDouble()).isNotNegative();
    assertThat(view.get("last_error").isNull()).isTrue();
    assertThat(view.get("bytes").asLong()).isPositive();
  }

  @Test
  void fail_if_stale_exits_0_with_fresh_views() {
    Cli.Result result = cli.run("freshness", "--fail-if-stale");

    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
  }

  @Thorough
  @Test
  void fail_if_stale_exits_3_and_says_what_to_do() throws SQLException {
    database.execute(
        "UPDATE wip_view SET freshness_target = interval '1 microsecond'"
            + " WHERE view_name = 'mv_process_wip_queue'");

    Cli.Result result = cli.run("freshness", "--fail-if-stale");

    assertThat(result.exitCode()).isEqualTo(3);
    assertThat(result.errLines())
        .containsExactly("wip-views: mv_process_wip_queue is stale. Refresh it: wip-views refresh");
    assertThat(cli.run("freshness").exitCode()).isZero();
  }

  @Test
  void fail_if_stale_says_so_of_a_view_that_is_not_populated() throws SQLException {
    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    Cli.Result result = cli.run("freshness", "--fail-if-stale", "--format", "json");

    assertThat(result.exitCode()).isEqualTo(3);
    assertThat(result.json().get(1).get("state").asString()).isEqualTo("unpopulated");
    assertThat(result.err()).contains("mv_process_wip_queue is unpopulated", "wip-views refresh");
  }

  @Test
  void a_last_attempt_that_failed_is_explained_below_its_row() throws SQLException {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, error)"
            + " VALUES ('mv_process_wip_queue', 'failed', 'disk full')");

    assertThat(cli.run("freshness").outLines()).contains("  last attempt failed: disk full");
  }

  @Test
  void states_are_coloured_on_a_terminal_only() {
    assertThat(cli.onTerminal().run("freshness").out()).contains("\u001b[32mfresh");
    assertThat(cli.run("freshness").out()).doesNotContain("\u001b[");
    assertThat(cli.onTerminal().run("freshness", "--format", "json").out())
        .doesNotContain("\u001b[");
  }

  @Thorough
  @Test
  void freshness_loads_nothing_of_what_other_commands_need() throws Exception {
    CommandLineProcess process =
        CommandLineProcess.start(database, folder, List.of("-Xlog:class+load"), "freshness");
    assertThat(process.exitCode()).as("%s", process.errLines()).isZero();

    List<String> loaded =
        process.outLines().stream()
            .filter(line -> line.contains(" source: "))
            .map(line -> line.replaceFirst("^.*\\] (\\S+) source: .*$", "$1"))
            .toList();
    assertThat(loaded)
        .contains(WipViewsCommand.class.getName(), "org.jooq.impl.DSL")
        .noneMatch(name -> name.startsWith("liquibase."))
        .noneMatch(name -> name.startsWith("tools.jackson."))
        .noneMatch(name -> name.startsWith("io.zonky."));
  }
}
