package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

class HistoryCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final Cli cli = Cli.on(database);

  @BeforeAll
  static void refresh_twice() throws SQLException {
    database.execute(
        "DELETE FROM wip_view_refresh",
        """
        INSERT INTO wip_view_refresh
          (view_name, outcome, mode, requested_at, started_at, finished_at, rows, role, application_name)
        VALUES
          ('mv_wip_status_dashboard', 'refreshed', 'concurrent', now() - interval '30 h',
           now() - interval '30 h', now() - interval '30 h' + interval '85 ms', 60, 'mes', 'cron'),
          ('mv_process_wip_queue', 'failed', NULL, now() - interval '5 h',
           NULL, now(), NULL, 'mes_app', '')
        """,
        "UPDATE wip_view_refresh SET error = 'out of memory', sqlstate = '53200'"
            + " WHERE outcome = 'failed'");
  }

  @Test
  void the_latest_attempt_is_first_in_80_columns() {
    Cli.Result result = cli.run("history");

    assertThat(result.exitCode()).isZero();
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
    assertThat(result.out())
        .matches(
            "ASKED +VIEW +OUTCOME +MODE +TOOK +ROWS +BY\\s+"
                + "5 h ago +mv_process_wip_queue +failed +- +- +- +mes_app\\s+"
                + "out of memory \\(53200\\)\\s+"
                + "30 h ago +mv_wip_status_dashboard +refreshed +concurrent +85 ms +60 +cron\\s+");
  }

  @Test
  void one_view_is_shown_alone() {
    JsonNode history = cli.run("history", "mv_wip_status_dashboard", "--format", "json").json();

    assertThat(history).hasSize(1);
    assertThat(history.get(0).get("view_name").asString()).isEqualTo("mv_wip_status_dashboard");
    assertThat(history.get(0).get("duration").asDouble()).isEqualTo(0.085);
  }

  @Test
  void no_more_than_the_limit_is_shown() {
    assertThat(cli.run("history", "--limit", "1", "--format", "json").json()).hasSize(1);
  }

  @Test
  void a_summary_is_a_row_a_day_for_each_view() throws SQLException {
    TestDatabase busy = TestDatabase.deployed().create();
    try {
      busy.execute(
          "DELETE FROM wip_view_refresh",
          // a hundred refreshes a day, of 1 to 100 ms, around noon of the session's day
          "INSERT INTO wip_view_refresh (view_name, outcome, requested_at, started_at, finished_at)"
              + " SELECT v.view_name, 'refreshed', at, at, at + ms * interval '1 ms'"
              + " FROM wip_view AS v, generate_series(0, 2) AS ago, generate_series(1, 100) AS ms,"
              + " LATERAL (SELECT current_date - ago + interval '12 hours' AS at) AS noon",
          "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) VALUES"
              + " ('mv_process_wip_queue', 'failed', current_date + interval '1 minute'),"
              + " ('mv_process_wip_queue', 'coalesced', current_date + interval '1 minute'),"
              + " ('mv_process_wip_queue', 'failed', current_date - interval '40 days')",
          // its session died long ago
          "INSERT INTO wip_view_refresh (view_name, requested_at, pid) VALUES"
              + " ('mv_process_wip_queue', current_date - interval '1 minute', 0)");

      Cli.Result result = Cli.on(busy).run("history", "--summary");
      assertThat(result.exitCode()).isZero();
      assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
      assertThat(result.out())
          .containsSubsequence("mv_wip_status_dashboard", "mv_process_wip_queue")
          .containsPattern(
              "mv_process_wip_queue\\s+"
                  + "DAY +ATTEMPTS +REFRESHED +COALESCED +FAILED +P50 +P95 +LONGEST\\s+"
                  + "\\d{4}-\\d\\d-\\d\\d +102 +100 +1 +1 +50 ms +95 ms +100 ms\\s+"
                  + "\\S+ +101 +100 +0 +1 +50 ms +95 ms +100 ms");

      JsonNode days =
          Cli.on(busy)
              .run(
                  "history", "--summary", "mv_process_wip_queue", "--days", "2", "--format", "json")
              .json();
      assertThat(days).hasSize(2);
      assertThat(days.get(0).propertyNames())
          .containsExactlyElementsOf(
              busy
                  .rows(
                      "SELECT attname FROM pg_attribute WHERE attrelid ="
                          + " 'wip_view_daily'::regclass AND attnum > 0 ORDER BY attnum")
                  .stream()
                  .map(row -> row.get(0))
                  .toList());
      assertThat(days.get(0).get("day").asString())
          .isEqualTo(busy.value("SELECT current_date::text"));
      assertThat(days.get(0).get("p95_duration").asDouble()).isEqualTo(0.09505);
      assertThat(Cli.on(busy).run("history", "--summary", "--days", "0").exitCode()).isEqualTo(2);
      assertThat(Cli.on(busy).run("history", "--summary", "mv_nope").exitCode()).isEqualTo(2);
    } finally {
      busy.drop();
    }
  }

  @Test
  void an_unknown_view_names_the_registered_ones() {
    Cli.Result result = cli.run("history", "mv_nope");

    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err())
        .contains("unknown view \"mv_nope\"", "mv_wip_status_dashboard, mv_process_wip_queue");
  }

  @Test
  void an_empty_history_is_said_to_be_empty() throws SQLException {
    TestDatabase fresh = TestDatabase.deployed().create();
    try {
      fresh.execute("DELETE FROM wip_view_refresh");

      assertThat(Cli.on(fresh).run("history").out()).contains("No attempt is on record yet.");
      assertThat(Cli.on(fresh).run("history", "--format", "json").json()).isEmpty();
    } finally {
      fresh.drop();
    }
  }
}
