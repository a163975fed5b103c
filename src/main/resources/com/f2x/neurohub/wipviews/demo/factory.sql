-- =================================================================================================
-- The demo factory: statements that Factory.java runs, one a section.
--
-- A line "-- @name" opens a section. Parameters are bound in the order of the question marks.
-- Names are unqualified: the connection's search_path says which schema is the MES.
--
-- Chance is a hash of the unit, never random(): the same size gives the same factory, on every
-- server version, and a batch does not depend on the batches before it.
-- A dice holds 64 independent bits; (dice >> n) & 1023 is a number from 0 to 1023.
-- =================================================================================================


-- =================================================================================================
-- LOAD: plan a batch of lots in temporary tables, then write it
-- =================================================================================================

-- @load_settings
-- For the transaction only. The memory is for building the indexes.
SELECT
  set_config('maintenance_work_mem', '256MB', true),
  set_config('jit', 'off', true)


-- @is_empty
SELECT NOT EXISTS (SELECT FROM lots)


-- @load_suspended
-- What costs most in a bulk load, and is made again at its end from its own definition: foreign
-- keys and plain indexes. A role that does not own the tables loads with them, slowly.
SELECT
  format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS suspend,
  format(
    'ALTER TABLE %s ADD CONSTRAINT %I %s',
    c.conrelid::regclass,
    c.conname,
    pg_get_constraintdef(c.oid)
  ) AS restore,
  1 AS suspend_order
FROM pg_constraint AS c
JOIN pg_class AS t ON t.oid = c.conrelid
WHERE c.conrelid IN (to_regclass('wip_items'), to_regclass('wip_process_history'))
  AND c.contype = 'f'
  AND pg_has_role(t.relowner, 'USAGE')
UNION ALL
SELECT
  format('DROP INDEX %s', i.indexrelid::regclass),
  pg_get_indexdef(i.indexrelid),
  2
FROM pg_index AS i
JOIN pg_class AS t ON t.oid = i.indrelid
WHERE i.indrelid IN (to_regclass('wip_items'), to_regclass('wip_process_history'))
  AND NOT i.indisunique
  AND NOT i.indisreplident
  AND NOT EXISTS (
    SELECT
    FROM pg_constraint AS c
    WHERE c.conindid = i.indexrelid
  )
  AND pg_has_role(t.relowner, 'USAGE')
ORDER BY
  suspend_order,
  suspend


-- @plan_station_table
CREATE TEMPORARY TABLE factory_station (
  step       integer PRIMARY KEY,
  process_id bigint  NOT NULL,
  seconds    integer NOT NULL,
  -- Seconds of work from the start of step 1 to the end of this one.
  done_after integer NOT NULL
) ON COMMIT DROP


-- @plan_stations
INSERT INTO factory_station
SELECT
  p.process_number,
  p.id,
  COALESCE(p.estimated_duration_seconds, 120),
  SUM(COALESCE(p.estimated_duration_seconds, 120)) OVER (ORDER BY p.process_number)
FROM processes AS p
WHERE p.process_number BETWEEN 1 AND 6


-- @plan_nothing
-- The plan of the next batch begins here.
TRUNCATE
  factory_lot,
  factory_item


-- @plan_lot_table
CREATE TEMPORARY TABLE factory_lot (
  lot_no           integer     PRIMARY KEY,
  lot_id           bigint      NOT NULL,
  lot_number       text        NOT NULL,
  product_model_id integer     NOT NULL,
  production_date  date        NOT NULL,
  status           text        NOT NULL,
  -- Units that exist, of these done, of these still to be done but begun.
  units            integer     NOT NULL,
  done             integer     NOT NULL,
  moving           integer     NOT NULL,
  is_foremost      boolean     NOT NULL,
  opened_at        timestamptz NOT NULL,
  -- When the last unit so far was done.
  ended_at         timestamptz NOT NULL,
  closed_at        timestamptz
) ON COMMIT DROP


