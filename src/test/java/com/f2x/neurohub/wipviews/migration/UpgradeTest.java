package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What the commit 5dc4a87 deployed, as pg_dump wrote it: with rows, two views of a service, and
 * what people had made by hand.
 */
class UpgradeTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.empty();
  @RegisterExtension static final TestDatabase fresh = TestDatabase.deployed();

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void upgrade() throws Exception {
    try (InputStream dump =
        new GZIPInputStream(UpgradeTest.class.getResourceAsStream("/upgrade/5dc4a87.sql.gz"))) {
      database.execute(new String(dump.readAllBytes(), StandardCharsets.UTF_8));
    }
    WipViewsMigration.of(database.dataSource()).update();
  }

  @Test
  void it_has_all_that_a_new_database_has() throws SQLException {
    // columns of the settings are in another order
    assertThat(CatalogSnapshot.differences(CatalogSnapshot.of(database), CatalogSnapshot.of(fresh)))
        .filteredOn(
            name ->
                !name.matches(
                    "column"
                        + " wip_view_settings\\..*|.*mv_lot_.*|.*by_hand.*|.*databasechangeloglock.*"
                        // the dump brings the grants of 14
                        + "|schema public"))
        // granted by hand, to be kept
        .containsExactly(
            "column mv_process_wip_queue.process_id", "relation mv_wip_status_dashboard");
    assertThat(
            database.value(
                "SELECT has_table_privilege('pg_monitor', 'mv_wip_status_dashboard', 'SELECT') AND"
                    + " has_column_privilege('pg_monitor', 'mv_process_wip_queue', 'process_id',"
                    + " 'SELECT WITH GRANT OPTION')"))
        .isEqualTo("t");
  }

  @Test
  void what_was_made_by_hand_is_kept() throws SQLException {
    assertThat(database.value("SELECT count(*) FROM by_hand")).isEqualTo("3");
    assertThat(database.value("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_hand_idx'"))
        .isEqualTo("1");
    assertThat(
            database.value(
                "SELECT freshness_target FROM wip_view WHERE view_name = 'mv_process_wip_queue'"))
        .isEqualTo("00:45:00");
  }

  @Thorough
  @Test
  void views_of_a_service_go_on() throws SQLException {
    assertThat(views.refreshAll())
        .extracting(Refresh::view)
        .containsExactly(
            "mv_wip_status_dashboard", "mv_process_wip_queue", "mv_lot_names", "mv_lot_count");
    assertThat(views.refresh(WipViews.view("mv_lot_count")).rows()).isEqualTo(1);
    database.execute("SELECT wip_view_recreate('mv_lot_names')");
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
  }

  @Test
  void the_history_goes_on() throws SQLException {
    assertThat(
            database.value(
                "SELECT count(*) >= 6 AND count(*) FILTER (WHERE outcome = 'failed') = 0"
                    + " FROM wip_view_history"))
        .isEqualTo("t");
  }

  @Thorough
  @Test
  void a_second_update_has_nothing_to_do() throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);

    WipViewsMigration.of(database.dataSource()).update();

    assertThat(CatalogSnapshot.differences(CatalogSnapshot.of(database), before)).isEmpty();
  }
}
