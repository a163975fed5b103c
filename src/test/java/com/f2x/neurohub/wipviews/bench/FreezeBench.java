package com.f2x.neurohub.wipviews.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Readers;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What readers of a view of 5,000 lots, and of two levels of views over it, notice of a migration
 * of the tables between freeze and thaw.
 */
class FreezeBench {

  private static final int ROUNDS = 5;

  private static final List<String> READS =
      List.of(
          "SELECT count(*) FROM mv_wip_status_dashboard",
          "SELECT count(*) FROM late",
          "SELECT count(*) FROM later");

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();
  @RegisterExtension static final Report report = new Report();

  private interface Change {
    void run() throws Exception;
  }

  @Test
  void a_migration_between_freeze_and_thaw_under_six_readers() throws Exception {
    database.execute(
        "INSERT INTO lots (lot_number, product_model_id, production_date, status)"
            + " SELECT 'L' || n, 1, current_date, 'IN_PROGRESS' FROM generate_series(1, 5000) AS n",
        "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status)"
            + " SELECT 'W' || l.id || '-' || n, l.id, n, 'IN_PROGRESS'"
            + " FROM lots AS l, generate_series(1, 4) AS n",
        "CREATE VIEW late AS SELECT lot_id, lot_number FROM mv_wip_status_dashboard",
        "CREATE VIEW later AS SELECT lot_id FROM late",
        "ANALYZE");
    WipViews.of(database.dataSource()).refreshAll();
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource());

    Duration idle = longest(() -> Thread.sleep(3000));
    Duration promotion = Duration.ZERO;
    Duration freeze = Duration.ZERO;
    Duration alter = Duration.ZERO;
    Duration thaw = Duration.ZERO;
    for (int i = 0; i < ROUNDS; i++) {
      String type = i % 2 == 0 ? "text" : "varchar(20)";
      promotion =
          max(
              promotion,
              longest(
                  () -> database.execute("SELECT wip_view_recreate('mv_wip_status_dashboard')")));
      freeze = max(freeze, longest(() -> migration.freeze(List.of())));
      alter =
          max(
              alter,
              longest(
                  () ->
                      database.execute("ALTER TABLE wip_items ALTER COLUMN status TYPE " + type)));
      thaw = max(thaw, longest(() -> migration.thaw(List.of())));
    }
    Report.row(
        "i3",
        "longest read while the MES retypes a column, 5,000 lots, two levels of views, six readers",
        "nothing changes: " + idle.toMillis() + " ms; a promotion: " + promotion.toMillis() + " ms",
        "",
        "freeze "
            + freeze.toMillis()
            + " ms, ALTER TABLE "
            + alter.toMillis()
            + " ms, thaw "
            + thaw.toMillis()
            + " ms; errors: 0, over "
            + ROUNDS
            + " rounds",
        "",
        "");
  }

  private static Duration max(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }

  private static Duration longest(Change change) throws Exception {
    List<Readers> readers = new ArrayList<>();
    for (String read : READS) {
      readers.add(Readers.start(database.dataSource(), 2, read));
    }
    change.run();
    Duration longest = Duration.ZERO;
    for (Readers those : readers) {
      Readers.Result result = those.stop();
      assertThat(result.errors()).as(result.firstError()).isZero();
      longest = max(longest, result.slowest());
    }
    return longest;
  }
}
