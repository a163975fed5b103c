-- The demo factory goes on: one step of production at the stations, after which comes lots.sql.
--
-- Everything happens at now(), the start of its transaction, and is written as the guide's MES writes it (see load.sql).
-- Each statement starts from an index: the step costs the same whatever the size of the history.


-- @produce_work
-- At every station the units that wait longest are done, the next two are begun. A station works
-- the faster the longer its queue is, each at its own rate, so that the queues stay as uneven as
-- they are and none runs dry. A unit fails at most once at a station. One that has waited for over
-- an hour was mislaid: it is found again when nothing else waits.
WITH place AS MATERIALIZED (
  -- Where a unit is follows from its newest execution, found by index; never a scan of the history.
  SELECT
    item.id AS item_id,
    item.updated_at,
    COALESCE(newest.completed_at, newest.started_at) AS arrived_at,
    COALESCE(newest.completed_at, newest.started_at) < now() - INTERVAL '1 hour' AS is_mislaid,
    process.process_number
      + CASE WHEN newest.result = 'PASS' AND newest.completed_at IS NOT NULL THEN 1 ELSE 0 END AS step
  FROM wip_items AS item
  CROSS JOIN LATERAL (
    SELECT own.*
    FROM (
      SELECT
        history.id,
        history.process_id,
        history.result,
        history.started_at,
        history.completed_at
      FROM wip_process_history AS history
      WHERE history.wip_item_id = item.id
      OFFSET 0
    ) AS own
    ORDER BY
      own.started_at DESC,
      own.id DESC
    LIMIT 1
  ) AS newest
  JOIN processes AS process ON process.id = newest.process_id
  WHERE item.status = 'IN_PROGRESS'
),
station AS MATERIALIZED (
  SELECT
    process.id AS process_id,
    process.process_number AS step,
    COALESCE(process.estimated_duration_seconds, 120) AS seconds,
    LEAST(
      12,
      CEIL(
        (SELECT COUNT(*) FROM place WHERE place.step = process.process_number)
          / (ARRAY[3.0, 7.0, 5.0, 18.0, 11.0, 6.0])[process.process_number]
      )
    ) AS pulled
  FROM processes AS process
  WHERE process.process_number BETWEEN 1 AND 6
),
chosen AS MATERIALIZED (
  SELECT
    station.*,
    item.item_id,
    item.arrived_at,
    hashint8extended(item.item_id * 8 + station.step, 10) AS dice,
    ROW_NUMBER() OVER (
      PARTITION BY station.process_id
      ORDER BY item.is_mislaid, item.arrived_at, item.item_id
    ) <= station.pulled AS is_done
  FROM station
  CROSS JOIN LATERAL (
    SELECT place.*
    FROM place
    -- Of the same time, or another caller has moved it meanwhile.
    JOIN wip_items AS waiting
      ON waiting.id = place.item_id
      AND waiting.updated_at = place.updated_at
    WHERE place.step = station.step
    ORDER BY
      place.is_mislaid,
      place.arrived_at,
      place.item_id
    LIMIT CAST(station.pulled AS integer) + 2
    FOR UPDATE OF waiting SKIP LOCKED
  ) AS item
),
seen AS MATERIALIZED (
  -- Scalar subqueries, not joins: never a scan of the history.
  SELECT
    chosen.*,
    (
      SELECT MAX(history.id)
      FROM wip_process_history AS history
      WHERE history.wip_item_id = chosen.item_id
        AND history.process_id = chosen.process_id
        AND history.completed_at IS NULL
    ) AS running_id,
    (
      SELECT COUNT(*)
      FROM wip_process_history AS history
      WHERE history.wip_item_id = chosen.item_id
        AND history.process_id = chosen.process_id
        AND history.result = 'FAIL'
    ) AS failures
  FROM chosen
),
judged AS MATERIALIZED (
  SELECT
    seen.*,
    CASE WHEN (dice & 1023) < 14 AND failures = 0 THEN 'FAIL' ELSE 'PASS' END AS result,
    jsonb_build_object('cycle', 1 + ((dice >> 16) & 7)) AS measurements,
    CASE
      WHEN (dice & 1023) < 14 AND failures = 0 THEN
        jsonb_build_array(jsonb_build_object('code', 'P' || step, 'severity', 'major'))
    END AS defects
  FROM seen
),
ended AS (
  UPDATE wip_process_history AS history
  SET
    result = judged.result,
    measurements = judged.measurements,
    defects = judged.defects,
    completed_at = now()
  FROM judged
  WHERE judged.is_done
    AND history.id = judged.running_id
),
recorded AS (
  INSERT INTO wip_process_history (
    wip_item_id,
    process_id,
    operator_id,
    equipment_id,
    result,
    measurements,
    defects,
    started_at,
    completed_at
  )
  SELECT
    judged.item_id,
    judged.process_id,
    1 + ((judged.dice >> 10) & 15),
    judged.process_id * 100 + ((judged.dice >> 14) & 3),
    CASE WHEN judged.is_done THEN judged.result ELSE 'PASS' END,
    CASE WHEN judged.is_done THEN judged.measurements END,
    CASE WHEN judged.is_done THEN judged.defects END,
    CASE
      WHEN judged.is_done THEN
        GREATEST(
          judged.arrived_at,
          now() - judged.seconds * (0.80 + ((judged.dice >> 20) & 255) / 850.0)
            * INTERVAL '1 second'
        )
      ELSE now()
    END,
    CASE WHEN judged.is_done THEN now() END
  FROM judged
  WHERE judged.running_id IS NULL
),
moved AS (
  UPDATE wip_items AS item
  SET
    status = CASE
      WHEN NOT judged.is_done THEN 'IN_PROGRESS'
      WHEN judged.result = 'FAIL' THEN 'FAILED'
      WHEN judged.step = 6 THEN 'COMPLETED'
      ELSE 'IN_PROGRESS'
    END,
    current_process_id = judged.process_id,
    completed_at = CASE WHEN judged.is_done AND judged.result = 'PASS' AND judged.step = 6 THEN now() END
  FROM judged
  WHERE (judged.is_done OR judged.running_id IS NULL)
    AND item.id = judged.item_id
)
SELECT COUNT(*)
FROM judged
WHERE is_done


