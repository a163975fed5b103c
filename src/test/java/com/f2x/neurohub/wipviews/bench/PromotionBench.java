package com.f2x.neurohub.wipviews.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * What six readers without a pause notice of a new definition of a view: by a promotion, and by the
 * guide's DROP … CASCADE and CREATE, in one run. All lots of the large factory are open here, since
 * a longer build is what makes the difference.
 */
class PromotionBench {

  private static final int PROMOTIONS = 11;

  private static final String STAGE = "SELECT wip_view_stage('mv_wip_status_dashboard')";
  private static final String DROP =
      "DROP MATERIALIZED VIEW IF EXISTS mv_wip_status_dashboard CASCADE";
  private static final List<String> DEPENDANTS =
      List.of(
          "CREATE VIEW late AS SELECT lot_id, lot_number FROM mv_wip_status_dashboard",
          "CREATE VIEW later AS SELECT lot_id FROM late");
  private static final List<String> READS =
      List.of(
          "SELECT count(*) FROM mv_wip_status_dashboard",
          "SELECT count(*) FROM late",
          "SELECT count(*) FROM later",
          "SELECT count(*) FROM late JOIN mv_wip_status_dashboard USING (lot_id)",
          "SELECT count(*) FROM mv_wip_status_dashboard JOIN later USING (lot_id)",
          "SELECT max(lot_number) FROM late");

  @RegisterExtension static final Report report = new Report();

  private static PGSimpleDataSource dataSource;

  @BeforeAll
  static void all_lots_are_open() throws Exception {
    dataSource = BenchServer.get().copy(BenchServer.get().large(), "promotion");
    Sql.run(
        dataSource,
        "UPDATE lots SET status = 'COMPLETED' WHERE status = 'CLOSED'",
        "VACUUM ANALYZE lots",
        "SELECT refresh_wip_status_dashboard()");
    Sql.run(dataSource, DEPENDANTS.toArray(String[]::new));
  }

  @AfterAll
  static void drop_the_copy() throws Exception {
    BenchServer.get().drop(dataSource);
  }

  @Test
  void a_new_definition_under_six_readers() throws Exception {
    String file = Files.readString(Path.of("views/wip_views/01_mv_wip_status_dashboard.sql"));

    List<Double> swaps = new ArrayList<>();
    Noticed idle = Noticed.by(dataSource, READS, () -> Thread.sleep(3000));
    Noticed promote = Noticed.by(dataSource, READS, () -> promote(file, swaps));
    Noticed dropAndCreate = Noticed.by(dataSource, READS, () -> dropAndCreate(file));

    for (Noticed noticed : List.of(idle, promote)) {
      assertThat(noticed.errors()).isZero();
    }
    Measured swap = new Measured(swaps);
    String place = BenchServer.lots() + " open lots under six readers";
    double shorter = dropAndCreate.longestOutageMillis() / promote.longestOutageMillis();
    Report.row(
        "i1",
        "longest time without an answer while recreating, "
            + place
            + ", %d promotions".formatted(PROMOTIONS),
        "DROP … CASCADE and CREATE, with %,d errors".formatted(dropAndCreate.errors()),
        Measured.number(shorter) + " times shorter",
        millis(promote.longestOutageMillis())
            + " to "
            + millis(dropAndCreate.longestOutageMillis()),
        "at least 20 times shorter",
        shorter >= 20 ? "yes" : "no, by " + Measured.number(20 / shorter) + " times");
    Report.row(
        "i2",
        "the same; no error",
        "nothing changes",
        Measured.number(promote.longestOutageMillis() / idle.longestOutageMillis()),
        millis(promote.longestOutageMillis()) + " to " + millis(idle.longestOutageMillis()),
        "under 50 ms",
        Report.holds(50, promote.longestOutageMillis()));
    Report.behind("i2", "from the first attempt to the swap", List.of(swap + " ms"));
    try (Connection connection = dataSource.getConnection()) {
      Report.behind(
          "i1",
          "build and promotion",
          new Sql(connection)
              .phases(STAGE, file, "SELECT wip_view_promote('mv_wip_status_dashboard')"));
    }
  }

  @Test
  void a_plan_beside_the_build_alone() throws Exception {
    String file = Files.readString(Path.of("views/wip_views/01_mv_wip_status_dashboard.sql"));
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      Sql sql = new Sql(connection);
      sql.run("CREATE SCHEMA alone; SET search_path = alone, public");
      connection.commit();
      String plan = "SELECT wip_view_plan('mv_wip_status_dashboard')";
      Ratio ratio =
          Ratio.of(
              9,
              Ratio.millis(
                  () -> {
                    sql.run(STAGE);
                    sql.run(file);
                    sql.run(plan);
                    connection.rollback();
                  }),
              Ratio.millis(
                  () -> {
                    sql.run(file);
                    connection.rollback();
                  }));
      Report.atMost(
          1.3,
          "i5",
          "a plan of the dashboard, " + BenchServer.lots() + " open lots",
          "its file run alone",
          ratio);
      connection.setAutoCommit(true);
      sql.run("SET search_path = public");
      Report.behind("i5", "build and plan", sql.phases(STAGE, file, plan));
    }
  }

  private static String millis(double millis) {
    return Measured.number(millis) + " ms";
  }

  private static void promote(String file, List<Double> swaps) throws SQLException {
    Pattern promoted = Pattern.compile("promoted in (\\d+) ms");
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (int i = 0; i < PROMOTIONS; i++) {
        statement.execute(STAGE);
        statement.execute(file);
        statement.execute(
            "SELECT wip_view_promote('mv_wip_status_dashboard', 1, interval '20 minutes')");
        for (SQLWarning w = statement.getWarnings(); w != null; w = w.getNextWarning()) {
          Matcher matcher = promoted.matcher(w.getMessage());
          if (matcher.find()) {
            swaps.add(Double.valueOf(matcher.group(1)));
          }
        }
        connection.commit();
      }
    }
  }

  /** The guide's recovery, and what its users then have to do for their reports. */
  private static void dropAndCreate(String file) throws SQLException {
    for (String statement : Stream.concat(Stream.of(DROP, file), DEPENDANTS.stream()).toList()) {
      for (int deadlocks = 0; ; deadlocks++) {
        try {
          Sql.run(dataSource, statement);
          break;
        } catch (SQLException e) {
          if (!"40P01".equals(e.getSQLState()) || deadlocks == 100) {
            throw e;
          }
          // locks in another order than readers: it is the one that is ended, and whoever runs it
          // tries again
        }
      }
    }
  }
}