-- @plan_lots
-- Lots are numbered by age. The oldest are CLOSED; of the open ones three tenths are COMPLETED,
-- three tenths, the youngest, CREATED; NULLIF is for a size that has none of a kind. All lots are
-- laid out each time, since the counter in the lot number runs through the month; only those of the
-- batch are kept.
INSERT INTO factory_lot
WITH size AS (
  SELECT
    CAST(? AS timestamptz) AS now,
    CAST(? AS integer) AS lots,
    CAST(? AS integer) AS open_lots,
    CAST(? AS integer) AS in_line,
    CAST(? AS integer) AS first_lot,
    CAST(? AS integer) AS last_lot
),
layout AS (
  SELECT
    size.*,
    lots - open_lots AS closed,
    open_lots * 3 / 10 AS completed,
    open_lots - 2 * (open_lots * 3 / 10) AS in_progress,
    open_lots * 3 / 10 AS created
  FROM size
),
lot AS (
  SELECT
    layout.*,
    lot_no,
    hashint8extended(lot_no, 1) AS dice,
    CASE
      WHEN lot_no <= closed THEN 'CLOSED'
      WHEN lot_no <= closed + completed THEN 'COMPLETED'
      WHEN lot_no <= closed + completed + in_progress THEN 'IN_PROGRESS'
      ELSE 'CREATED'
    END AS status
  FROM layout
  CROSS JOIN generate_series(1, lots) AS lot_no
),
counted AS (
  SELECT
    lot.*,
    -- Of the youngest lots the units are not labelled yet: a lot without items.
    CASE WHEN status = 'CREATED' AND lot_no > lots - created / 3 THEN 0 ELSE 100 END AS units,
    CASE status
      WHEN 'CREATED' THEN 0
      WHEN 'IN_PROGRESS' THEN 88 - 84 * (lot_no - closed - completed - 1) / NULLIF(in_progress, 0)
      ELSE 100
    END AS done,
    CASE WHEN status = 'IN_PROGRESS' THEN in_line - 2 + (dice & 3) + ((dice >> 10) & 1) ELSE 0 END AS moving
  FROM lot
),
ended AS (
  SELECT
    counted.*,
    CASE status
      -- Over at least three months and at most two years.
      WHEN 'CLOSED' THEN
        now - INTERVAL '60 hours'
          - LEAST(730, GREATEST(90, closed / 12)) * INTERVAL '1 day'
            * (closed - lot_no) / NULLIF(closed, 0)
      WHEN 'COMPLETED' THEN
        now - INTERVAL '2 hours'
          - INTERVAL '48 hours' * (closed + completed - lot_no) / NULLIF(completed, 0)
      ELSE now - (dice & 255) * INTERVAL '1 second'
    END AS ended_at
  FROM counted
),
dated AS (
  SELECT
    ended.*,
    CASE status
      WHEN 'CREATED' THEN now - INTERVAL '18 hours' * (1 + lots - lot_no) / NULLIF(created, 0)
      -- One unit every seven minutes, after the time that the slowest needs through the line.
      ELSE ended_at - INTERVAL '5 hours' - done * INTERVAL '7 minutes'
    END AS opened_at
  FROM ended
),
counter AS (
  SELECT
    dated.*,
    CAST(opened_at AT TIME ZONE 'Asia/Seoul' AS date) AS production_date,
    ROW_NUMBER() OVER (
      PARTITION BY date_trunc('month', opened_at AT TIME ZONE 'Asia/Seoul')
      ORDER BY lot_no
    ) - 1 AS nth_of_month,
    1 + CAST((dice >> 20) & 1023 AS integer) / 512 AS product_model_id
  FROM dated
)
SELECT
  lot_no,
  nextval(pg_get_serial_sequence('lots', 'id')),
  -- KR, line, model, year and month, counter: 99 lots a month fill a line.
  'KR' || to_char(1 + nth_of_month / 99, 'FM00')
    || (ARRAY['PSA', 'PSB'])[product_model_id]
    || to_char(production_date, 'YYMM')
    || to_char(1 + nth_of_month % 99, 'FM00'),
  product_model_id,
  production_date,
  status,
  units,
  done,
  moving,
  lot_no = closed + completed + 1,
  opened_at,
  ended_at,
  CASE WHEN status = 'CLOSED' THEN ended_at + (60 + (dice & 511)) * INTERVAL '1 minute' END
