package com.f2x.neurohub.wipviews.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** A new definition of a view with a hundred dependants in three levels, and of one with none. */
class ManyDependantsBench {

  private static final int PROMOTIONS = 9;

  @RegisterExtension static final Report report = new Report();

  private static PGSimpleDataSource dataSource;

  @BeforeAll
  static void make_views() throws Exception {
    dataSource = BenchServer.get().engine("dependants");
    Sql.run(
        dataSource,
        "CREATE TABLE orders (id integer PRIMARY KEY, a integer NOT NULL, b text NOT NULL)",
        "INSERT INTO orders SELECT i, i % 10, 'b' || i FROM generate_series(1, 1000) AS i");
    for (String view : List.of("mv_none", "mv_many")) {
      promote(view);
    }
    for (int i = 0; i < 50; i++) {
      Sql.run(
          dataSource,
          "CREATE VIEW d1_%1$d AS SELECT id, a, b FROM mv_many WHERE a <> %1$d".formatted(i));
    }
    for (int i = 0; i < 35; i++) {
      Sql.run(
          dataSource,
          "CREATE VIEW d2_%d AS SELECT x.id, y.b FROM d1_%d AS x JOIN d1_%d AS y USING (id)"
              .formatted(i, i, i + 1));
    }
    for (int i = 0; i < 15; i++) {
      Sql.run(
          dataSource,
          "CREATE VIEW d3_%d AS SELECT id FROM d2_%d UNION ALL SELECT id FROM d2_%d"
              .formatted(i, i, i + 1));
    }
  }

  @AfterAll
  static void drop_the_database() throws Exception {
    BenchServer.get().drop(dataSource);
  }

  /** Milliseconds of the promotion, without the build. */
  private static double promote(String view) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      Sql sql = new Sql(connection);
      for (String statement : build(view)) {
        sql.run(statement);
      }
      long start = System.nanoTime();
      sql.run("SELECT wip_view_promote('" + view + "')");
      connection.commit();
      return (System.nanoTime() - start) / 1e6;
    }
  }

  @Test
  void a_new_definition_under_six_readers() throws Exception {
    List<Double> swaps = new ArrayList<>();
    Noticed none =
        Noticed.by(
            dataSource,
            readsOf("mv_none", "mv_none", "mv_none"),
            () -> {
              for (int i = 0; i < PROMOTIONS; i++) {
                promote("mv_none");
              }
            });
    Noticed many =
        Noticed.by(
            dataSource,
            readsOf("mv_many", "d1_7", "d3_7"),
            () -> {
              for (int i = 0; i < PROMOTIONS; i++) {
                swaps.add(promote("mv_many"));
              }
            });

    assertThat(none.errors() + many.errors()).isZero();
    Report.row(
        "i3",
        "longest time without an answer while a view with 100 dependants in three levels is"
            + " promoted, six readers, %,d reads".formatted(many.reads()),
        "one with none",
        Measured.number(many.longestOutageMillis() / none.longestOutageMillis()),
        Measured.number(many.longestOutageMillis())
            + " to "
            + Measured.number(none.longestOutageMillis())
            + " ms",
        "under 60 ms",
        Report.holds(60, many.longestOutageMillis()));
    Report.under(
        2000, "i4", "that promotion, after the build, under six readers", new Measured(swaps));
    try (Connection connection = dataSource.getConnection()) {
      Sql sql = new Sql(connection);
      List<String> statements = new ArrayList<>(build("mv_many"));
      statements.add("SELECT wip_view_promote('mv_many')");
      Report.behind("i3", "build and promotion", sql.phases(statements.toArray(String[]::new)));
      Report.behind("i4", "each promotion", List.of(swaps + " ms"));
    }
  }

  private static List<String> build(String view) {
    return List.of(
        "SELECT wip_view_stage('" + view + "')",
        "CREATE MATERIALIZED VIEW " + view + " AS SELECT id, a, b FROM orders",
        "CREATE UNIQUE INDEX " + view + "_id_idx ON " + view + " (id)");
  }

  private static List<String> readsOf(String... relations) {
    List<String> reads = new ArrayList<>();
    for (String relation : relations) {
      reads.add("SELECT count(*) FROM " + relation);
      reads.add("SELECT max(id) FROM " + relation);
    }
    return reads;
  }
}