-- @produce_rework
-- One in four of the failed units, the oldest first, is reworked and queues again; a few always
-- remain.
WITH chosen AS MATERIALIZED (
  SELECT
    item.id,
    item.current_process_id AS process_id,
    item.updated_at AS arrived_at
  FROM wip_items AS item
  WHERE item.status = 'FAILED'
    AND item.current_process_id IS NOT NULL
  ORDER BY
    item.updated_at,
    item.id
  LIMIT LEAST(8, (SELECT COUNT(*) FROM wip_items AS failed WHERE failed.status = 'FAILED') / 4)
  FOR UPDATE SKIP LOCKED
),
recorded AS (
  INSERT INTO wip_process_history (
    wip_item_id,
    process_id,
    operator_id,
    equipment_id,
    result,
    rework_reason,
    started_at,
    completed_at
  )
  SELECT
    chosen.id,
    chosen.process_id,
    1 + (hashint8extended(chosen.id, 11) & 15),
    chosen.process_id * 100 + (hashint8extended(chosen.id, 12) & 3),
    'REWORK',
    'out of tolerance',
    GREATEST(chosen.arrived_at, now() - INTERVAL '4 minutes'),
    now()
  FROM chosen
),
moved AS (
  UPDATE wip_items AS item
  SET status = 'IN_PROGRESS'
  FROM chosen
  WHERE item.id = chosen.id
)
SELECT COUNT(*)
FROM chosen


-- @produce_start
-- Four new units enter the line, of the oldest lot that has any left: a unit begins with its first
-- execution.
WITH laser AS (
  SELECT process.id AS process_id
  FROM processes AS process
  WHERE process.process_number = 1
),
chosen AS MATERIALIZED (
  SELECT
    item.id,
    lot.id AS lot_id
  FROM lots AS lot
  CROSS JOIN LATERAL (
    SELECT waiting.id
    FROM wip_items AS waiting
    WHERE waiting.lot_id = lot.id
      AND waiting.status = 'CREATED'
    ORDER BY waiting.sequence_in_lot
    LIMIT 4
    FOR UPDATE SKIP LOCKED
  ) AS item
  WHERE lot.status IN ('IN_PROGRESS', 'CREATED')
  ORDER BY lot.id
  LIMIT 4
),
opened AS (
  UPDATE lots AS lot
  SET status = 'IN_PROGRESS'
  WHERE lot.status = 'CREATED'
    AND lot.id IN (SELECT chosen.lot_id FROM chosen)
),
begun AS (
  INSERT INTO wip_process_history (
    wip_item_id,
    process_id,
    operator_id,
    equipment_id,
    result,
    started_at
  )
  SELECT
    chosen.id,
    laser.process_id,
    1 + (hashint8extended(chosen.id, 13) & 15),
    laser.process_id * 100 + (hashint8extended(chosen.id, 14) & 3),
    'PASS',
    now()
  FROM chosen
  CROSS JOIN laser
),
moved AS (
  UPDATE wip_items AS item
  SET
    status = 'IN_PROGRESS',
    current_process_id = (SELECT laser.process_id FROM laser)
  FROM chosen
  WHERE item.id = chosen.id
)
SELECT COUNT(*)
FROM chosen
