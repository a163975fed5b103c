package com.f2x.neurohub.wipviews.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * What readers of a view of 5,000 lots, and of two levels of views over it, notice of a migration
 * of the tables between freeze and thaw.
 */
class FreezeBench {

  private static final int ROUNDS = 5;

  private static final List<String> READS =
      List.of(
          "SELECT count(*) FROM mv_wip_status_dashboard",
          "SELECT max(lot_id) FROM mv_wip_status_dashboard",
          "SELECT count(*) FROM late",
          "SELECT max(lot_id) FROM late",
          "SELECT count(*) FROM later",
          "SELECT max(lot_id) FROM later");

  @RegisterExtension static final Report report = new Report();

  private static PGSimpleDataSource dataSource;

  @BeforeAll
  static void five_thousand_lots() throws Exception {
    dataSource = BenchServer.get().mes("migrated");
    Sql.run(
        dataSource,
        "INSERT INTO lots (lot_number, product_model_id, production_date, status)"
            + " SELECT 'L' || n, 1, current_date, 'IN_PROGRESS' FROM generate_series(1, 5000) AS n",
        "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status)"
            + " SELECT 'W' || l.id || '-' || n, l.id, n, 'IN_PROGRESS'"
            + " FROM lots AS l, generate_series(1, 4) AS n",
        "CREATE VIEW late AS SELECT lot_id, lot_number FROM mv_wip_status_dashboard",
        "CREATE VIEW later AS SELECT lot_id FROM late",
        "ANALYZE");
    WipViews.of(dataSource).refreshAll();
  }

  @AfterAll
  static void drop_the_database() throws Exception {
    BenchServer.get().drop(dataSource);
  }

  @Test
  void a_migration_between_freeze_and_thaw_under_six_readers() throws Exception {
    WipViewsMigration migration = WipViewsMigration.of(dataSource);
    List<Double> promotion = new ArrayList<>();
    List<Double> freeze = new ArrayList<>();
    List<Double> alter = new ArrayList<>();
    List<Double> thaw = new ArrayList<>();
    double idle = longest(() -> Thread.sleep(3000));
    for (int i = 0; i < ROUNDS; i++) {
      String type = i % 2 == 0 ? "text" : "varchar(20)";
      promotion.add(
          longest(
              () -> Sql.run(dataSource, "SELECT wip_view_recreate('mv_wip_status_dashboard')")));
      freeze.add(longest(() -> migration.freeze(List.of())));
      alter.add(
          longest(
              () -> Sql.run(dataSource, "ALTER TABLE wip_items ALTER COLUMN status TYPE " + type)));
      thaw.add(longest(() -> migration.thaw(List.of())));
    }
    Report.row(
        "i6",
        "longest read while the MES retypes a column, 5,000 lots, two levels of views, six readers",
        "a promotion: %s ms; nothing changes: %s ms"
            .formatted(new Measured(promotion), Measured.number(idle)),
        "",
        "freeze %s ms, ALTER TABLE %s ms, thaw %s ms; no error"
            .formatted(new Measured(freeze), new Measured(alter), new Measured(thaw)),
        "",
        "");
    try (Connection connection = dataSource.getConnection()) {
      Report.behind(
          "i6",
          "freeze and thaw of the dashboard",
          new Sql(connection)
              .phases(
                  "SELECT wip_view_freeze('mv_wip_status_dashboard')",
                  "SELECT wip_view_thaw('mv_wip_status_dashboard')"));
    }
  }

  /** Milliseconds. */
  private static double longest(Ratio.Action change) throws Exception {
    Noticed noticed = Noticed.by(dataSource, READS, change);
    assertThat(noticed.errors()).isZero();
    return noticed.longestOutageMillis();
  }
}