FROM counter
WHERE lot_no BETWEEN first_lot AND last_lot
ORDER BY lot_no


-- @plan_item_table
CREATE TEMPORARY TABLE factory_item (
  item_id      bigint      NOT NULL,
  lot_id       bigint      NOT NULL,
  lot_number   text        NOT NULL,
  sequence     integer     NOT NULL,
  -- Number of the unit in the whole factory: the seed of its fate.
  unit         bigint      NOT NULL,
  status       text        NOT NULL,
  -- Station where it is or was last, 0 before the first, and whether it is being worked on there.
  step         integer     NOT NULL,
  is_running   boolean     NOT NULL,
  -- Last step with an execution that ended, 0 for none, and the executions that it took.
  last_step    integer     NOT NULL,
  last_run     text        NOT NULL,
  -- Step at which it failed once and passed after rework, 0 for none.
  rework_step  integer     NOT NULL,
  -- Real seconds for a planned second.
  pace         float8      NOT NULL,
  created_at   timestamptz NOT NULL,
  -- When its last execution ended; when it was created, if it has none.
  arrived_at   timestamptz NOT NULL,
  converted_at timestamptz
) ON COMMIT DROP


-- @plan_items
-- Units pass the line in sequence: the first of a lot are done, the next few stand at stations,
-- the rest waits. All times are reckoned back from the last thing that happened to the unit.
INSERT INTO factory_item
WITH unit AS (
  SELECT
    lot.*,
    CAST(? AS timestamptz) AS now,
    sequence,
    (lot.lot_no - 1) * CAST(100 AS bigint) + sequence AS unit,
    hashint8extended((lot.lot_no - 1) * CAST(100 AS bigint) + sequence, 25) AS dice,
    -- 0 is the head of the units that move, 1 the tail.
    (sequence - lot.done - 0.5) / NULLIF(lot.moving, 0) AS place
  FROM factory_lot AS lot
  CROSS JOIN generate_series(1, lot.units) AS sequence
),
stationed AS (
  SELECT
    unit.*,
    CASE
      WHEN sequence <= done THEN 6
      WHEN sequence > done + moving THEN 0
      -- Uneven on purpose: four in ten queue for the firmware upload.
      WHEN place + ((dice & 1023) / 1024.0 - 0.5) / moving < 0.10 THEN 6
      WHEN place + ((dice & 1023) / 1024.0 - 0.5) / moving < 0.30 THEN 5
      WHEN place + ((dice & 1023) / 1024.0 - 0.5) / moving < 0.70 THEN 4
      WHEN place + ((dice & 1023) / 1024.0 - 0.5) / moving < 0.78 THEN 3
      WHEN place + ((dice & 1023) / 1024.0 - 0.5) / moving < 0.92 THEN 2
      ELSE 1
    END AS step,
    sequence > done AND sequence <= done + moving AS is_moving
  FROM unit
),
fated AS (
  SELECT
    stationed.*,
    CASE
      WHEN sequence <= done THEN 'DONE'
      WHEN NOT is_moving THEN 'PLANNED'
      WHEN ((dice >> 10) & 1023) < 26 OR is_foremost AND sequence = done + 2 THEN 'FAILED'
      WHEN ((dice >> 10) & 1023) < 46 OR is_foremost AND sequence = done + 4 THEN 'REWORKED'
      ELSE 'WAITING'
    END AS fate,
    -- Units in ten thousand that a station sends to rework: 50, 90, 140, 90, 110, 190.
    CASE
      WHEN ((dice >> 20) & 8191) < 41 THEN 1
      WHEN ((dice >> 20) & 8191) < 115 THEN 2
      WHEN ((dice >> 20) & 8191) < 230 THEN 3
      WHEN ((dice >> 20) & 8191) < 304 THEN 4
      WHEN ((dice >> 20) & 8191) < 394 THEN 5
      WHEN ((dice >> 20) & 8191) < 550 THEN 6
      ELSE 0
    END AS rework_step,
    ((dice >> 34) & 1023) / 1024.0 AS chance
  FROM stationed
),
timed AS (
  SELECT
    fated.*,
    -- One in three of the units at a station; at the first one all, since a unit begins with its first execution.
    fate IN ('WAITING', 'REWORKED') AND (hashint8extended(unit, 9) & 1023) < 340
      OR fate = 'WAITING' AND step = 1 AS is_running,
    CASE
      WHEN fate = 'DONE' THEN
        ended_at
          - (done - sequence) * INTERVAL '7 minutes'
          - chance * INTERVAL '5 minutes'
      WHEN fate = 'PLANNED' AND status = 'CREATED' THEN
        opened_at + sequence * INTERVAL '2 seconds'
      WHEN fate = 'PLANNED' THEN
        now - chance * INTERVAL '3 hours'
      -- The stuck ones, all at the bottleneck.
      WHEN step = 4 AND (((dice >> 44) & 1023) < 24 OR is_foremost AND place BETWEEN 0.40 AND 0.60)
        THEN now - INTERVAL '70 minutes' - chance * INTERVAL '45 minutes'
      WHEN fate = 'FAILED' THEN
        now - INTERVAL '8 minutes' - chance * INTERVAL '22 minutes'
      ELSE
        now - chance * (ARRAY[3, 9, 6, 32, 19, 8])[step] * INTERVAL '1 minute'
    END AS arrived_at,
    CASE
      WHEN fate = 'PLANNED' THEN 0
      WHEN fate IN ('DONE', 'FAILED', 'REWORKED') THEN step
      ELSE step - 1
    END AS last_step,
    -- Three executions at one station must fit between its neighbours.
    CASE
      WHEN rework_step > 0 OR fate = 'REWORKED' THEN 3.0 + chance * 0.2
      ELSE 1.0 + ((dice >> 54) & 255) / 425.0
    END AS pace
  FROM fated
)
SELECT
  nextval(pg_get_serial_sequence('wip_items', 'id')),
  timed.lot_id,
  timed.lot_number,
  timed.sequence,
  timed.unit,
  CASE timed.fate
    WHEN 'DONE' THEN
      CASE
        WHEN timed.status = 'CLOSED' THEN 'CONVERTED'
        WHEN timed.status = 'COMPLETED' AND timed.sequence <= 50 THEN 'CONVERTED'
        WHEN timed.status = 'IN_PROGRESS' AND timed.sequence <= timed.done / 2 THEN 'CONVERTED'
        ELSE 'COMPLETED'
      END
    WHEN 'PLANNED' THEN 'CREATED'
    WHEN 'FAILED' THEN 'FAILED'
    ELSE 'IN_PROGRESS'
  END,
  timed.step,
  timed.is_running,
  timed.last_step,
  CASE WHEN timed.fate IN ('FAILED', 'REWORKED') THEN timed.fate ELSE 'PASSED' END,
  CASE WHEN timed.fate IN ('FAILED', 'REWORKED') THEN 0 ELSE timed.rework_step END,
  timed.pace,
  CASE
    WHEN timed.fate = 'PLANNED' THEN timed.arrived_at
    ELSE
      timed.arrived_at
        - COALESCE(last.done_after, 0) * timed.pace * INTERVAL '1.25 seconds'
        - (10 + (timed.dice & 127)) * INTERVAL '1 second'
  END,
  timed.arrived_at,
  CASE
    WHEN timed.fate = 'DONE'
      THEN LEAST(timed.now, timed.arrived_at + (5 + (timed.dice & 31)) * INTERVAL '1 minute')
  END
