package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

class RefreshCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String WAITING =
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'wip-views' AND datname ="
          + " current_database() AND wait_event_type = 'Lock'";

  private final Cli cli = Cli.on(database);

  @Test
  void every_view_is_refreshed_in_order_and_shown() {
    Cli.Result result = cli.run("refresh");

    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.outLines()).hasSize(3).allMatch(line -> line.length() <= 80);
    assertThat(result.outLines().get(0)).matches("VIEW +OUTCOME +MODE +TOOK +ROWS");
    assertThat(result.outLines().get(1))
        .matches("mv_wip_status_dashboard +refreshed +concurrent +\\d+ ms +0");
    assertThat(result.outLines().get(2))
        .matches("mv_process_wip_queue +refreshed +concurrent +\\d+ ms +6");
  }

  @Test
  void only_the_named_view_is_refreshed() {
    JsonNode refreshes = cli.run("refresh", "mv_process_wip_queue", "--format", "json").json();

    assertThat(refreshes).hasSize(1);
    assertThat(refreshes.get(0).get("view_name").asString()).isEqualTo("mv_process_wip_queue");
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
    assertThat(Instant.parse(refresh.get("started_at").asString()))
        .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
  }

  @Test
  void a_view_that_is_not_older_than_max_age_is_skipped() {
    cli.run("refresh");

    Cli.Result text = cli.run("refresh", "--max-age", "1h");
    JsonNode json = cli.run("refresh", "--max-age", "1h", "--format", "json").json();

    assertThat(text.exitCode()).isZero();
    assertThat(text.outLines().get(1)).matches("mv_wip_status_dashboard +skipped +- +- +-");
    assertThat(json).hasSize(2);
    assertThat(json.get(0).get("outcome").asString()).isEqualTo("skipped");
    assertThat(json.get(0).get("refresh_id").isNull()).isTrue();
  }

  @Test
  void a_view_that_is_older_than_max_age_is_refreshed() {
    cli.run("refresh");

    JsonNode json = cli.run("refresh", "--max-age", "0s", "--format", "json").json();

    assertThat(json.get(0).get("outcome").asString()).isEqualTo("refreshed");
  }

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
    try (Connection blocker = database.connect();
        Statement statement = blocker.createStatement()) {
      blocker.setAutoCommit(false);
      statement.execute("COMMENT ON MATERIALIZED VIEW mv_process_wip_queue IS NULL");

      Cli.Result result = cli.run("refresh", "mv_process_wip_queue", "--statement-timeout", "50ms");

      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.outLines()).hasSize(3);
      assertThat(result.outLines().get(1)).matches("mv_process_wip_queue +failed +- +- +-");
      assertThat(result.outLines().get(2)).startsWith("  canceling statement").endsWith("(57014)");
    }
  }

  @Test
  void ctrl_c_cancels_the_refresh_and_puts_it_on_record() throws Exception {
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      lock.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue");
      ProcessBuilder builder =
          new ProcessBuilder(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-classpath",
              System.getProperty("java.class.path"),
              WipViewsCommand.class.getName(),
              "refresh",
              "mv_wip_status_dashboard",
              "mv_process_wip_queue",
              "--url",
              database.url(),
              "--username",
              database.user());
      builder.environment().put("WIP_VIEWS_PASSWORD", database.password());
      Process process = builder.redirectErrorStream(true).start();
      try {
        Await.until(
            "the refresh waits for the view's lock", () -> !database.rows(WAITING).isEmpty());

        // SIGTERM, which a JVM takes as it takes Ctrl-C
        process.toHandle().destroy();

        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(database.rows(WAITING)).isEmpty();
        assertThat(
                database.rows(
                    "SELECT outcome, sqlstate FROM wip_view_refresh WHERE view_name ="
                        + " 'mv_process_wip_queue' ORDER BY refresh_id DESC LIMIT 1"))
            .containsExactly(List.of("failed", "57014"));
        assertThat(
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines())
            .anyMatch(line -> line.contains("the calling thread was interrupted"));
      } finally {
        process.destroyForcibly();
      }
    }
  }
}
