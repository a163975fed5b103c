-- mv_wip_status_dashboard: where the work of each open lot stands. One row per lot that is CREATED, IN_PROGRESS or
-- COMPLETED, with or without items.
--
-- The casts leave no operator to be looked for outside the system's own, where another role may have put one.
--
-- Items are aggregated lot by lot, through the index on wip_items (lot_id), before anything is joined: the cost
-- follows the open lots, not the closed ones.

-- A refresh rewrites every row: what it leaves behind is cleared in one go, before the next one comes, and without the
-- truncation, for which readers would have to wait.
CREATE MATERIALIZED VIEW mv_wip_status_dashboard
WITH (autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false) AS
-- One reading of the clock for the whole view. now() will not do: it is the start of the caller's transaction, which
-- may have waited for its turn.
WITH clock AS MATERIALIZED (
  SELECT clock_timestamp() AS now
)
SELECT
  l.id AS lot_id,
  l.lot_number,
  l.product_model_id,
  l.production_date,
  l.status AS lot_status,
  i.total AS total_wip_count,
  i.created AS created_count,
  i.in_progress AS in_progress_count,
  i.completed AS completed_count,
  i.converted AS converted_count,
  i.failed AS failed_count,
  i.at_process_1 AS at_process_1_count,
  i.at_process_2 AS at_process_2_count,
  i.at_process_3 AS at_process_3_count,
  i.at_process_4 AS at_process_4_count,
  i.at_process_5 AS at_process_5_count,
  i.at_process_6 AS at_process_6_count,
  (100.0 * i.completed::numeric / nullif(i.total, 0)::numeric)::numeric(5, 2) AS completion_rate_pct,
  (100.0 * i.failed::numeric / nullif(i.total, 0)::numeric)::numeric(5, 2) AS failure_rate_pct,
  round(extract(epoch FROM i.cycle_time)::numeric / nullif(i.total, 0)::numeric, 2) AS avg_cycle_time_seconds,
  i.first_created_at AS first_wip_created_at,
  i.last_completed_at AS last_wip_completed_at,
  clock.now AS last_refreshed_at
FROM clock
CROSS JOIN lots AS l
CROSS JOIN LATERAL (
  SELECT
    coalesce(sum(w.items), 0) AS total,
    coalesce(sum(w.items) FILTER (WHERE w.status::text = 'CREATED'), 0) AS created,
    coalesce(sum(w.items) FILTER (WHERE w.status::text = 'IN_PROGRESS'), 0) AS in_progress,
    -- a unit that got its serial has not un-completed
    coalesce(sum(w.items) FILTER (WHERE w.status::text IN ('COMPLETED', 'CONVERTED')), 0) AS completed,
    coalesce(sum(w.items) FILTER (WHERE w.status::text = 'CONVERTED'), 0) AS converted,
    coalesce(sum(w.items) FILTER (WHERE w.status::text = 'FAILED'), 0) AS failed,
    coalesce(sum(w.items) FILTER (WHERE w.status::text IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 1), 0) AS at_process_1,
    coalesce(sum(w.items) FILTER (WHERE w.status::text IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 2), 0) AS at_process_2,
    coalesce(sum(w.items) FILTER (WHERE w.status::text IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 3), 0) AS at_process_3,
    coalesce(sum(w.items) FILTER (WHERE w.status::text IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 4), 0) AS at_process_4,
    coalesce(sum(w.items) FILTER (WHERE w.status::text IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 5), 0) AS at_process_5,
    coalesce(sum(w.items) FILTER (WHERE w.status::text IN ('IN_PROGRESS', 'FAILED') AND p.process_number = 6), 0) AS at_process_6,
    -- of intervals, which keeps microseconds exact and costs a quarter of a sum of numerics
    sum(w.cycle_time) AS cycle_time,
    min(w.first_created_at) AS first_created_at,
    max(w.last_completed_at) AS last_completed_at
  FROM (
    -- First by status and station, of which a lot has a handful: all that is counted apart is then counted over
    -- those, not over a hundred items.
    SELECT
      item.status,
      item.current_process_id,
      count(*)::integer AS items,
      sum(coalesce(item.completed_at, clock.now) - item.created_at) AS cycle_time,
      min(item.created_at) AS first_created_at,
      max(item.completed_at) AS last_completed_at
    FROM wip_items AS item
    WHERE item.lot_id = l.id
    GROUP BY item.status, item.current_process_id
  ) AS w
  -- at most one process an item: nothing is multiplied
  LEFT JOIN processes AS p ON p.id = w.current_process_id
) AS i
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
COMMENT ON COLUMN mv_wip_status_dashboard.in_progress_count IS 'Items that are IN_PROGRESS.';
COMMENT ON COLUMN mv_wip_status_dashboard.completed_count IS 'Items through processes 1 to 6: COMPLETED or CONVERTED.';
COMMENT ON COLUMN mv_wip_status_dashboard.converted_count IS 'Items that got their serial; also in completed_count.';
COMMENT ON COLUMN mv_wip_status_dashboard.failed_count IS 'Items that failed and wait for rework.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_1_count IS 'Items now at process 1: IN_PROGRESS or FAILED.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_2_count IS 'Items now at process 2: IN_PROGRESS or FAILED.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_3_count IS 'Items now at process 3: IN_PROGRESS or FAILED.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_4_count IS 'Items now at process 4: IN_PROGRESS or FAILED.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_5_count IS 'Items now at process 5: IN_PROGRESS or FAILED.';
COMMENT ON COLUMN mv_wip_status_dashboard.at_process_6_count IS 'Items now at process 6: IN_PROGRESS or FAILED.';
COMMENT ON COLUMN mv_wip_status_dashboard.completion_rate_pct IS 'completed_count of total_wip_count in percent; null without items.';
COMMENT ON COLUMN mv_wip_status_dashboard.failure_rate_pct IS 'failed_count of total_wip_count in percent; null without items.';
COMMENT ON COLUMN mv_wip_status_dashboard.avg_cycle_time_seconds IS 'Mean seconds from creation to completion, or to last_refreshed_at for items not completed; null without items.';
COMMENT ON COLUMN mv_wip_status_dashboard.first_wip_created_at IS 'When the lot''s first item was created.';
COMMENT ON COLUMN mv_wip_status_dashboard.last_wip_completed_at IS 'When an item of the lot was last completed.';
COMMENT ON COLUMN mv_wip_status_dashboard.last_refreshed_at IS 'When this view was refreshed; the same on every row.';
