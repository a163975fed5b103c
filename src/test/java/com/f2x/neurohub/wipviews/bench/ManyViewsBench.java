package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.metrics.WipViewsMetrics;
import com.f2x.neurohub.wipviews.testing.Counting;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jooq.Table;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** What the number of registered views costs, and what is gained by refreshing several at once. */
class ManyViewsBench {

  private static final int HISTORY = 10_000;

  @RegisterExtension static final Report report = new Report();

  private static final List<PGSimpleDataSource> databases = new ArrayList<>();
  private static PGSimpleDataSource two;
  private static PGSimpleDataSource hundred;
  private static PGSimpleDataSource six;

  @BeforeAll
  static void make_views() throws Exception {
    two = engine("two_views");
    hundred = engine("hundred_views");
    six = engine("six_views");
    register(two, 2, "SELECT customer AS id, count(*) AS n FROM orders GROUP BY customer");
    register(hundred, 100, "SELECT customer AS id, count(*) AS n FROM orders GROUP BY customer");
    register(
        six,
        6,
        "SELECT customer AS id, max(md5(o.id::text || n)) AS hash FROM orders AS o,"
            + " generate_series(1, 10) AS n GROUP BY customer");
    for (PGSimpleDataSource database : List.of(two, hundred)) {
      fillHistory(database);
    }
  }

  private static PGSimpleDataSource engine(String name) throws SQLException {
    PGSimpleDataSource database = BenchServer.get().engine(name);
    databases.add(database);
    Sql.run(
        database,
        "CREATE TABLE orders (id integer PRIMARY KEY, customer integer NOT NULL)",
        "INSERT INTO orders SELECT i, i % 100 FROM generate_series(1, 30000) AS i");
    return database;
  }

  /** So many views of one definition; of the hundred, every tenth reads the one before it. */
  private static void register(PGSimpleDataSource database, int number, String query)
      throws SQLException {
    for (int i = 1; i <= number; i++) {
      String name = "mv_" + i;
      String reads = i % 10 == 0 ? "SELECT id, n FROM mv_" + (i - 1) : query;
      Sql.run(
          database,
          "CREATE MATERIALIZED VIEW " + name + " AS " + reads,
          "CREATE UNIQUE INDEX ON " + name + " (id)",
          "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition) VALUES ('"
              + name
              + "', "
              + i
              + ", '1 hour', wip_view_definition('"
              + name
              + "'::regclass))");
    }
    Sql.run(database, "CALL refresh_wip_views()", "VACUUM ANALYZE");
  }

  /** A refresh a minute, of one view after the other, until now. */
  private static void fillHistory(PGSimpleDataSource database) throws SQLException {
    Sql.run(
        database,
        """
        INSERT INTO wip_view_refresh
          (view_name, outcome, mode, requested_at, started_at, finished_at, rows, bytes, rows_as_of)
        SELECT v.names[1 + i %% cardinality(v.names)], 'refreshed', 'concurrent', t, t, t + interval '50 ms', 100, 8192, t
        FROM generate_series(1, %d) AS i
        CROSS JOIN (SELECT array_agg(view_name) FROM wip_view) AS v (names)
        CROSS JOIN LATERAL (SELECT now() - (%d - i) * interval '1 minute') AS at (t)
        """
            .formatted(HISTORY, HISTORY),
        "CALL refresh_wip_views()",
        "VACUUM ANALYZE");
  }

  @AfterAll
  static void drop_the_databases() throws Exception {
    for (PGSimpleDataSource database : databases) {
      BenchServer.get().drop(database);
    }
  }