FROM timed
LEFT JOIN factory_station AS last ON last.step = timed.last_step


-- @load_lots
INSERT INTO lots (
  id,
  lot_number,
  product_model_id,
  production_date,
  target_quantity,
  actual_quantity,
  passed_quantity,
  failed_quantity,
  status,
  created_at,
  updated_at,
  closed_at
)
SELECT
  lot.lot_id,
  lot.lot_number,
  lot.product_model_id,
  lot.production_date,
  100,
  lot.done,
  lot.done,
  COALESCE(failed.units, 0),
  lot.status,
  lot.opened_at,
  COALESCE(lot.closed_at, GREATEST(lot.opened_at, lot.ended_at)),
  lot.closed_at
FROM factory_lot AS lot
LEFT JOIN (
  SELECT
    item.lot_id,
    COUNT(*) AS units
  FROM factory_item AS item
  WHERE item.status = 'FAILED'
  GROUP BY item.lot_id
) AS failed ON failed.lot_id = lot.lot_id
ORDER BY lot.lot_no


-- @load_items
-- current_process_id is the station of the newest execution, also after a PASS there, as the MES's trigger sets it.
INSERT INTO wip_items (
  id,
  wip_id,
  lot_id,
  serial_id,
  sequence_in_lot,
  status,
  current_process_id,
  created_at,
  updated_at,
  completed_at,
  converted_at
)
SELECT
  item.item_id,
  'WIP-' || item.lot_number || '-' || to_char(item.sequence, 'FM000'),
  item.lot_id,
  CASE WHEN item.status = 'CONVERTED' THEN 1000000 + item.unit END,
  item.sequence,
  item.status,
  station.process_id,
  item.created_at,
  CASE WHEN item.status = 'CONVERTED' THEN item.converted_at ELSE item.arrived_at END,
  CASE WHEN item.status IN ('COMPLETED', 'CONVERTED') THEN item.arrived_at END,
  CASE WHEN item.status = 'CONVERTED' THEN item.converted_at END
