package com.f2x.neurohub.wipviews.bench;

/** The views as one writes them first: everything joined, then grouped. The figures are right. */
final class Straightforward {

  /**
   * One join of processes, items and history: every item of a station meets every execution there,
   * which the DISTINCT takes back. Means are those of the multiplied rows, and so the same.
   */
  static final String QUEUE =
      """
      SELECT
        p.id AS process_id,
        count(DISTINCT w.id) AS wip_count_at_process,
        count(DISTINCT w.id) FILTER (WHERE w.status = 'IN_PROGRESS') AS in_progress_count,
        count(DISTINCT w.id) FILTER (WHERE w.status = 'FAILED') AS failed_count,
        round(avg(extract(epoch FROM clock.now - w.updated_at)), 2) AS avg_wait_time_seconds,
        round(max(extract(epoch FROM clock.now - w.updated_at)), 2) AS max_wait_time_seconds,
        min(w.updated_at) AS oldest_wip_timestamp,
        count(DISTINCT h.id) FILTER (WHERE h.completed_at > clock.now - interval '1 hour')
          AS completed_last_hour,
        count(DISTINCT h.id) FILTER (WHERE h.completed_at > clock.now - interval '1 hour' AND h.result = 'PASS')
          AS passed_last_hour,
        count(DISTINCT h.id) FILTER (WHERE h.completed_at > clock.now - interval '1 hour' AND h.result = 'FAIL')
          AS failed_last_hour,
        round(avg(h.duration_seconds) FILTER (WHERE h.completed_at > clock.now - interval '1 hour'), 2)
          AS avg_process_duration_last_hour_seconds,
        count(DISTINCT w.lot_id) AS lot_count_in_queue
      FROM (SELECT %s AS now) AS clock
      CROSS JOIN processes AS p
      LEFT JOIN wip_items AS w ON w.current_process_id = p.id AND w.status IN ('IN_PROGRESS', 'FAILED')
      LEFT JOIN wip_process_history AS h ON h.process_id = p.id AND h.completed_at <= clock.now
      WHERE p.is_active AND p.process_number <= 6
      GROUP BY p.id, clock.now
      """;

  /** The columns of {@link #QUEUE}, in the view. */
  static final String QUEUE_COLUMNS =
      "process_id, wip_count_at_process, in_progress_count, failed_count, avg_wait_time_seconds,"
          + " max_wait_time_seconds, oldest_wip_timestamp, completed_last_hour, passed_last_hour,"
          + " failed_last_hour, avg_process_duration_last_hour_seconds, lot_count_in_queue";

  private static final String LOTS =
      """
      SELECT
        l.id AS lot_id,
        l.lot_number,
        l.product_model_id,
        l.production_date,
        l.status AS lot_status,
        count(w.id) AS total_wip_count,
        count(*) FILTER (WHERE w.status = 'CREATED') AS created_count,
        count(*) FILTER (WHERE w.status = 'IN_PROGRESS') AS in_progress_count,
        count(*) FILTER (WHERE w.status IN ('COMPLETED', 'CONVERTED')) AS completed_count,
        count(*) FILTER (WHERE w.status = 'CONVERTED') AS converted_count,
        count(*) FILTER (WHERE w.status = 'FAILED') AS failed_count,
        count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 1) AS at_process_1_count,
        count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 2) AS at_process_2_count,
        count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 3) AS at_process_3_count,
        count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 4) AS at_process_4_count,
        count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 5) AS at_process_5_count,
        count(*) FILTER (WHERE w.status IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 6) AS at_process_6_count,
        round(avg(extract(epoch FROM coalesce(w.completed_at, %s) - w.created_at)), 2) AS avg_cycle_time_seconds,
        min(w.created_at) AS first_wip_created_at,
        max(w.completed_at) AS last_wip_completed_at
      FROM lots AS l
      LEFT JOIN wip_items AS w ON w.lot_id = l.id
      LEFT JOIN processes AS p ON p.id = w.current_process_id
      """;

  private static final String BY_LOT =
      "GROUP BY l.id, l.lot_number, l.product_model_id, l.production_date, l.status";

  /** Joins and groups all items, then leaves out the closed lots. */
  static final String DASHBOARD_OF_ALL =
      "SELECT * FROM (" + LOTS + BY_LOT + " OFFSET 0) AS lot WHERE lot_status <> 'CLOSED'";

  /** Leaves it to the planner to begin with the open lots. */
  static final String DASHBOARD =
      LOTS + "WHERE l.status IN ('CREATED', 'IN_PROGRESS', 'COMPLETED') " + BY_LOT;

  /** The columns of {@link #DASHBOARD}, in the view. */
  static final String DASHBOARD_COLUMNS =
      "lot_id, lot_number, product_model_id, production_date, lot_status, total_wip_count,"
          + " created_count, in_progress_count, completed_count, converted_count, failed_count,"
          + " at_process_1_count, at_process_2_count, at_process_3_count, at_process_4_count,"
          + " at_process_5_count, at_process_6_count, avg_cycle_time_seconds,"
          + " first_wip_created_at, last_wip_completed_at";

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
