-- mv_process_wip_queue: what waits at each station, and how fast it goes through. One row per active process 1 to 6,
-- also an idle one.
--
-- The casts leave no operator to be looked for outside the system's own, where another role may have put one.
--
-- The trap is to join items and history in one query: every item meets every execution, and the figures multiply.
-- Each side is aggregated on its own, by index, before the two meet: the cost follows the open work and the last
-- hour, not the history. Where an item is, wip_item_station says.

-- A refresh rewrites every row: what it leaves behind is cleared in one go, before the next one comes, and without the
-- truncation, for which readers would have to wait.
CREATE MATERIALIZED VIEW mv_process_wip_queue
WITH (autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false) AS
-- One reading of the clock for the whole view. now() will not do: it is the start of the caller's transaction, which
-- may have waited for its turn.
WITH clock AS MATERIALIZED (
  SELECT clock_timestamp() AS now
),
queue AS (
  SELECT
    w.process_id,
    count(*) AS items,
    count(*) FILTER (WHERE NOT w.has_failed) AS in_progress,
    count(*) FILTER (WHERE w.has_failed) AS failed,
    -- of intervals, which keeps microseconds exact and costs a quarter of a sum of numerics
    sum(clock.now - w.since) AS wait,
    min(w.since) AS oldest,
    count(DISTINCT w.lot_id) AS lots
  FROM clock
  CROSS JOIN wip_item_station AS w
  GROUP BY w.process_id
),
last_hour AS (
  SELECT
    h.process_id,
    count(*) AS completed,
    count(*) FILTER (WHERE h.result::text = 'PASS') AS passed,
    count(*) FILTER (WHERE h.result::text = 'FAIL') AS failed,
    sum(h.duration_seconds) AS duration_seconds,
    -- not every MES writes duration_seconds
    sum(h.completed_at - h.started_at) FILTER (WHERE h.duration_seconds IS NULL) AS duration
  FROM clock
  CROSS JOIN wip_process_history AS h
  WHERE h.completed_at > clock.now - interval '1 hour'
    AND h.completed_at <= clock.now
    -- Implied by the first condition, since now() is never the later of the two; only now() can the planner turn
    -- into an estimate, and it takes the index for a narrow one.
    AND h.completed_at > now() - interval '1 hour'
  GROUP BY h.process_id
)
SELECT
  p.id AS process_id,
  p.process_number,
  p.process_code,
  p.process_name_en,
  p.process_name_ko,
  p.estimated_duration_seconds,
  coalesce(queue.items, 0) AS wip_count_at_process,
  coalesce(queue.in_progress, 0) AS in_progress_count,
  coalesce(queue.failed, 0) AS failed_count,
  round(extract(epoch FROM queue.wait)::numeric / queue.items::numeric)::integer AS avg_wait_time_seconds,
  round(extract(epoch FROM clock.now - queue.oldest)::numeric)::integer AS max_wait_time_seconds,
  queue.oldest AS oldest_wip_timestamp,
  coalesce(last_hour.completed, 0) AS completed_last_hour,
  coalesce(last_hour.passed, 0) AS passed_last_hour,
  coalesce(last_hour.failed, 0) AS failed_last_hour,
  (100.0 * last_hour.passed::numeric / last_hour.completed::numeric)::numeric(5, 2) AS pass_rate_last_hour_pct,
  round(
    (coalesce(last_hour.duration_seconds, 0) + coalesce(extract(epoch FROM last_hour.duration), 0))::numeric
      / last_hour.completed::numeric
  )::integer AS avg_process_duration_last_hour_seconds,
  round((coalesce(queue.items, 0) * p.estimated_duration_seconds)::numeric / 3600.0, 2) AS estimated_queue_time_hours,
  coalesce(queue.lots, 0) AS lot_count_in_queue,
  coalesce(clock.now - queue.oldest > settings.stuck_after, false) AS has_stuck_wip,
  coalesce(queue.items > settings.bottleneck_above, false) AS is_bottleneck,
  clock.now AS last_refreshed_at
FROM clock
CROSS JOIN wip_view_settings AS settings
CROSS JOIN processes AS p
LEFT JOIN queue ON queue.process_id = p.id
LEFT JOIN last_hour ON last_hour.process_id = p.id
WHERE p.is_active
  AND p.process_number BETWEEN 1 AND 6;

CREATE UNIQUE INDEX mv_process_wip_queue_process_id_idx ON mv_process_wip_queue (process_id);

COMMENT ON MATERIALIZED VIEW mv_process_wip_queue IS 'What waits at each station and how fast it goes through: one row per active process 1 to 6, also an idle one.';
COMMENT ON COLUMN mv_process_wip_queue.process_id IS 'processes.id; one row each.';
COMMENT ON COLUMN mv_process_wip_queue.process_number IS 'Number of the station, 1 to 6.';
COMMENT ON COLUMN mv_process_wip_queue.process_code IS 'Code of the station.';
COMMENT ON COLUMN mv_process_wip_queue.process_name_en IS 'Name of the station in English.';
COMMENT ON COLUMN mv_process_wip_queue.process_name_ko IS 'Name of the station in Korean.';
COMMENT ON COLUMN mv_process_wip_queue.estimated_duration_seconds IS 'Planned seconds for an item; null where nobody planned any.';
COMMENT ON COLUMN mv_process_wip_queue.wip_count_at_process IS 'Items now at the station, waiting, in work or failed; wip_item_station says where an item is.';
COMMENT ON COLUMN mv_process_wip_queue.in_progress_count IS 'Of these, those that have not failed.';
COMMENT ON COLUMN mv_process_wip_queue.failed_count IS 'Of these, those whose status is FAILED or whose newest history row says FAIL.';
COMMENT ON COLUMN mv_process_wip_queue.avg_wait_time_seconds IS 'Mean seconds that these items have been at the station; null when idle.';
COMMENT ON COLUMN mv_process_wip_queue.max_wait_time_seconds IS 'Seconds since oldest_wip_timestamp; null when idle.';
COMMENT ON COLUMN mv_process_wip_queue.oldest_wip_timestamp IS 'Since when the item that has been at the station longest is there; null when idle.';
COMMENT ON COLUMN mv_process_wip_queue.completed_last_hour IS 'Executions completed within the hour before last_refreshed_at; the next three and the mean duration are over the same rows.';
COMMENT ON COLUMN mv_process_wip_queue.passed_last_hour IS 'Of these, those with result PASS.';
COMMENT ON COLUMN mv_process_wip_queue.failed_last_hour IS 'Of these, those with result FAIL.';
COMMENT ON COLUMN mv_process_wip_queue.pass_rate_last_hour_pct IS 'passed_last_hour of completed_last_hour in percent; null when there were none.';
COMMENT ON COLUMN mv_process_wip_queue.avg_process_duration_last_hour_seconds IS 'Mean seconds of these executions; null when there were none.';
COMMENT ON COLUMN mv_process_wip_queue.estimated_queue_time_hours IS 'wip_count_at_process times estimated_duration_seconds, in hours; null where nobody planned a duration.';
COMMENT ON COLUMN mv_process_wip_queue.lot_count_in_queue IS 'Lots that these items belong to.';
COMMENT ON COLUMN mv_process_wip_queue.has_stuck_wip IS 'Whether an item has waited longer than wip_view_settings.stuck_after.';
COMMENT ON COLUMN mv_process_wip_queue.is_bottleneck IS 'Whether there are more items than wip_view_settings.bottleneck_above.';
COMMENT ON COLUMN mv_process_wip_queue.last_refreshed_at IS 'When this view was refreshed; the same on every row.';
