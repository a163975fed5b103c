package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class RefreshCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String WAITING =
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'wip-views' AND datname ="
          + " current_database() AND wait_event_type = 'Lock'";

  private final Cli cli = Cli.on(database);

  @TempDir private Path folder;

  @Test
  void every_view_is_refreshed_in_order_and_shown() {
    Cli.Result result = cli.run("refresh");

    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
    assertThat(result.out())
        .matches(
            "VIEW +OUTCOME +MODE +TOOK +ROWS\\s+"
                + "mv_wip_status_dashboard +refreshed +concurrent +\\S+ m?s +0\\s+"
                + "mv_process_wip_queue +refreshed +concurrent +\\S+ m?s +6\\s+");
  }

  @Test
  void several_views_may_be_refreshed_at_once() {
    assertThat(cli.run("refresh", "--jobs", "2", "--format", "json").json()).hasSize(2);
    assertThat(cli.run("refresh", "--jobs", "0"))
        .returns(2, Cli.Result::exitCode)
        .satisfies(result -> assertThat(result.err()).contains("--jobs must be at least 1"));
  }

  @Test
  void views_that_read_the_clock_are_not_skipped_by_counts() {
    assertThat(cli.run("refresh", "--if-changed"))
        .returns(2, Cli.Result::exitCode)
        .satisfies(result -> assertThat(result.err()).contains("--if-changed needs --max-age"));
    assertThat(cli.run("refresh", "--if-changed", "--max-age", "1h"))
        .returns(1, Cli.Result::exitCode)
        .satisfies(
            result ->
                assertThat(result.err())
                    .contains("it cannot be told whether mv_wip_status_dashboard has changed")
                    .contains("it reads the clock, by clock_timestamp()"));
  }

  @Test
  void only_the_named_view_is_refreshed() {
    JsonNode refreshes = cli.run("refresh", "mv_process_wip_queue", "--format", "json").json();

    assertThat(refreshes).hasSize(1);
    assertThat(refreshes.get(0).get("view_name").asString()).isEqualTo("mv_process_wip_queue");
  }

  @Test
  void a_view_named_with_one_that_it_reads_comes_after_it_each_once() throws Exception {
    OwnView leaf =
        new OwnView("mv_leaf", "SELECT process_id FROM mv_process_wip_queue", "process_id")
            .promoteIn(database);
    try {
      database.execute("TRUNCATE wip_view_refresh");

      cli.run("refresh", leaf.name(), "mv_process_wip_queue");

      assertThat(database.rows("SELECT view_name FROM wip_view_refresh ORDER BY started_at"))
          .containsExactly(List.of("mv_process_wip_queue"), List.of(leaf.name()));
    } finally {
      database.execute("SELECT wip_view_remove('mv_leaf')");
    }
  }

  @Test
  void json_names_its_properties_after_the_columns_of_the_history() throws Exception {
    JsonNode refresh = cli.run("refresh", "mv_process_wip_queue", "--format=JSON").json().get(0);

    assertThat(refresh.propertyNames())
        .containsExactly(
            "refresh_id",
            "view_name",
            "outcome",
            "mode",
            "mode_reason",
            "requested_at",
            "started_at",
            "finished_at",
            "duration",
            "rows",
            "bytes",
            "served_by",
            "sqlstate",
            "error",
            "role",
            "application_name",
            "call_id",
            "pid");
    assertThat(refresh.propertyNames())
        .isSubsetOf(
            database
                .rows(
                    "SELECT attname FROM pg_attribute WHERE attrelid = 'wip_view_refresh'::regclass"
                        + " AND attnum > 0 AND NOT attisdropped")
                .stream()
                .map(row -> row.get(0))
                .toList());
    assertThat(refresh.get("outcome").asString()).isEqualTo("refreshed");
    assertThat(refresh.get("mode").asString()).isEqualTo("concurrent");
    assertThat(refresh.get("mode_reason").isNull()).isTrue();
    assertThat(refresh.get("rows").asLong()).isEqualTo(6);
    assertThat(refresh.get("application_name").asString()).isEqualTo("wip-views");
  }

  @Test
  void json_gives_times_in_iso_8601_and_durations_in_seconds() throws Exception {
    JsonNode refresh = cli.run("refresh", "mv_process_wip_queue", "--format", "json").json().get(0);

    String seconds =
        database.value(
            "SELECT extract(epoch FROM duration) FROM wip_view_refresh WHERE refresh_id = "
                + refresh.get("refresh_id").asLong());
    assertThat(refresh.get("duration").isNumber()).isTrue();
    assertThat(refresh.get("duration").decimalValue()).isEqualByComparingTo(seconds);
    assertThat(refresh.get("started_at").asString())
        .isEqualTo(
            Instant.parse(
                    database.value(
                        "SELECT to_char(started_at AT TIME ZONE 'UTC',"
                            + " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM wip_view_refresh"
                            + " WHERE refresh_id = "
                            + refresh.get("refresh_id").asLong()))
                .toString());
  }

  @Test
  void a_view_that_is_not_older_than_max_age_is_skipped() {
    cli.run("refresh");

    Cli.Result text = cli.run("refresh", "--max-age", "1h");
    JsonNode json = cli.run("refresh", "--max-age", "1h", "--format", "json").json();

    assertThat(text.exitCode()).isZero();
    assertThat(text.outLines())
        .anyMatch(line -> line.matches("mv_wip_status_dashboard +skipped +- +- +-"));
    assertThat(json).hasSize(2);
    assertThat(json.get(0).get("outcome").asString()).isEqualTo("skipped");
    assertThat(json.get(0).get("refresh_id").isNull()).isTrue();
  }

  @Thorough
  @Test
  void a_view_that_is_older_than_max_age_is_refreshed() {
    cli.run("refresh");

    JsonNode json = cli.run("refresh", "--max-age", "0s", "--format", "json").json();

    assertThat(json.get(0).get("outcome").asString()).isEqualTo("refreshed");
  }

  @Thorough
  @Test
  void a_view_named_twice_is_refreshed_once() {
    assertThat(
            cli.run("refresh", "mv_process_wip_queue", "mv_process_wip_queue", "--format=json")
                .json())
        .hasSize(1);
  }

  @Test
  void an_unknown_view_names_the_registered_ones_and_refreshes_none() throws Exception {
    String before = database.value("SELECT count(*) FROM wip_view_refresh");

    Cli.Result result = cli.run("refresh", "mv_process_wip_queue", "mv_nope");

    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.errLines())
        .containsExactly(
            "wip-views: unknown view \"mv_nope\"."
                + " There are: mv_wip_status_dashboard, mv_process_wip_queue.");
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh")).isEqualTo(before);
  }

  @Test
  void after_the_lock_timeout_a_view_fails_and_the_other_is_done() throws Exception {
    try (Connection blocker = database.connect();
        Statement statement = blocker.createStatement()) {
      blocker.setAutoCommit(false);
      statement.execute("COMMENT ON MATERIALIZED VIEW mv_wip_status_dashboard IS NULL");

      Cli.Result result = cli.run("refresh", "--lock-timeout", "50ms", "--format", "json");

      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.json()).hasSize(2);
      assertThat(result.json().get(0).get("outcome").asString()).isEqualTo("failed");
      assertThat(result.json().get(0).get("sqlstate").asString()).isEqualTo("55P03");
      assertThat(result.json().get(1).get("outcome").asString()).isEqualTo("refreshed");
      assertThat(result.errLines())
          .singleElement()
          .asString()
          .startsWith("wip-views: mv_wip_status_dashboard: ")
          .contains("lock timeout");
    }
  }

  @Test
  void a_failure_is_explained_below_its_row() throws Exception {
    database.execute("ALTER MATERIALIZED VIEW mv_process_wip_queue RENAME TO mv_elsewhere");
    try {
      Cli.Result result = cli.run("refresh", "mv_process_wip_queue");

      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.out())
          .containsPattern(
              "mv_process_wip_queue +failed +- +- +-\\R  \\S.*\"mv_process_wip_queue\" is missing");
    } finally {
      database.execute("ALTER MATERIALIZED VIEW mv_elsewhere RENAME TO mv_process_wip_queue");
    }
  }

  @Test
  void after_the_statement_timeout_a_view_fails() throws Exception {
    try (Connection blocker = database.connect();
        Statement statement = blocker.createStatement()) {
      blocker.setAutoCommit(false);
      statement.execute("COMMENT ON MATERIALIZED VIEW mv_process_wip_queue IS NULL");

      Cli.Result result = cli.run("refresh", "mv_process_wip_queue", "--statement-timeout", "50ms");

      // whichever statement it was that took longer
      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.err()).contains("statement timeout");
    }
  }

  @Thorough
  @Test
  void ctrl_c_cancels_the_refresh_and_puts_it_on_record() throws Exception {
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      lock.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue");
      try (CommandLineProcess refresh =
          CommandLineProcess.start(
              database, folder, "refresh", "mv_wip_status_dashboard", "mv_process_wip_queue")) {
        Await.until(
            "the refresh waits for the view's lock", () -> waiting(), pids -> !pids.isEmpty());

        refresh.terminate();

        refresh.exitCode();
        // before the process ended, it had the server cancel the statement
        assertThat(waiting()).isEmpty();
        assertThat(
                database.rows(
                    "SELECT outcome, sqlstate FROM wip_view_refresh WHERE view_name ="
                        + " 'mv_process_wip_queue' ORDER BY refresh_id DESC LIMIT 1"))
            .containsExactly(List.of("failed", "57014"));
        assertThat(refresh.errLines())
            .anyMatch(line -> line.contains("the calling thread was interrupted"));
      }
    }
  }

  private static List<List<String>> waiting() throws SQLException {
    return database.rows(WAITING);
  }
}
