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
        "CREATE ROLE \"adoption-screen\"",
        """
        CREATE MATERIALIZED VIEW mv_process_wip_queue AS
        SELECT p.id AS process_id, p.process_number, p.process_code, count(w.id) AS wip_count_at_process,
          avg(extract(epoch FROM now() - w.updated_at))::integer AS avg_wait_time_seconds,
          now() AS last_refreshed_at
        FROM processes p LEFT JOIN wip_items w ON w.current_process_id = p.id
        GROUP BY p.id
        """,
        "CREATE UNIQUE INDEX idx_mv_process_wip_queue_pk ON mv_process_wip_queue (process_id)",
        "CREATE INDEX idx_mv_process_wip_queue_code ON mv_process_wip_queue (process_code)",
        """
        CREATE MATERIALIZED VIEW mv_wip_status_dashboard AS
        SELECT l.id AS lot_id, l.lot_number, now() AS last_refreshed_at FROM lots l
        """,
        "CREATE UNIQUE INDEX idx_mv_wip_status_dashboard_pk ON mv_wip_status_dashboard (lot_id)",
        """
        CREATE FUNCTION refresh_process_wip_queue() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN REFRESH MATERIALIZED VIEW CONCURRENTLY mv_process_wip_queue; END $$
        """,
        """
        CREATE FUNCTION refresh_wip_status_dashboard() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN REFRESH MATERIALIZED VIEW CONCURRENTLY mv_wip_status_dashboard; END $$
        """,
        """
        CREATE FUNCTION refresh_all_wip_views() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN PERFORM refresh_wip_status_dashboard(); PERFORM refresh_process_wip_queue(); END $$
        """,
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
  void the_indexes_made_by_hand_are_gone_with_the_old_view() throws SQLException {
    assertThat(
            database.rows(
                "SELECT indexrelid::regclass FROM pg_index WHERE indrelid ="
                    + " 'mv_process_wip_queue'::regclass"))
        .containsExactly(java.util.List.of("mv_process_wip_queue_process_id_idx"));
  }

  @Test
  void a_second_update_changes_nothing() throws SQLException {
    String before = database.value("SELECT 'mv_process_wip_queue'::regclass::oid");
    WipViewsMigration.of(database.dataSource()).update();
    assertThat(database.value("SELECT 'mv_process_wip_queue'::regclass::oid")).isEqualTo(before);
  }
}
