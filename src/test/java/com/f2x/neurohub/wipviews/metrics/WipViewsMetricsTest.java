package com.f2x.neurohub.wipviews.metrics;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Counting;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class WipViewsMetricsTest {

  private static final String QUEUE = "mv_process_wip_queue";

  /** Of each view: four states, seven figures, three outcomes. */
  private static final int METERS = 4 + 7 + 3;

  private final TestDatabase database = TestDatabase.deployed();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private WipViews views;
  private WipViewsMetrics metrics;

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
    views = WipViews.of(database.dataSource());
    // nothing to wait for, and a machine that is busy
    metrics = WipViewsMetrics.of(views, Duration.ofSeconds(10), Duration.ZERO);
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    registry.close();
    database.drop();
  }

  @Test
  void each_view_has_its_figures() throws Exception {
    views.refreshAll();
    metrics.bindTo(registry);

    Freshness queue = views.freshness(MV_PROCESS_WIP_QUEUE);
    assertThat(gauge("wip.view.age")).isCloseTo(queue.age().toNanos() / 1e9, within(5.0));
    assertThat(gauge("wip.view.target")).isEqualTo(1200);
    assertThat(gauge("wip.view.rows")).isEqualTo(6);
    assertThat(gauge("wip.view.size")).isEqualTo((double) queue.bytes());
    assertThat(gauge("wip.view.last.duration")).isEqualTo(queue.lastDuration().toNanos() / 1e9);
    assertThat(gauge("wip.view.failures.in.a.row")).isZero();
    assertThat(gauge("wip.view.dead.rows")).isNotNegative();
    assertThat(gauge("wip.view.state", "state", "fresh")).isEqualTo(1);
    assertThat(gauge("wip.view.state", "state", "missing")).isZero();
    assertThat(registry.get("wip.views.up").gauge().value()).isEqualTo(1);
    assertThat(registry.get("wip.view.age").tag("view", "mv_wip_status_dashboard").gauge().value())
        .isNotNegative();
  }

  @Test
  void a_view_that_was_dropped_is_missing_and_has_no_size() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");
    metrics.bindTo(registry);

    assertThat(gauge("wip.view.state", "state", "missing")).isEqualTo(1);
    assertThat(gauge("wip.view.state", "state", "fresh")).isZero();
    assertThat(gauge("wip.view.size")).isNaN();
    assertThat(gauge("wip.view.dead.rows")).isNaN();
    assertThat(registry.get("wip.views.up").gauge().value()).isEqualTo(1);
  }

  @Test
  void attempts_of_anybody_are_counted_from_the_binding_on() throws Exception {
    views.refreshAll();
    metrics.bindTo(registry);
    assertThat(counted("refreshed")).isZero();

    // another instance, psql, cron
    WipViews.of(database.dataSource()).refresh(MV_PROCESS_WIP_QUEUE);
    database.execute(
        "SELECT refresh_all_wip_views()",
        "CALL refresh_wip_views()",
        "INSERT INTO wip_view_refresh (view_name, outcome) VALUES"
            + " ('mv_process_wip_queue', 'failed'), ('mv_process_wip_queue', 'coalesced')");

    awaitCounted("refreshed", 3);
    assertThat(counted("failed")).isEqualTo(1);
    assertThat(counted("coalesced")).isEqualTo(1);
  }

  @Test
  void an_attempt_that_ran_at_the_binding_is_counted_once() throws Exception {
    try (Connection early = database.connect();
        Statement inEarly = early.createStatement()) {
      // the first number of all, in a transaction that goes on while others come and go
      early.setAutoCommit(false);
      inEarly.execute("SELECT refresh_wip_view('mv_wip_status_dashboard')");
      // another one that runs, in a session that lives
      database.execute(
          "INSERT INTO wip_view_refresh (view_name, pid) SELECT 'mv_process_wip_queue', pid"
              + " FROM pg_stat_activity WHERE datname = current_database()"
              + " AND state = 'idle in transaction'");
      metrics.bindTo(registry);
      assertThat(counted("refreshed")).isZero();

      views.refresh(MV_PROCESS_WIP_QUEUE);
      awaitCounted("refreshed", 1);
      database.execute(
          "UPDATE wip_view_refresh SET outcome = 'refreshed' WHERE outcome = 'running'");
      awaitCounted("refreshed", 2);
      early.commit();
      awaitCounted("mv_wip_status_dashboard", "refreshed", 1);
      assertThat(counted("refreshed")).isEqualTo(2);
    }
  }

  @Test
  void counters_do_not_go_back_when_the_history_is_pruned() throws Exception {
    database.execute("UPDATE wip_view_refresh SET requested_at = now() - interval '2 hours'");
    Readings readings = new Readings(views, Duration.ofSeconds(10), Duration.ZERO);
    readings.current();
    // ended, and older than what is still looked at
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at)"
            + " SELECT 'mv_process_wip_queue', 'coalesced', now() - interval '1 hour'"
            + " FROM generate_series(1, 40)");
    Await.until("40 are counted", () -> counted(readings) == 40);

    database.execute("DELETE FROM wip_view_refresh");
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome) VALUES"
            + " ('mv_process_wip_queue', 'coalesced')");

    Await.until("41 are counted", () -> counted(readings) == 41);
  }

  private static long counted(Readings readings) {
    readings.current();
    return readings.counted(QUEUE, Outcome.COALESCED);
  }

  @Test
  void a_scrape_is_one_statement_whatever_the_number_of_meters() throws Exception {
    List<String> statements = Collections.synchronizedList(new ArrayList<>());
    PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    WipViewsMetrics.of(WipViews.of(Counting.statements(database.dataSource(), statements)))
        .bindTo(prometheus);
    statements.clear();

    AtomicInteger scrapes = new AtomicInteger();
    long end = System.nanoTime() + Duration.ofMillis(1500).toNanos();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<?>> scrapers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      scrapers.add(
          threads.submit(
              () -> {
                while (System.nanoTime() < end) {
                  assertThat(prometheus.scrape().lines().filter(line -> line.startsWith("wip_")))
                      .hasSize(1 + 2 * METERS);
                  scrapes.incrementAndGet();
                }
              }));
    }
    for (Future<?> scraper : scrapers) {
      scraper.get();
    }
    threads.shutdown();

    assertThat(scrapes.get()).isGreaterThan(20);
    assertThat(statements).hasSizeBetween(1, 2);
  }

  @Test
  void without_a_database_there_are_no_figures_and_no_error() throws Exception {
    metrics.bindTo(registry);
    views.refresh(MV_PROCESS_WIP_QUEUE);
    awaitCounted("refreshed", 1);

    database.drop();
    Await.until("it is known to be away", () -> registry.get("wip.views.up").gauge().value() == 0);
    assertThat(gauge("wip.view.age")).isNaN();
    assertThat(gauge("wip.view.state", "state", "fresh")).isNaN();
    assertThat(counted("refreshed")).isEqualTo(1);

    database.create();
    Await.until("it is back", () -> registry.get("wip.views.up").gauge().value() == 1);
    assertThat(gauge("wip.view.age")).isNotNegative();
  }

  @Test
  void a_database_that_is_away_at_the_binding_is_met_later() throws Exception {
    database.drop();
    metrics.bindTo(registry);
    assertThat(registry.getMeters())
        .extracting(meter -> meter.getId().getName())
        .containsExactly("wip.views.up");

    database.create();
    Await.until("it is there", () -> registry.get("wip.views.up").gauge().value() == 1);

    assertThat(gauge("wip.view.rows")).isEqualTo(6);
    assertThat(counted("refreshed")).isZero();
  }

  @Test
  void a_statement_that_hangs_is_given_up_after_two_seconds() throws Exception {
    WipViewsMetrics.of(views).bindTo(registry);
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      lock.execute("LOCK TABLE wip_view_refresh IN ACCESS EXCLUSIVE MODE");

      long start = System.nanoTime();
      Await.until("it is given up", () -> registry.get("wip.views.up").gauge().value() == 0);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(8));
    }
    Await.until("it is back", () -> registry.get("wip.views.up").gauge().value() == 1);
  }

  @Test
  void a_scrape_does_not_wait_for_a_server_that_does_not_answer() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      PGSimpleDataSource nowhere = new PGSimpleDataSource();
      nowhere.setUrl("jdbc:postgresql://127.0.0.1:" + silent.getLocalPort() + "/mes");
      PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
      long start = System.nanoTime();
      WipViewsMetrics.of(WipViews.of(nowhere)).bindTo(prometheus);

      String scrape = CompletableFuture.supplyAsync(prometheus::scrape).get(8, TimeUnit.SECONDS);

      assertThat(scrape).contains("wip_views_up 0.0");
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(8));
      assertThat(Thread.getAllStackTraces().keySet())
          .filteredOn(thread -> thread.getName().equals("wip-views-reading"))
          .hasSizeLessThanOrEqualTo(1);
    }
  }

  @Test
  void a_view_that_is_registered_later_gets_its_meters() throws Exception {
    metrics.bindTo(registry);
    database.execute(
        "CREATE MATERIALIZED VIEW mv_third AS SELECT 1 AS id",
        "CREATE UNIQUE INDEX mv_third_id_idx ON mv_third (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_third', 3, '1 minute', '')");
    views.refresh(WipViews.view("mv_third"));

    Await.until(
        "the third view is there",
        () -> {
          registry.get("wip.views.up").gauge().value();
          return registry.find("wip.view.rows").tag("view", "mv_third").gauge() != null;
        });
    assertThat(registry.get("wip.view.rows").tag("view", "mv_third").gauge().value()).isEqualTo(1);
    awaitCounted("mv_third", "refreshed", 1);
  }

  @Test
  void two_factories_in_one_registry_are_told_apart_for_a_reader() throws Exception {
    String role = "meter_" + ProcessHandle.current().pid();
    database.execute(
        "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'",
        "GRANT SELECT ON wip_view_freshness, wip_view_history, wip_view_refresh TO " + role);
    try {
      PGSimpleDataSource reader = (PGSimpleDataSource) database.dataSource(role, "secret");
      WipViewsMetrics.of(WipViews.of(reader), Duration.ofSeconds(10), Duration.ZERO)
          .withTags(Tags.of("factory", "1"))
          .bindTo(registry);
      metrics.withTags(Tags.of("factory", "2")).bindTo(registry);

      assertThat(registry.get("wip.views.up").tag("factory", "1").gauge().value()).isEqualTo(1);
      assertThat(registry.find("wip.view.rows").tag("view", QUEUE).gauges()).hasSize(2);
    } finally {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
  }

  @Test
  void meters_survive_a_garbage_collection_of_the_binder() throws Exception {
    metrics.bindTo(registry);
    System.gc();
    views.refresh(MV_WIP_STATUS_DASHBOARD);

    awaitCounted("mv_wip_status_dashboard", "refreshed", 1);
    assertThat(registry.getMeters()).extracting(Meter::getId).hasSize(1 + 2 * METERS);
  }

  private double gauge(String name, String... tags) {
    return registry.get(name).tag("view", QUEUE).tags(tags).gauge().value();
  }

  private double counted(String outcome) {
    return counted(QUEUE, outcome);
  }

  private double counted(String view, String outcome) {
    return registry
        .get("wip.view.refreshes")
        .tags("view", view, "outcome", outcome)
        .functionCounter()
        .count();
  }

  private void awaitCounted(String outcome, int attempts) throws Exception {
    awaitCounted(QUEUE, outcome, attempts);
  }

  private void awaitCounted(String view, String outcome, int attempts) throws Exception {
    Await.until(
        attempts + " " + outcome + " are counted", () -> counted(view, outcome) >= attempts);
    assertThat(counted(view, outcome)).isEqualTo(attempts);
  }
}
