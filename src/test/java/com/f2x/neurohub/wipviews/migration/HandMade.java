package com.f2x.neurohub.wipviews.migration;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;

/** The views and functions of the guide as they were made by hand, on an older MES. */
final class HandMade {

  private HandMade() {}

  static void in(TestDatabase database) throws SQLException {
    database.execute(
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
        SELECT l.id AS lot_id, l.lot_number, 'A'::varchar(1) AS shift, now() AS last_refreshed_at
        FROM lots l
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
        """);
  }
}