FROM factory_item AS item
LEFT JOIN factory_station AS station
  ON station.step = CASE WHEN item.is_running THEN item.step ELSE item.last_step END


-- @load_history
-- Executions that ended. "back" counts them backwards from the last one of the step.
INSERT INTO wip_process_history (
  wip_item_id,
  process_id,
  operator_id,
  equipment_id,
  result,
  measurements,
  defects,
  rework_reason,
  started_at,
  completed_at,
  scan_timestamp,
  created_at
)
WITH run (name, back, result) AS (
  VALUES
    ('PASSED',   0, 'PASS'),
    ('MENDED',   0, 'PASS'),
    ('MENDED',   1, 'REWORK'),
    ('MENDED',   2, 'FAIL'),
    ('REWORKED', 0, 'REWORK'),
    ('REWORKED', 1, 'FAIL'),
    ('FAILED',   0, 'FAIL')
),
-- A few values each, so that a million rows share them in the index of the measurements.
measurement AS MATERIALIZED (
  SELECT
    step,
    variant,
    CASE step
      WHEN 1 THEN jsonb_build_object('power_w', 19.5 + variant * 0.1, 'depth_um', 40 + variant)
      WHEN 2 THEN jsonb_build_object('torque_nm', 1.20 + variant * 0.01)
      WHEN 3 THEN jsonb_build_object('offset_mv', variant - 4, 'noise_mv', 0.3 + variant * 0.1)
      WHEN 4 THEN jsonb_build_object('firmware', '2.4.' || variant / 4, 'crc_ok', true)
      WHEN 5 THEN jsonb_build_object('torque_nm', 2.40 + variant * 0.02, 'arm', 1 + variant % 2)
      WHEN 6 THEN jsonb_build_object('flow_ml_s', 48 + variant * 0.5, 'leak_pa', variant)
    END AS measurements
  FROM generate_series(1, 6) AS step
  CROSS JOIN generate_series(0, 7) AS variant
),
execution AS (
  SELECT
    item.item_id,
    item.pace,
    item.arrived_at,
    station.process_id,
    station.step,
    station.seconds,
    -- Planned seconds of work between the end of this step and the last thing that happened.
    last.done_after - station.done_after AS seconds_after,
    run.back,
    run.result,
    hashint8extended(item.unit * 8 + station.step, 3 + run.back) AS dice
  FROM factory_item AS item
  JOIN factory_station AS last ON last.step = item.last_step
  JOIN factory_station AS station ON station.step <= item.last_step
  JOIN run
    ON run.name = CASE station.step
      WHEN item.rework_step THEN 'MENDED'
      WHEN item.last_step THEN item.last_run
      ELSE 'PASSED'
    END
),
ended AS (
  SELECT
    execution.*,
    arrived_at
      - (seconds_after * pace * 1.25 + back * seconds * 1.2) * INTERVAL '1 second' AS ended_at
  FROM execution
),
begun AS (
  SELECT
    ended.*,
    ended_at
      - seconds * (0.80 + (dice & 255) / 850.0) * INTERVAL '1 second' AS begun_at
  FROM ended
)
SELECT
  begun.item_id,
  begun.process_id,
  1 + ((begun.dice >> 8) & 15),
  begun.process_id * 100 + ((begun.dice >> 12) & 3),
  begun.result,
  measurement.measurements,
  CASE
    WHEN begun.result = 'FAIL' THEN
      jsonb_build_array(jsonb_build_object('code', 'P' || begun.step, 'severity', 'major'))
  END,
  CASE WHEN begun.result = 'REWORK' THEN 'out of tolerance' END,
  begun.begun_at,
  begun.ended_at,
  begun.begun_at,
  begun.begun_at
