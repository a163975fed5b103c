package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A frozen database that pg_dump has dumped on PostgreSQL 14, restored on the server of the tests.
 *
 * <p>Both views and wip_item_station are frozen, and wip_items.status was retyped since then. A
 * view {@code board} and a materialized view {@code busiest} hang on the dashboard, an index {@code
 * by_hand_idx} and grants to pg_monitor on the views.
 */
@Thorough
class RestoredFreezeTest {

  private static final TestDatabase RESTORED = TestDatabase.empty();

  private final TestDatabase database = TestDatabase.copyOf(RESTORED);
  private final WipViews views = WipViews.of(database.dataSource());
  private final WipViewsMigration migration = WipViewsMigration.of(database.dataSource());

  @BeforeAll
  static void restore() throws Exception {
    RESTORED.create();
    try (InputStream dump =
        new GZIPInputStream(
            RestoredFreezeTest.class.getResourceAsStream("/upgrade/frozen.sql.gz"))) {
      RESTORED.execute(new String(dump.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  @AfterAll
  static void dropIt() throws SQLException {
    RESTORED.drop();
  }

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private void assertThatItServes(State state) throws SQLException {
    assertThat(views.freshness()).hasSize(2).extracting(Freshness::state).containsOnly(state);
    assertThat(database.rows("SELECT lot_number, at_process_2_count FROM board ORDER BY 1"))
        .containsExactly(List.of("L1", "3"), List.of("L2", "0"));
    assertThat(database.value("SELECT items FROM busiest")).isEqualTo("3");
    assertThat(database.value("SELECT count(*) FROM wip_item_station")).isEqualTo("6");
    assertThat(
            database.value(
                "SELECT has_table_privilege('pg_monitor', 'mv_wip_status_dashboard', 'SELECT')"
                    + " AND has_column_privilege('pg_monitor', 'mv_process_wip_queue',"
                    + " 'process_id', 'SELECT WITH GRANT OPTION')"
                    + " AND to_regclass('by_hand_idx') IS NOT NULL"))
        .isEqualTo("t");
  }

  @Test
  void it_is_frozen_with_all_its_rows() throws SQLException {
    assertThatItServes(State.FROZEN);

    assertThat(views.refreshAll()).extracting(Refresh::outcome).containsOnly(Outcome.FROZEN);
  }

  @Test
  void an_update_leaves_it_frozen_and_a_thaw_ends_that() throws SQLException {
    migration.update();
    assertThatItServes(State.FROZEN);

    assertThat(migration.thaw(List.of()))
        .containsExactly("wip_item_station", "mv_wip_status_dashboard", "mv_process_wip_queue");

    assertThatItServes(State.FRESH);
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
    assertThat(database.rows("SELECT relname FROM pg_class WHERE relname ~ '^wip_view_copy_'"))
        .isEmpty();
    database.execute("UPDATE wip_items SET status = 'FAILED' WHERE wip_id = 'WIP-L2-1'");
    assertThat(views.refreshAll()).extracting(Refresh::outcome).containsOnly(Outcome.REFRESHED);
  }
}
