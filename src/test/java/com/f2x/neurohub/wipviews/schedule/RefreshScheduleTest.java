package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.cli.WipViewsCommand;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Running;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class RefreshScheduleTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  /** Of this database, whoever waits for a lock. */
  private static final String WAITING =
      "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
          + " AND wait_event_type = 'Lock'";

  private static final String CALLS = "SELECT count(*) FROM wip_view_refresh WHERE call_id IS NULL";

  private static final String EVERY_SECOND = "* * * * * *";

  /**
   * Never during a test; twice, half a minute apart, so that the table is looked at often, and no
   * busy machine is taken for dead.
   */
  private static final String ONCE_A_YEAR = "0,30 0 0 1 1 *";

  private final List<ScheduledRun> runs = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void table() {
    WipViewsMigration.of(database.dataSource()).only("db-scheduler").update();
  }

  @BeforeEach
  void nothing_is_scheduled() throws SQLException {
    database.execute("TRUNCATE wip_view_schedule, wip_view_refresh");
  }

  private RefreshSchedule.Builder schedule(String cron) {
    return RefreshSchedule.builder(database.dataSource())
        .cron(cron)
        .zone("Asia/Seoul")
        .listener(runs::add);
  }

  /** Brings the next run forward, as an operator may. */
  private static void due() throws Exception {
    Await.until(
        "a run is brought forward",
        () ->
            !database
                .rows(
                    "UPDATE wip_view_schedule SET execution_time = now() WHERE NOT picked"
                        + " RETURNING task_name")
                .isEmpty());
  }

  private void awaitRuns(int number) throws Exception {
    Await.until(number + " runs", () -> List.copyOf(runs), seen -> seen.size() >= number);
  }

  /** A session that holds a view, so that its refresh waits. */
  private static Connection holding(String view) throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("COMMENT ON MATERIALIZED VIEW " + view + " IS NULL");
    }
    return connection;
  }

  private static void awaitWaiting() throws Exception {
    Await.until("a refresh waits for the view", () -> !database.rows(WAITING).isEmpty());
  }

  // ------------------------------------------------------------------------------------- many

  @Thorough
  @Test
  void each_run_is_made_by_one_of_ten_instances() throws Exception {
    List<Running> instances = new ArrayList<>();
    try {
      for (int i = 0; i < 10; i++) {
        instances.add(schedule(ONCE_A_YEAR).build().start());
      }
      for (int i = 1; i <= 3; i++) {
        due();
        awaitRuns(i);
      }
    } finally {
      instances.forEach(Running::close);
    }

    assertThat(runs).hasSize(3);
    assertThat(runs).extracting(ScheduledRun::due).doesNotHaveDuplicates();
    assertThat(runs)
        .allMatch(run -> run.failure().isEmpty())
        .allMatch(run -> run.refreshes().size() == 2);
    assertThat(database.value(CALLS)).isEqualTo("3");
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE outcome <> 'refreshed'"))
        .isEqualTo("0");
  }

  @Thorough
  @Test
  void runs_missed_meanwhile_happen_once_at_the_next_start() throws Exception {
    schedule(EVERY_SECOND).build().start().close();
    database.execute("UPDATE wip_view_schedule SET execution_time = now() - interval '1 hour'");
    Instant started = Instant.now();

    try (Running one = schedule(EVERY_SECOND).build().start();
        Running other = schedule(EVERY_SECOND).build().start()) {
      awaitRuns(2);
      assertThat(one.nextRefresh()).isPresent();
      assertThat(other.nextRefresh()).isPresent();
    }

    assertThat(runs)
        .filteredOn(run -> run.due().isBefore(started.minusSeconds(2)))
        .singleElement()
        .satisfies(run -> assertThat(run.due()).isBefore(started.minusSeconds(3_590)));
  }

  @Thorough
  @Test
  void an_instance_killed_in_mid_refresh_is_replaced() throws Exception {
    String everyFiveSeconds = "*/5 * * * * *";
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-classpath",
            System.getProperty("java.class.path"),
            WipViewsCommand.class.getName(),
            "schedule",
            "--cron",
            everyFiveSeconds,
            "--zone",
            "Asia/Seoul",
            "--url",
            database.url(),
            "--username",
            database.user());
    builder.environment().put("WIP_VIEWS_PASSWORD", database.password());
    Process process =
        builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    try (Connection held = holding("mv_orders")) {
      due();
      Await.until(
          "the other process refreshes",
          () -> database.rows(WAITING).contains(List.of("wip-views")));
      try (Running survivor = schedule(everyFiveSeconds).build().start()) {
        process.destroyForcibly().waitFor();
        Instant killed = Instant.now();
        held.rollback();

        awaitRuns(1);

        assertThat(runs.get(0).refreshes())
            .hasSize(2)
            .allMatch(refresh -> refresh.outcome() == Outcome.REFRESHED);
        assertThat(survivor.nextRefresh().orElseThrow()).isAfter(killed);
      }
    } finally {
      process.destroyForcibly();
    }
  }

  // ------------------------------------------------------------------------------- slow, failed

  @Thorough
  @Test
  void a_refresh_slower_than_its_interval_skips_runs() throws Exception {
    PrintStream err = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    try (Connection held = holding("mv_orders");
        Running one = schedule(EVERY_SECOND).build().start();
        Running other = schedule(EVERY_SECOND).build().start()) {
      System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
      assertThat(one.nextRefresh()).isEqualTo(other.nextRefresh());
      awaitWaiting();
      Instant begun = Instant.now();
      Await.until(
          "a run is left out", () -> Instant.now().isAfter(begun.plus(Duration.ofMillis(1_200))));
      // neither by this instance nor by the other one
      assertThat(runs).isEmpty();

      held.rollback();

      awaitRuns(2);
    } finally {
      System.setErr(err);
    }
    ScheduledRun slow = runs.get(0);
    assertThat(slow.slow()).isTrue();
    assertThat(slow.failure()).isEmpty();
    assertThat(slow.duration()).isGreaterThan(Duration.ofSeconds(1));
    assertThat(slow.interval()).hasSeconds(1);
    assertThat(runs.get(1).due()).isAfter(slow.startedAt().plus(slow.duration()).minusSeconds(1));
    assertThat(log.toString(StandardCharsets.UTF_8).lines())
        .filteredOn(line -> line.contains("slow=true"))
        .singleElement()
        .asString()
        .contains("WARN", "duration_ms=", "interval_ms=1000", "refreshed=2");
  }

  @Thorough
  @Test
  void a_run_that_fails_is_on_record_and_the_next_one_follows() throws Exception {
    try (Running running =
        schedule(ONCE_A_YEAR).lockTimeout(Duration.ofMillis(50)).build().start()) {
      try (Connection held = holding("mv_orders")) {
        due();
        awaitRuns(1);
        held.rollback();
      }
      due();
      awaitRuns(2);
      Await.until(
          "the next run is set", () -> running.nextRefresh().orElseThrow().isAfter(Instant.now()));
    }

    assertThat(runs.get(0).failure().orElseThrow().sqlState()).contains("55P03");
    assertThat(runs.get(0).refreshes())
        .extracting(Refresh::outcome)
        .containsExactly(Outcome.FAILED, Outcome.REFRESHED);
    assertThat(runs.get(0).toString())
        .matches(
            "event=run due=\\S+Z duration_ms=\\d+ interval_ms=\\d+ refreshed=1 coalesced=0"
                + " failed=1 error=\"mv_orders: [^\"]+\"");
    assertThat(runs.get(1).failure()).isEmpty();
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE outcome = 'failed'"))
        .isEqualTo("1");
  }

  @Thorough
  @Test
  void a_listener_that_throws_stops_nothing() throws Exception {
    try (Running running =
        schedule(ONCE_A_YEAR)
            .listener(
                run -> {
                  runs.add(run);
                  throw new IllegalStateException("on purpose");
                })
            .build()
            .start()) {
      due();
      awaitRuns(1);
      Await.until(
          "the next run is set", () -> running.nextRefresh().orElseThrow().isAfter(Instant.now()));
    }
  }

  // ------------------------------------------------------------------------------------- stop

  @Thorough
  @Test
  void close_waits_for_the_refresh_that_runs() throws Exception {
    Running running = schedule(ONCE_A_YEAR).build().start();
    CompletableFuture<Void> closed;
    try (Connection held = holding("mv_orders")) {
      due();
      awaitWaiting();
      closed = CompletableFuture.runAsync(running::close);
      assertThatThrownBy(() -> closed.get(300, TimeUnit.MILLISECONDS))
          .isInstanceOf(java.util.concurrent.TimeoutException.class);
      held.rollback();
    }

    Await.result(closed);

    assertThat(runs).singleElement().returns(true, run -> run.failure().isEmpty());
    assertThat(database.value("SELECT picked FROM wip_view_schedule")).isEqualTo("f");
  }

  @Thorough
  @Test
  void close_cancels_a_refresh_that_outlasts_the_grace() throws Exception {
    Running running = schedule(ONCE_A_YEAR).grace(Duration.ofMillis(100)).build().start();
    try (Connection held = holding("mv_orders")) {
      due();
      awaitWaiting();

      running.close();

      Await.until("it is cancelled", () -> database.rows(WAITING), List::isEmpty);
      awaitRuns(1);
      assertThat(runs)
          .singleElement()
          .satisfies(run -> assertThat(run.failure().orElseThrow().sqlState()).contains("57014"));
      // whoever takes over does not have to find it dead first
      Await.until(
          "the next run is set",
          () -> database.value("SELECT picked FROM wip_view_schedule"),
          seen -> seen.equals("f"));
      held.rollback();
    }
    running.close();
  }

  // ------------------------------------------------------------------------------- what it does

  @Thorough
  @Test
  void a_view_with_its_own_schedule_is_refreshed_by_that_alone() throws Exception {
    try (Running running =
        schedule(ONCE_A_YEAR).cron(WipViews.view("mv_customers"), EVERY_SECOND).build().start()) {
      awaitRuns(1);
      assertThat(running.nextRefresh().orElseThrow())
          .isBefore(Instant.now().plus(Duration.ofSeconds(2)));
      assertThat(viewsRefreshed()).containsOnly(List.of("mv_customers"));

      due();
      Await.until("the other view", () -> viewsRefreshed().contains(List.of("mv_orders")));
    }
    assertThat(runs)
        .extracting(run -> run.refreshes().stream().map(Refresh::view).toList())
        .contains(List.of("mv_orders"), List.of("mv_customers"))
        .doesNotContain(List.of("mv_orders", "mv_customers"));
  }

  private static List<List<String>> viewsRefreshed() throws SQLException {
    return database.rows("SELECT DISTINCT view_name FROM wip_view_refresh");
  }

  @Thorough
  @Test
  void a_restart_with_another_schedule_moves_the_next_run() throws Exception {
    Instant nextYear;
    try (Running running = schedule(ONCE_A_YEAR).build().start()) {
      nextYear = running.nextRefresh().orElseThrow();
    }
    try (Running running = schedule("0 0 * * * *").build().start()) {
      assertThat(running.nextRefresh().orElseThrow())
          .isBefore(nextYear)
          .isBeforeOrEqualTo(Instant.now().plus(Duration.ofHours(1)));
    }
  }

  @Thorough
  @Test
  void a_row_that_somebody_deleted_comes_back() throws Exception {
    try (Running running = schedule(EVERY_SECOND).build().start()) {
      awaitRuns(1);
      Await.until(
          "the row is deleted between two runs",
          () ->
              !database
                  .rows("DELETE FROM wip_view_schedule WHERE NOT picked RETURNING task_name")
                  .isEmpty());
      int before = runs.size();
      awaitRuns(before + 1);
      assertThat(running.nextRefresh()).isPresent();
    }
  }
}
