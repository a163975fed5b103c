package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A database where all of it was made by hand is taken over by one update. */
class AdoptionTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.mes();

  @BeforeAll
  static void made_by_hand_then_taken_over() throws SQLException {
    database.execute(
        "DROP ROLE IF EXISTS adoption_app",
        "CREATE ROLE adoption_app",
        "DROP ROLE IF EXISTS \"adoption-screen\"",
        "CREATE ROLE \"adoption-screen\"");
    HandMade.in(database);
    database.execute(
        "GRANT EXECUTE ON FUNCTION refresh_all_wip_views() TO adoption_app",
        "GRANT SELECT ON mv_process_wip_queue TO \"adoption-screen\"",
        "CREATE VIEW long_waits AS SELECT process_code, avg_wait_time_seconds FROM"
            + " mv_process_wip_queue",
        "GRANT SELECT ON long_waits TO \"adoption-screen\"");

    WipViewsMigration.of(database.dataSource()).update();
  }

  @Test
  void the_views_are_ours_and_refresh() {
    assertThat(WipViews.of(database.dataSource()).refreshAll())
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
  }

  @Test
  void grants_on_views_and_on_functions_are_kept() throws SQLException {
    assertThat(
            database.value(
                """
                SELECT has_table_privilege('adoption-screen', 'mv_process_wip_queue', 'SELECT')
                  AND has_table_privilege('adoption-screen', 'long_waits', 'SELECT')
                  AND has_function_privilege('adoption_app', 'refresh_all_wip_views()', 'EXECUTE')
                """))
        .isEqualTo("t");
  }

  @Test
  void everybody_may_no_longer_refresh() throws SQLException {
    assertThat(
            database.value(
                "SELECT has_function_privilege('adoption-screen', 'refresh_all_wip_views()',"
                    + " 'EXECUTE')"))
        .isEqualTo("f");
  }

  @Test
  void dependants_read_the_new_view() throws SQLException {
    database.execute("SELECT refresh_all_wip_views()");
    assertThat(database.value("SELECT count(*) FROM long_waits")).isEqualTo("6");
  }

  @Test
  void an_index_made_by_hand_is_kept_but_not_twice() throws SQLException {
    assertThat(
            database.rows(
                "SELECT indexrelid::regclass FROM pg_index WHERE indrelid ="
                    + " 'mv_process_wip_queue'::regclass ORDER BY 1"))
        .extracting(row -> row.get(0))
        .containsExactlyInAnyOrder(
            "mv_process_wip_queue_process_id_idx", "idx_mv_process_wip_queue_code");
  }

  @Test
  void a_second_update_changes_nothing() throws SQLException {
    String before = database.value("SELECT 'mv_process_wip_queue'::regclass::oid");
    WipViewsMigration.of(database.dataSource()).update();
    assertThat(database.value("SELECT 'mv_process_wip_queue'::regclass::oid")).isEqualTo(before);
  }
}