FROM begun
JOIN measurement
  ON measurement.step = begun.step
  AND measurement.variant = ((begun.dice >> 16) & 7)
-- as an MES appends them
ORDER BY begun.begun_at


-- @load_running
-- Executions under way. The result is a placeholder until the execution ends, since the column is not null.
INSERT INTO wip_process_history (
  wip_item_id,
  process_id,
  operator_id,
  equipment_id,
  result,
  started_at,
  scan_timestamp,
  created_at
)
WITH clock AS (
  SELECT CAST(? AS timestamptz) AS now
),
running AS (
  SELECT
    item.item_id,
    station.process_id,
    hashint8extended(item.unit, 7) AS dice,
    GREATEST(
      item.arrived_at,
      clock.now - station.seconds * (hashint8extended(item.unit, 8) & 255) / 300.0
        * INTERVAL '1 second'
    ) AS begun_at
  FROM clock
  CROSS JOIN factory_item AS item
  JOIN factory_station AS station ON station.step = item.step
  WHERE item.is_running
)
SELECT
  running.item_id,
  running.process_id,
  1 + (running.dice & 15),
  running.process_id * 100 + ((running.dice >> 4) & 3),
  'PASS',
  running.begun_at,
  running.begun_at,
  running.begun_at
FROM running


-- @load_vacuum
-- Now, so that autovacuum does not do it in the middle of a measurement.
VACUUM (ANALYZE)
  lots,
  wip_items,
  wip_process_history


-- =================================================================================================
-- PRODUCE: one step of production
--
-- Everything that happens in a step happens at now(), the start of its transaction. Each statement
-- starts from an index: the step costs the same whatever the size of the history.
-- =================================================================================================

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
    -- The station of the newest execution, also after a PASS there, as the MES's trigger sets it.
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


-- @produce_convert
-- Four completed units get their serial, of the oldest completed lot if there is one.
WITH chosen AS MATERIALIZED (
  SELECT item.id
  FROM lots AS lot
  CROSS JOIN LATERAL (
    SELECT completed.id
    FROM wip_items AS completed
    WHERE completed.lot_id = lot.id
      AND completed.status = 'COMPLETED'
    ORDER BY completed.sequence_in_lot
    LIMIT 4
    FOR UPDATE SKIP LOCKED
  ) AS item
  WHERE lot.status IN ('IN_PROGRESS', 'COMPLETED')
  ORDER BY
    lot.status,
    lot.id
  LIMIT 4
),
numbered AS (
  SELECT
    chosen.id,
    (SELECT COALESCE(MAX(item.serial_id), 1000000) FROM wip_items AS item)
      + ROW_NUMBER() OVER (ORDER BY chosen.id) AS serial_id
  FROM chosen
),
moved AS (
  UPDATE wip_items AS item
  SET
    status = 'CONVERTED',
    serial_id = numbered.serial_id,
    converted_at = now()
  FROM numbered
  WHERE item.id = numbered.id
)
SELECT COUNT(*)
FROM chosen


