-- mv_wip_status_dashboard: where the work of each open lot stands. One row per lot that is CREATED, IN_PROGRESS or
-- COMPLETED, with or without items.
--
-- The casts leave no operator to be looked for outside the system's own, where another role may have put one.
--
-- Items are aggregated lot by lot, through the index on wip_items (lot_id), before anything is joined: the cost
-- follows the open lots, not the closed ones. Where an item is that is not done, wip_item_station says.

-- A refresh rewrites every row: what it leaves behind is cleared in one go, before the next one comes, and without the
-- truncation, for which readers would have to wait.
CREATE MATERIALIZED VIEW mv_wip_status_dashboard
WITH (autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false) AS
-- One reading of the clock for the whole view. now() will not do: it is the start of the caller's transaction, which
-- may have waited for its turn.
WITH clock AS MATERIALIZED (
  SELECT clock_timestamp() AS now
),
begun AS (
  SELECT
    lot_id,
    count(*) FILTER (WHERE NOT has_failed) AS in_progress,
    count(*) FILTER (WHERE has_failed) AS failed,
    count(*) FILTER (WHERE process_number = 1) AS at_process_1,
    count(*) FILTER (WHERE process_number = 2) AS at_process_2,
    count(*) FILTER (WHERE process_number = 3) AS at_process_3,
    count(*) FILTER (WHERE process_number = 4) AS at_process_4,
    count(*) FILTER (WHERE process_number = 5) AS at_process_5,
    count(*) FILTER (WHERE process_number = 6) AS at_process_6
  FROM wip_item_station
  GROUP BY lot_id
)
SELECT
  l.id AS lot_id,
  l.lot_number,
  l.product_model_id,
  l.production_date,
  l.status AS lot_status,
  i.total AS total_wip_count,
  i.created AS created_count,
  coalesce(begun.in_progress, 0) AS in_progress_count,
  i.completed AS completed_count,
  coalesce(begun.failed, 0) AS failed_count,
  coalesce(begun.at_process_1, 0) AS at_process_1_count,
  coalesce(begun.at_process_2, 0) AS at_process_2_count,
  coalesce(begun.at_process_3, 0) AS at_process_3_count,
  coalesce(begun.at_process_4, 0) AS at_process_4_count,
  coalesce(begun.at_process_5, 0) AS at_process_5_count,
  coalesce(begun.at_process_6, 0) AS at_process_6_count,
  (100.0 * i.completed::numeric / nullif(i.total, 0)::numeric)::numeric(5, 2) AS completion_rate_pct,
  (100.0 * coalesce(begun.failed, 0)::numeric / nullif(i.total, 0)::numeric)::numeric(5, 2) AS failure_rate_pct,
  round(extract(epoch FROM i.cycle_time)::numeric / nullif(i.total, 0)::numeric)::integer AS avg_cycle_time_seconds,
  i.first_created_at AS first_wip_created_at,
  i.last_completed_at AS last_wip_completed_at,
  clock.now AS last_refreshed_at,
  i.converted AS converted_count
FROM clock
CROSS JOIN lots AS l
CROSS JOIN LATERAL (
  SELECT
    count(*) AS total,
    count(*) FILTER (WHERE item.status::text = 'CREATED') AS created,
    -- a unit that got its serial has not un-completed
    count(*) FILTER (WHERE item.status::text IN ('COMPLETED', 'CONVERTED')) AS completed,
    -- one MES sets the status, another the serial alone
    count(*) FILTER (WHERE item.status::text = 'CONVERTED' OR item.serial_id IS NOT NULL) AS converted,
    -- of intervals, which keeps microseconds exact and costs a quarter of a sum of numerics
    sum(coalesce(item.completed_at, item.converted_at, clock.now) - item.created_at) AS cycle_time,
    min(item.created_at) AS first_created_at,
    max(coalesce(item.completed_at, item.converted_at)) AS last_completed_at
  FROM wip_items AS item
  WHERE item.lot_id = l.id
) AS i
LEFT JOIN begun ON begun.lot_id = l.id
WHERE l.status::text IN ('CREATED', 'IN_PROGRESS', 'COMPLETED');

CREATE UNIQUE INDEX mv_wip_status_dashboard_lot_id_idx ON mv_wip_status_dashboard (lot_id);

COMMENT ON MATERIALIZED VIEW mv_wip_status_dashboard IS 'Where the work of each open lot stands: one row per lot that is CREATED, IN_PROGRESS or COMPLETED, with or without items.';
COMMENT ON COLUMN mv_wip_status_dashboard.lot_id IS 'lots.id; one row each.';
COMMENT ON COLUMN mv_wip_status_dashboard.lot_number IS 'The lot''s number on the floor.';
COMMENT ON COLUMN mv_wip_status_dashboard.product_model_id IS 'What the lot makes.';
COMMENT ON COLUMN mv_wip_status_dashboard.production_date IS 'Day for which the lot was planned.';
COMMENT ON COLUMN mv_wip_status_dashboard.lot_status IS 'CREATED, IN_PROGRESS or COMPLETED.';
COMMENT ON COLUMN mv_wip_status_dashboard.total_wip_count IS 'Items of the lot, whatever their status.';
COMMENT ON COLUMN mv_wip_status_dashboard.created_count IS 'Items that no station has begun.';
COMMENT ON COLUMN mv_wip_status_dashboard.in_progress_count IS 'Items that have begun, are not done and have not failed.';
COMMENT ON COLUMN mv_wip_status_dashboard.completed_count IS 'Items through processes 1 to 6: COMPLETED or CONVERTED.';
COMMENT ON COLUMN mv_wip_status_dashboard.failed_count IS 'Items whose status is FAILED or whose newest history row says FAIL. Created, in progress, completed and failed add up to the total.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_1_count IS 'Items now at process 1, waiting, in work or failed; wip_item_station says where an item is.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_2_count IS 'Items now at process 2, waiting, in work or failed; wip_item_station says where an item is.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_3_count IS 'Items now at process 3, waiting, in work or failed; wip_item_station says where an item is.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_4_count IS 'Items now at process 4, waiting, in work or failed; wip_item_station says where an item is.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_5_count IS 'Items now at process 5, waiting, in work or failed; wip_item_station says where an item is.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_6_count IS 'Items now at process 6, waiting, in work or failed; wip_item_station says where an item is.';
COMMENT ON COLUMN mv_wip_status_dashboard.completion_rate_pct IS 'completed_count of total_wip_count in percent; null without items.';
COMMENT ON COLUMN mv_wip_status_dashboard.failure_rate_pct IS 'failed_count of total_wip_count in percent; null without items.';
COMMENT ON COLUMN mv_wip_status_dashboard.avg_cycle_time_seconds IS 'Mean seconds from creation to completion or serial, or to last_refreshed_at for items not done; null without items.';
COMMENT ON COLUMN mv_wip_status_dashboard.first_wip_created_at IS 'When the lot''s first item was created.';
COMMENT ON COLUMN mv_wip_status_dashboard.last_wip_completed_at IS 'When an item of the lot was last completed, or got its serial where the MES writes only that.';
COMMENT ON COLUMN mv_wip_status_dashboard.last_refreshed_at IS 'When this view was refreshed; the same on every row.';
COMMENT ON COLUMN mv_wip_status_dashboard.converted_count IS 'Items that got their serial, by status or by serial_id.';