  @Test
  void freshness_of_a_hundred_views() throws Exception {
    try (Connection many = hundred.getConnection();
        Connection few = two.getConnection()) {
      for (Connection connection : List.of(many, few)) {
        Report.behind(
            "k1",
            "wip_view_freshness of " + connection.getCatalog(),
            new Sql(connection).plan("SELECT * FROM wip_view_freshness"));
      }
      Report.atMost(
          3,
          "k1",
          "wip_view_freshness, 100 views, 10,000 attempts on record",
          "2 views, 10,000 attempts",
          Ratio.of(
              15,
              millis(() -> new Sql(many).run("TABLE wip_view_freshness")),
              millis(() -> new Sql(few).run("TABLE wip_view_freshness"))));
    }
  }

  @Test
  void a_scrape_of_a_hundred_views() throws Exception {
    Report.atMost(
        3,
        "k2",
        "one scrape of the metrics, 100 views",
        "2 views",
        Ratio.of(15, millis(() -> scrape(hundred)), millis(() -> scrape(two))));
    List<String> statements = new ArrayList<>();
    scrape(Counting.statements(hundred, statements));
    Report.behind("k2", "statements of one scrape", statements);
  }

  /** The first one of a service, which looks furthest back. */
  private static void scrape(DataSource database) {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    WipViewsMetrics.of(WipViews.of(database)).bindTo(registry);
    registry.scrape();
    registry.close();
  }

  @Test
  void a_diagnosis_of_a_hundred_views() throws Exception {
    try (Connection many = hundred.getConnection();
        Connection few = two.getConnection()) {
      Ratio ratio =
          Ratio.of(
              9,
              millis(() -> new Sql(many).run("SELECT * FROM wip_view_findings()")),
              millis(() -> new Sql(few).run("SELECT * FROM wip_view_findings()")));
      for (Connection connection : List.of(many, few)) {
        Report.behind(
            "k3",
            "checks of " + connection.getCatalog(),
            new Sql(connection).phases("SELECT * FROM wip_view_findings()"));
      }
      Report.under(1000, "k3", "doctor's checks, 100 views", "2 views", ratio);
    }
  }

  @Test
  void six_views_at_once() throws Exception {
    WipViews oneByOne = WipViews.of(six);
    WipViews atOnce = oneByOne.withParallelism(2);
    Report.atMost(
        0.6,
        "l",
        "refreshAll, six views that do not read each other, two at once",
        "one by one",
        Ratio.of(9, millis(atOnce::refreshAll), millis(oneByOne::refreshAll)));
    try (Connection connection = six.getConnection()) {
      oneByOne.refreshAll();
      Report.behind("l", "one by one, in ms", new Sql(connection).attempts(6));
      atOnce.refreshAll();
      Report.behind("l", "two at once, in ms", new Sql(connection).attempts(6));
    }
  }

  @Test
  void a_refresh_when_nothing_was_written() throws Exception {
    Table<?> view = WipViews.view("mv_1");
    WipViews views = WipViews.of(six);
    Duration age = Duration.ofDays(1);
    // what was written before is reported late
    for (boolean changed = true; changed; ) {
      changed = views.refreshIfChanged(view, age).isPresent();
      Thread.sleep(1500);
    }
    try (Connection connection = six.getConnection()) {
      Sql sql = new Sql(connection);
      String ifChanged = "SELECT refresh_wip_view_if_changed('mv_1', '1 day')";
      Ratio ratio =
          Ratio.of(
              25,
              millis(() -> sql.run(ifChanged)),
              millis(() -> sql.run("SELECT refresh_wip_view('mv_1')")));
      Report.under(5, "m1", "a refresh if changed, when nothing was written", "a refresh", ratio);
      Report.behind("m1", "the look", sql.phases(ifChanged));
      Measured first =
          Measured.of(
              15,
              () -> {
                try (Connection cold = six.getConnection()) {
                  return millis(() -> new Sql(cold).run(ifChanged)).get();
                }
              });
      Report.row("m2", "the first look of a session", "", "", first + " ms", "", "");
      try (Connection cold = six.getConnection()) {
        Report.behind("m2", "the look", new Sql(cold).phases(ifChanged));
      }
    }
  }
}