-- @produce_settle_lots
-- Counts of the lots whose units were completed in this step; a lot without open units is done.
WITH touched AS MATERIALIZED (
  SELECT DISTINCT item.lot_id
  FROM wip_items AS item
  WHERE item.completed_at = now()
),
counted AS MATERIALIZED (
  SELECT
    touched.lot_id,
    tally.*
  FROM touched
  CROSS JOIN LATERAL (
    SELECT
      COUNT(item.completed_at) AS completed,
      COUNT(*) FILTER (WHERE item.status = 'FAILED') AS failed,
      COUNT(*) AS units
    FROM wip_items AS item
    WHERE item.lot_id = touched.lot_id
  ) AS tally
)
UPDATE lots AS lot
SET
  actual_quantity = counted.completed,
  passed_quantity = counted.completed,
  failed_quantity = counted.failed,
  status = CASE
    WHEN lot.status = 'IN_PROGRESS' AND counted.completed = counted.units THEN 'COMPLETED'
    ELSE lot.status
  END
FROM counted
WHERE lot.id = counted.lot_id


-- @produce_close_lot
-- The oldest completed lot closes when each of its units has a serial.
UPDATE lots AS lot
SET
  status = 'CLOSED',
  closed_at = now()
WHERE lot.id = (SELECT MIN(oldest.id) FROM lots AS oldest WHERE oldest.status = 'COMPLETED')
  AND NOT EXISTS (
    SELECT
    FROM wip_items AS item
    WHERE item.lot_id = lot.id
      AND item.status <> 'CONVERTED'
  )


-- @produce_plan_lot
-- A new lot when fewer than six are planned, so that the factory never runs out of work.
INSERT INTO lots (
  lot_number,
  product_model_id,
  production_date,
  target_quantity,
  status
)
WITH today AS (
  SELECT
    CAST(now() AT TIME ZONE 'Asia/Seoul' AS date) AS production_date,
    to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYMM') AS month
),
counter AS (
  -- The counter sits in two places of the number: its line, and its last two digits.
  SELECT
    today.*,
    (
      SELECT
        COALESCE(
          MAX(
            (CAST(substr(lot.lot_number, 3, 2) AS integer) - 1) * 99
              + CAST(substr(lot.lot_number, 12, 2) AS integer)
          ),
          0
        )
      FROM lots AS lot
      WHERE lot.lot_number ~ ('^KR\d{2}PS[AB]' || today.month || '\d{2}$')
    ) AS nth_of_month
  FROM today
)
SELECT
  'KR' || to_char(1 + nth_of_month / 99, 'FM00')
    || 'PSA'
    || month
    || to_char(1 + nth_of_month % 99, 'FM00'),
  1,
  production_date,
  100,
  'CREATED'
FROM counter
WHERE (SELECT COUNT(*) FROM lots AS planned WHERE planned.status = 'CREATED') < 6


-- @produce_label_lot
-- The units of the next planned lot are labelled when fewer than three such lots are ready.
INSERT INTO wip_items (
  wip_id,
  lot_id,
  sequence_in_lot,
  status
)
WITH planned AS MATERIALIZED (
  SELECT
    lot.id,
    lot.lot_number,
    (SELECT COUNT(*) FROM wip_items AS item WHERE item.lot_id = lot.id) AS units
  FROM lots AS lot
  WHERE lot.status = 'CREATED'
),
next AS (
  SELECT
    planned.id,
    planned.lot_number
  FROM planned
  WHERE planned.units = 0
    AND (SELECT COUNT(*) FROM planned AS ready WHERE ready.units > 0) < 3
  ORDER BY planned.id
  LIMIT 1
)
SELECT
  'WIP-' || next.lot_number || '-' || to_char(sequence, 'FM000'),
  next.id,
  sequence,
  'CREATED'
FROM next
CROSS JOIN generate_series(1, 100) AS sequence
