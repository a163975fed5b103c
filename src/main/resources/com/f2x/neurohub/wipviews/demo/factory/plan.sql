-- The demo factory: the plan of a batch of lots, in temporary tables. load.sql writes it.
--
-- In this folder a line "-- @name" opens a statement that Factory.java runs; its parameters are bound in the order of the
-- question marks. Names are unqualified: the connection's search_path says which schema is the MES.
--
-- Chance is a hash of the unit, never random(): the same size gives the same factory, on every server version, and a
-- batch does not depend on the batches before it. A dice holds 64 independent bits; (dice >> n) & 1023 is a number from
-- 0 to 1023.


-- @plan_station_table
CREATE TEMPORARY TABLE factory_station (
  step       integer PRIMARY KEY,
  process_id bigint  NOT NULL,
  seconds    integer NOT NULL,
  -- Seconds of work from the start of step 1 to the end of this one.
  done_after integer NOT NULL,
  -- What an execution may measure: few values, so that a million rows share them in the index of the measurements.
  measurements jsonb[] NOT NULL
) ON COMMIT DROP


-- @plan_stations
INSERT INTO factory_station
SELECT
  p.process_number,
  p.id,
  COALESCE(p.estimated_duration_seconds, 120),
  SUM(COALESCE(p.estimated_duration_seconds, 120)) OVER (ORDER BY p.process_number),
  ARRAY(
    SELECT
      CASE p.process_number
        WHEN 1 THEN jsonb_build_object('power_w', 19.5 + variant * 0.1, 'depth_um', 40 + variant)
        WHEN 2 THEN jsonb_build_object('torque_nm', 1.20 + variant * 0.01)
        WHEN 3 THEN jsonb_build_object('offset_mv', variant - 4, 'noise_mv', 0.3 + variant * 0.1)
        WHEN 4 THEN jsonb_build_object('firmware', '2.4.' || variant / 4, 'crc_ok', true)
        WHEN 5 THEN jsonb_build_object('torque_nm', 2.40 + variant * 0.02, 'arm', 1 + variant % 2)
        WHEN 6 THEN jsonb_build_object('flow_ml_s', 48 + variant * 0.5, 'leak_pa', variant)
      END
    FROM generate_series(0, 7) AS variant
  )
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
    -- The youngest lots have no units yet.
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
  nextval((SELECT pg_get_serial_sequence('lots', 'id'))),
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
  -- When its last execution at a station ended; when it was created, if it has none.
  arrived_at   timestamptz NOT NULL,
  -- When its label was printed, which gave it its serial; null until then.
  labelled_at  timestamptz
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
    (sequence - lot.done - CAST(0.5 AS float8)) / NULLIF(lot.moving, 0) AS place
  FROM factory_lot AS lot
  CROSS JOIN generate_series(1, lot.units) AS sequence
),
jittered AS (
  SELECT
    unit.*,
    place + ((dice & 1023) / CAST(1024 AS float8) - 0.5) / NULLIF(moving, 0) AS jittered
  FROM unit
),
stationed AS (
  SELECT
    jittered.*,
    CASE
      WHEN sequence <= done THEN 6
      WHEN sequence > done + moving THEN 0
      -- Uneven on purpose: four in ten queue for the firmware upload.
      WHEN jittered < 0.10 THEN 6
      WHEN jittered < 0.30 THEN 5
      WHEN jittered < 0.70 THEN 4
      WHEN jittered < 0.78 THEN 3
      WHEN jittered < 0.92 THEN 2
      ELSE 1
    END AS step,
    sequence > done AND sequence <= done + moving AS is_moving
  FROM jittered
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
    ((dice >> 34) & 1023) / CAST(1024 AS float8) AS chance
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
      ELSE 1.0 + ((dice >> 54) & 255) / CAST(425 AS float8)
    END AS pace
  FROM fated
)
SELECT
  nextval((SELECT pg_get_serial_sequence('wip_items', 'id'))),
  timed.lot_id,
  timed.lot_number,
  timed.sequence,
  timed.unit,
  CASE timed.fate
    WHEN 'DONE' THEN 'COMPLETED'
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
      AND (
        timed.status = 'CLOSED'
        OR timed.status = 'COMPLETED' AND timed.sequence <= 50
        OR timed.status = 'IN_PROGRESS' AND timed.sequence <= timed.done / 2
      )
      THEN LEAST(timed.now, timed.arrived_at + (5 + (timed.dice & 31)) * INTERVAL '1 minute')
  END
FROM timed
LEFT JOIN factory_station AS last ON last.step = timed.last_step


-- @plan_done
-- For the planner, which else believes that a batch is a handful of rows.
ANALYZE factory_station, factory_lot, factory_item
