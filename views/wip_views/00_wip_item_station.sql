-- wip_item_station: where each item is that has begun and is not done. One row per item that is IN_PROGRESS or FAILED.
-- Both materialized views count what this view says, and nothing else says where an item is.
--
-- Its newest history row decides, by started_at, then id:
--
--   PASS and completed                     it waits at the next active station, since completed_at;
--                                          after the last one it is at none
--   anything else (FAIL, REWORK, running)  it is at that row's station, since completed_at, or started_at while it runs
--   no row yet                             it is at the station in current_process_id, or else at the first active one,
--                                          since it was created
--
-- The history is the same in every form of the MES. current_process_id is not: here it is where the item was last,
-- there it is null whenever nobody works on it. Stations are the processes 1 to 6.
--
-- The casts leave no operator to be looked for outside the system's own, where another role may have put one.

CREATE OR REPLACE VIEW wip_item_station AS
WITH station AS (
  SELECT
    id,
    process_number,
    is_active
  FROM processes
  WHERE process_number BETWEEN 1 AND 6
),
-- From each process an item goes to a station: to the next active one if it passed, otherwise it stays.
move AS MATERIALIZED (
  SELECT
    p.id AS process_id,
    true AS passed,
    next.id AS station_id,
    next.process_number AS station_number
  FROM processes AS p
  LEFT JOIN LATERAL (
    SELECT
      station.id,
      station.process_number
    FROM station
    WHERE station.is_active
      AND station.process_number > p.process_number
    ORDER BY station.process_number
    LIMIT 1
  ) AS next ON true
  UNION ALL
  SELECT
    id,
    false,
    id,
    process_number
  FROM station
)
SELECT
  item.id AS wip_item_id,
  item.lot_id,
  move.station_id AS process_id,
  move.station_number AS process_number,
  coalesce(newest.completed_at, newest.started_at, item.created_at) AS since,
  item.status::text = 'FAILED' OR coalesce(newest.result::text = 'FAIL', false) AS has_failed
FROM wip_items AS item
-- The newest of the item's few rows, by the index on wip_item_id. LIMIT keeps the planner from joining the whole history;
-- OFFSET 0 keeps it from looking for the newest by the index on started_at, through the rows of all other items. id, which
-- only orders, comes last, so that the rows are sorted as they are read.
LEFT JOIN LATERAL (
  SELECT
    own.process_id,
    own.result,
    own.started_at,
    own.completed_at
  FROM (
    SELECT
      h.process_id,
      h.result,
      h.started_at,
      h.completed_at,
      h.id
    FROM wip_process_history AS h
    WHERE h.wip_item_id = item.id
    OFFSET 0
  ) AS own
  ORDER BY
    own.started_at DESC,
    own.id DESC
  LIMIT 1
) AS newest ON true
LEFT JOIN move
  ON move.process_id = coalesce(
    newest.process_id,
    item.current_process_id,
    (SELECT first.id FROM station AS first WHERE first.is_active ORDER BY first.process_number LIMIT 1)
  )
  AND move.passed = coalesce(newest.result::text = 'PASS' AND newest.completed_at IS NOT NULL, false)
WHERE item.status::text IN ('IN_PROGRESS', 'FAILED');

COMMENT ON VIEW wip_item_station IS 'Where each item is that has begun and is not done: one row per item that is IN_PROGRESS or FAILED. What both materialized views count, read live.';
COMMENT ON COLUMN wip_item_station.wip_item_id IS 'wip_items.id; one row each.';
COMMENT ON COLUMN wip_item_station.lot_id IS 'The lot of the item.';
COMMENT ON COLUMN wip_item_station.process_id IS 'The station where it is, processes.id; null when it is at none, such as after the last one.';
COMMENT ON COLUMN wip_item_station.process_number IS 'Number of that station, 1 to 6.';
COMMENT ON COLUMN wip_item_station.since IS 'Since when it is there.';
COMMENT ON COLUMN wip_item_station.has_failed IS 'Whether its status is FAILED or its newest history row says FAIL; otherwise it is in progress.';
