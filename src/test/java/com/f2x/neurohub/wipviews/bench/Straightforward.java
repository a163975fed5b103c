package com.f2x.neurohub.wipviews.bench;

/** The views as one writes them first: everything joined, then grouped. The figures are right. */
final class Straightforward {

  /** Every item with the station where it is, from the newest of all rows of the history. */
  private static final String PLACED =
      """
      SELECT
        item.*,
        item.status = 'FAILED' OR coalesce(newest.result = 'FAIL', false) AS has_failed,
        coalesce(newest.completed_at, newest.started_at, item.created_at) AS since,
        CASE
          WHEN item.status NOT IN ('IN_PROGRESS', 'FAILED') THEN NULL
          WHEN newest.result = 'PASS' AND newest.completed_at IS NOT NULL THEN
            (SELECT min(p.process_number) FROM processes AS p
             WHERE p.is_active AND p.process_number <= 6 AND p.process_number > (SELECT q.process_number FROM processes AS q WHERE q.id = newest.process_id))
          ELSE
            (SELECT p.process_number FROM processes AS p WHERE p.process_number <= 6 AND p.id = coalesce(newest.process_id, item.current_process_id, 1))
        END AS station
      FROM wip_items AS item
      LEFT JOIN (
        SELECT DISTINCT ON (h.wip_item_id) h.*
        FROM wip_process_history AS h
        ORDER BY h.wip_item_id, h.started_at DESC, h.id DESC
      ) AS newest ON newest.wip_item_id = item.id
      """;

  /**
   * One join of processes, items and history: every item of a station meets every execution there,
   * which the DISTINCT takes back. Means are those of the multiplied rows, and so the same.
   */
  static final String QUEUE =
      """
      SELECT
        p.id AS process_id,
        count(DISTINCT w.id) AS wip_count_at_process,
        count(DISTINCT w.id) FILTER (WHERE NOT w.has_failed) AS in_progress_count,
        count(DISTINCT w.id) FILTER (WHERE w.has_failed) AS failed_count,
        round(avg(extract(epoch FROM clock.now - w.since)))::integer AS avg_wait_time_seconds,
        round(max(extract(epoch FROM clock.now - w.since)))::integer AS max_wait_time_seconds,
        min(w.since) AS oldest_wip_timestamp,
        count(DISTINCT h.id) FILTER (WHERE h.completed_at > clock.now - interval '1 hour')
          AS completed_last_hour,
        count(DISTINCT h.id) FILTER (WHERE h.completed_at > clock.now - interval '1 hour' AND h.result = 'PASS')
          AS passed_last_hour,
        count(DISTINCT h.id) FILTER (WHERE h.completed_at > clock.now - interval '1 hour' AND h.result = 'FAIL')
          AS failed_last_hour,
        round(avg(h.duration_seconds) FILTER (WHERE h.completed_at > clock.now - interval '1 hour'))::integer
          AS avg_process_duration_last_hour_seconds,
        count(DISTINCT w.lot_id) AS lot_count_in_queue
      FROM (SELECT %s AS now) AS clock
      CROSS JOIN processes AS p
      LEFT JOIN (PLACED) AS w ON w.station = p.process_number AND w.status IN ('IN_PROGRESS', 'FAILED')
      LEFT JOIN wip_process_history AS h ON h.process_id = p.id AND h.completed_at <= clock.now
      WHERE p.is_active AND p.process_number <= 6
      GROUP BY p.id, clock.now
      """
          .replace("PLACED", PLACED);

  /** The columns of {@link #QUEUE}, in the view. */
  static final String QUEUE_COLUMNS =
      "process_id, wip_count_at_process, in_progress_count, failed_count, avg_wait_time_seconds,"
          + " max_wait_time_seconds, oldest_wip_timestamp, completed_last_hour, passed_last_hour,"
          + " failed_last_hour, avg_process_duration_last_hour_seconds, lot_count_in_queue";

  /** Joins and groups all items, then leaves out the closed lots. */
  static final String DASHBOARD =
      """
      SELECT * FROM (
        SELECT
          l.id AS lot_id,
          l.lot_number,
          l.product_model_id,
          l.production_date,
          l.status AS lot_status,
          count(w.id) AS total_wip_count,
          count(*) FILTER (WHERE w.status = 'CREATED') AS created_count,
          count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND NOT w.has_failed) AS in_progress_count,
          count(*) FILTER (WHERE w.status IN ('COMPLETED', 'CONVERTED')) AS completed_count,
          count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND w.has_failed) AS failed_count,
          count(*) FILTER (WHERE w.station = 1) AS at_process_1_count,
          count(*) FILTER (WHERE w.station = 2) AS at_process_2_count,
          count(*) FILTER (WHERE w.station = 3) AS at_process_3_count,
          count(*) FILTER (WHERE w.station = 4) AS at_process_4_count,
          count(*) FILTER (WHERE w.station = 5) AS at_process_5_count,
          count(*) FILTER (WHERE w.station = 6) AS at_process_6_count,
          round(avg(extract(epoch FROM coalesce(w.completed_at, w.converted_at, %s) - w.created_at)))::integer
            AS avg_cycle_time_seconds,
          min(w.created_at) AS first_wip_created_at,
          max(coalesce(w.completed_at, w.converted_at)) AS last_wip_completed_at,
          count(*) FILTER (WHERE w.status = 'CONVERTED' OR w.serial_id IS NOT NULL) AS converted_count
        FROM lots AS l
        LEFT JOIN (PLACED) AS w ON w.lot_id = l.id
        GROUP BY l.id, l.lot_number, l.product_model_id, l.production_date, l.status
        OFFSET 0
      ) AS lot
      WHERE lot_status <> 'CLOSED'
      """
          .replace("PLACED", PLACED);

  /** The columns of {@link #DASHBOARD}, in the view. */
  static final String DASHBOARD_COLUMNS =
      "lot_id, lot_number, product_model_id, production_date, lot_status, total_wip_count,"
          + " created_count, in_progress_count, completed_count, failed_count,"
          + " at_process_1_count, at_process_2_count, at_process_3_count, at_process_4_count,"
          + " at_process_5_count, at_process_6_count, avg_cycle_time_seconds,"
          + " first_wip_created_at, last_wip_completed_at, converted_count";

  private Straightforward() {}

  /** A query of these, for the moment at which a view was refreshed. */
  static String at(String query, String view) {
    return query.formatted("(SELECT max(last_refreshed_at) FROM " + view + ")");
  }

  /** A query of these, for now. */
  static String now(String query) {
    return query.formatted("now()");
  }
}
