package com.f2x.neurohub.wipviews.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.Counting;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
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
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jooq.Table;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class WipViewsMetricsTest {

  private static final Table<?> ORDERS = WipViews.view("mv_orders");
  private static final Table<?> CUSTOMERS = WipViews.view("mv_customers");

  /** Of those that a reading is waited for: longer than any takes. */
  private static final Duration LONG = Duration.ofMinutes(3);

  private final TestDatabase database = TestDatabase.service();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private WipViews views;
  private WipViewsMetrics metrics;

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
    views = WipViews.of(database.dataSource());
    metrics = WipViewsMetrics.of(views, LONG, Duration.ZERO);
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

    double before = seconds(views.freshness(CUSTOMERS).age());
    double age = gauge("wip.view.age");
    Freshness customers = views.freshness(CUSTOMERS);
    assertThat(age).isBetween(before, seconds(customers.age()));
    assertThat(gauge("wip.view.target")).isEqualTo(1200);
    assertThat(gauge("wip.view.rows")).isEqualTo(4);
    assertThat(gauge("wip.view.size")).isEqualTo((double) customers.bytes());
    assertThat(gauge("wip.view.last.duration")).isEqualTo(seconds(customers.lastDuration()));
    assertThat(gauge("wip.view.failures.in.a.row")).isZero();
    assertThat(gauge("wip.view.dead.rows")).isNotNegative();
    assertThat(gauge("wip.view.state", "state", "fresh")).isEqualTo(1);
    assertThat(gauge("wip.view.state", "state", "missing")).isZero();
    assertThat(registry.get("wip.views.up").gauge().value()).isEqualTo(1);
    assertThat(registry.get("wip.view.age").tag("view", "mv_orders").gauge().value())
        .isNotNegative();
  }

  @Test
  void a_refresh_that_runs_has_an_age_and_those_who_wait_for_it() throws Exception {
    metrics.bindTo(registry);
    assertThat(gauge("wip.view.running")).isZero();
    assertThat(gauge("wip.view.waiting.callers")).isZero();
    List<Future<Refresh>> answers = new ArrayList<>();
    ExecutorService callers = Executors.newCachedThreadPool();
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      holder.setAutoCommit(false);
      lock.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
      for (int i = 0; i < 3; i++) {
        // each as from a process of its own
        answers.add(callers.submit(() -> WipViews.of(database.dataSource()).refresh(CUSTOMERS)));
      }

      Await.until("two wait", () -> gauge("wip.view.waiting.callers"), seen -> seen == 2);
      Await.until("its age", () -> gauge("wip.view.running"), seen -> seen > 0);
      Freshness customers = views.freshness(CUSTOMERS);
      assertThat(customers.runningPid()).isNotNull();
      assertThat(customers.runningSince()).isNotNull();
      assertThat(customers.runningFor()).isPositive();
      assertThat(customers.waitingCallers()).isEqualTo(2);
      holder.rollback();
    } finally {
      callers.shutdown();
    }
    // between the first refresh and the one that serves those who waited, none runs either
    Callers.results(answers);
    Await.until("none runs", () -> gauge("wip.view.running"), seen -> seen == 0);
    assertThat(views.freshness(CUSTOMERS).runningPid()).isNull();
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  @Test
  void a_view_that_was_dropped_is_missing_and_has_no_size() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_customers");
    metrics.bindTo(registry);

    assertThat(gauge("wip.view.state", "state", "missing")).isEqualTo(1);
    assertThat(gauge("wip.view.state", "state", "fresh")).isZero();
    assertThat(gauge("wip.view.size")).isNaN();
    assertThat(gauge("wip.view.dead.rows")).isNaN();
    assertThat(registry.get("wip.views.up").gauge().value()).isEqualTo(1);
  }

  @Thorough
  @Test
  void attempts_of_anybody_are_counted_from_the_binding_on() throws Exception {
    views.refreshAll();
    metrics.bindTo(registry);
    assertThat(counted("refreshed")).isZero();

    // another instance, psql, cron
    WipViews.of(database.dataSource()).refresh(CUSTOMERS);
    database.execute(
        "SELECT refresh_all_wip_views()",
        "CALL refresh_wip_views()",
        "INSERT INTO wip_view_refresh (view_name, outcome) VALUES"
            + " ('mv_customers', 'failed'), ('mv_customers', 'coalesced')",
        "SELECT wip_view_freeze('mv_customers')",
        "SELECT refresh_all_wip_views()",
        "SELECT wip_view_thaw('mv_customers')");

    // the thaw is one
    awaitCounted("refreshed", 4);
    assertThat(counted("frozen")).isEqualTo(1);
    assertThat(counted("failed")).isEqualTo(1);
    assertThat(counted("coalesced")).isEqualTo(1);
  }

  @Thorough
  @Test
  void an_attempt_that_ran_at_the_binding_is_counted_once() throws Exception {
    try (Connection early = database.connect();
        Statement inEarly = early.createStatement()) {
      // the first number of all, in a transaction that goes on while others come and go
      early.setAutoCommit(false);
      inEarly.execute("SELECT refresh_wip_view('mv_orders')");
      // another one that runs, in a session that lives
      database.execute(
          "INSERT INTO wip_view_refresh (view_name, pid) SELECT 'mv_customers', pid"
              + " FROM pg_stat_activity WHERE datname = current_database()"
              + " AND state = 'idle in transaction'");
      metrics.bindTo(registry);
      assertThat(counted("refreshed")).isZero();

      views.refresh(CUSTOMERS);
      awaitCounted("refreshed", 1);
      database.execute(
          "UPDATE wip_view_refresh SET outcome = 'refreshed' WHERE outcome = 'running'");
      awaitCounted("refreshed", 2);
      early.commit();
      awaitCounted("mv_orders", "refreshed", 1);
      assertThat(counted("refreshed")).isEqualTo(2);
    }
  }

  @Test
  void counters_do_not_go_back_when_the_history_is_pruned() throws Exception {
    database.execute("UPDATE wip_view_refresh SET requested_at = now() - interval '2 hours'");
    Readings readings = new Readings(views, LONG, Duration.ZERO);
    readings.current();
    // ended, and older than what is still looked at
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at)"
            + " SELECT 'mv_customers', 'coalesced', now() - interval '1 hour'"
            + " FROM generate_series(1, 40)");
    Await.until("40 are counted", () -> counted(readings), counted -> counted == 40);

    database.execute("DELETE FROM wip_view_refresh");
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome) VALUES"
            + " ('mv_customers', 'coalesced')");

    Await.until("41 are counted", () -> counted(readings), counted -> counted == 41);
  }

  private static long counted(Readings readings) {
    readings.current();
    return readings.counted(CUSTOMERS.getName(), Outcome.COALESCED);
  }

  @Test
  void a_reading_serves_all_meters_and_threads_while_it_is_kept() throws Exception {
    List<String> statements = Collections.synchronizedList(new ArrayList<>());
    WipViews counting = WipViews.of(Counting.statements(database.dataSource(), statements));
    new Readings(counting, LONG, LONG).current();
    List<String> one = List.copyOf(statements);
    statements.clear();

    PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    WipViewsMetrics.of(counting, LONG, LONG).bindTo(prometheus);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<String>> scrapes = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        scrapes.add(threads.submit(() -> prometheus.scrape()));
      }
      for (Future<String> scrape : scrapes) {
        assertThat(Await.result(scrape)).contains("wip_views_up 1.0", CUSTOMERS.getName());
      }
    } finally {
      threads.shutdown();
    }

    assertThat(statements).isNotEmpty().isEqualTo(one);
  }

  @Test
  void threads_that_read_at_once_wait_for_one_reading() throws Exception {
    List<String> statements = Collections.synchronizedList(new ArrayList<>());
    WipViews counting = WipViews.of(Counting.statements(database.dataSource(), statements));
    new Readings(counting, LONG, LONG).current();
    List<String> one = List.copyOf(statements);
    statements.clear();

    Readings readings = new Readings(counting, LONG, LONG);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      for (Future<Readings.Reading> reading :
          threads.invokeAll(
              Collections.<Callable<Readings.Reading>>nCopies(8, readings::current))) {
        assertThat(Await.result(reading).up()).isTrue();
      }
    } finally {
      threads.shutdown();
    }

    assertThat(statements).isNotEmpty().isEqualTo(one);
  }

  @Thorough
  @Test
  void without_a_database_there_are_no_figures_and_no_error() throws Exception {
    metrics.bindTo(registry);
    views.refresh(CUSTOMERS);
    awaitCounted("refreshed", 1);

    database.drop();
    Await.until("it is known to be away", this::up, up -> up == 0);
    assertThat(gauge("wip.view.age")).isNaN();
    assertThat(gauge("wip.view.state", "state", "fresh")).isNaN();
    assertThat(counted("refreshed")).isEqualTo(1);

    database.create();
    Await.until("it is back", this::up, up -> up == 1);
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
    Await.until("it is there", this::up, up -> up == 1);

    assertThat(gauge("wip.view.rows")).isEqualTo(4);
    assertThat(counted("refreshed")).isZero();
  }

  @Thorough
  @Test
  void a_statement_that_hangs_is_given_up() throws Exception {
    WipViewsMetrics.of(views, Duration.ofSeconds(1), Duration.ZERO).bindTo(registry);
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      lock.execute("LOCK TABLE wip_view_refresh IN ACCESS EXCLUSIVE MODE");

      // while the lock is held
      Await.until("it is given up", this::up, up -> up == 0);
      Await.until(
          "the server has cancelled it",
          () ->
              database.rows(
                  "SELECT query FROM pg_stat_activity"
                      + " WHERE datname = current_database() AND wait_event_type = 'Lock'"),
          List::isEmpty);
    }
    Await.until("it is back", this::up, up -> up == 1);
  }

  private double up() {
    return registry.get("wip.views.up").gauge().value();
  }

  @Test
  void a_scrape_does_not_wait_for_a_server_that_does_not_answer() throws Exception {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      PGSimpleDataSource nowhere = new PGSimpleDataSource();
      nowhere.setUrl("jdbc:postgresql://127.0.0.1:" + silent.getLocalPort() + "/mes");
      PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
      // it never answers: without a limit, none of these calls would return
      Future<List<String>> scrapes =
          Background.call(
              () -> {
                WipViewsMetrics.of(WipViews.of(nowhere), Duration.ofMillis(100), Duration.ZERO)
                    .bindTo(prometheus);
                return List.of(prometheus.scrape(), prometheus.scrape(), prometheus.scrape());
              });

      assertThat(Await.result(scrapes))
          .allSatisfy(scrape -> assertThat(scrape).contains("wip_views_up 0.0"));
      Set<Thread> readings = new HashSet<>(Thread.getAllStackTraces().keySet());
      readings.removeAll(before);
      readings.removeIf(thread -> !thread.getName().equals("wip-views-reading"));
      assertThat(readings).as("threads that still wait").hasSize(1);
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
      WipViewsMetrics.of(WipViews.of(reader), LONG, Duration.ZERO)
          .withTags(Tags.of("factory", "1"))
          .bindTo(registry);
      metrics.withTags(Tags.of("factory", "2")).bindTo(registry);

      assertThat(registry.get("wip.views.up").tag("factory", "1").gauge().value()).isEqualTo(1);
      assertThat(registry.find("wip.view.rows").tag("view", CUSTOMERS.getName()).gauges())
          .hasSize(2);
    } finally {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
  }

  @Test
  void meters_survive_a_garbage_collection_of_the_binder() throws Exception {
    metrics.bindTo(registry);
    List<Meter.Id> bound = registry.getMeters().stream().map(Meter::getId).toList();
    System.gc();
    views.refresh(ORDERS);

    awaitCounted("mv_orders", "refreshed", 1);
    assertThat(registry.getMeters())
        .extracting(Meter::getId)
        .containsExactlyInAnyOrderElementsOf(bound);
  }

  private double gauge(String name, String... tags) {
    return registry.get(name).tag("view", CUSTOMERS.getName()).tags(tags).gauge().value();
  }

  private double counted(String outcome) {
    return counted(CUSTOMERS.getName(), outcome);
  }

  private double counted(String view, String outcome) {
    return registry
        .get("wip.view.refreshes")
        .tags("view", view, "outcome", outcome)
        .functionCounter()
        .count();
  }

  private void awaitCounted(String outcome, int attempts) throws Exception {
    awaitCounted(CUSTOMERS.getName(), outcome, attempts);
  }

  private void awaitCounted(String view, String outcome, int attempts) throws Exception {
    Await.until(
        attempts + " " + outcome + " are counted",
        () -> counted(view, outcome),
        counted -> counted >= attempts);
    assertThat(counted(view, outcome)).isEqualTo(attempts);
  }
}
