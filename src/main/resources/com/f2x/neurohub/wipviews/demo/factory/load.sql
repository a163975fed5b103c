-- The demo factory: what plan.sql planned, written as the guide's MES writes it. Its triggers keep current_process_id at
-- the station of the newest execution, also after a PASS there and at the label printer; a unit that gets its serial
-- stays COMPLETED, and its completed_at is overwritten.


-- @load_settings
-- For the transaction only. The memory is for sorting a batch, and for building the indexes.
SELECT
  set_config('work_mem', '64MB', true),
  set_config('maintenance_work_mem', '512MB', true),
  set_config('jit', 'off', true)


-- @is_empty
SELECT NOT EXISTS (SELECT FROM lots)


-- @load_suspended
-- What costs most in a bulk load: foreign keys and plain indexes, which are made again at its end from their own
-- definitions, and triggers, whose work the statements below do. A role that does not own the tables loads with them,
-- slowly.
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
UNION ALL
SELECT
  format('ALTER TABLE %s DISABLE TRIGGER %I', t.oid::regclass, g.tgname),
  format('ALTER TABLE %s ENABLE TRIGGER %I', t.oid::regclass, g.tgname),
  3
FROM pg_trigger AS g
JOIN pg_class AS t ON t.oid = g.tgrelid
WHERE g.tgrelid IN (to_regclass('wip_items'), to_regclass('wip_process_history'))
  AND NOT g.tgisinternal
  AND g.tgenabled = 'O'
  AND pg_has_role(t.relowner, 'USAGE')
ORDER BY
  suspend_order,
  suspend


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
  -- set when the lot is completed
  CASE WHEN lot.status IN ('COMPLETED', 'CLOSED') THEN lot.ended_at END
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
  CASE WHEN item.labelled_at IS NOT NULL THEN 1000000 + item.unit END,
  item.sequence,
  item.status,
  process.id,
  item.created_at,
  COALESCE(item.labelled_at, item.arrived_at),
  CASE WHEN item.status = 'COMPLETED' THEN COALESCE(item.labelled_at, item.arrived_at) END,
  item.labelled_at
FROM factory_item AS item
LEFT JOIN processes AS process
  ON process.process_number = CASE
    WHEN item.labelled_at IS NOT NULL THEN 7
    WHEN item.is_running THEN item.step
    ELSE item.last_step
  END


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
  duration_seconds,
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
execution AS (
  SELECT
    item.item_id,
    station.process_id,
    station.step,
    station.seconds,
    station.measurements,
    run.result,
    hashint8extended(item.unit * 8 + station.step, 3 + run.back) AS dice,
    -- Reckoned back over the planned work between the end of this step and the last thing that happened.
    item.arrived_at
      - make_interval(
        secs => (last.done_after - station.done_after) * item.pace * 1.25 + run.back * station.seconds * CAST(1.2 AS float8)
      ) AS ended_at
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
begun AS (
  SELECT
    execution.item_id,
    execution.process_id,
    execution.step,
    execution.result,
    execution.dice,
    execution.ended_at,
    execution.measurements[1 + ((execution.dice >> 16) & 7)] AS measurements,
    ended_at - make_interval(secs => seconds * (0.80 + (dice & 255) / CAST(850 AS float8))) AS begun_at
  FROM execution
  -- as they lie in an MES: it writes a row when its execution ends, for the first time or again
  ORDER BY ended_at
)
SELECT
  begun.item_id,
  begun.process_id,
  1 + ((begun.dice >> 8) & 15),
  begun.process_id * 100 + ((begun.dice >> 12) & 3),
  begun.result,
  begun.measurements,
  CASE
    WHEN begun.result = 'FAIL' THEN
      jsonb_build_array(jsonb_build_object('code', 'P' || begun.step, 'severity', 'major'))
  END,
  CASE WHEN begun.result = 'REWORK' THEN 'out of tolerance' END,
  begun.begun_at,
  begun.ended_at,
  EXTRACT(epoch FROM begun.ended_at - begun.begun_at),
  begun.begun_at,
  begun.begun_at
FROM begun


-- @load_labels
INSERT INTO wip_process_history (
  wip_item_id,
  process_id,
  operator_id,
  equipment_id,
  result,
  started_at,
  completed_at,
  duration_seconds,
  scan_timestamp,
  created_at
)
WITH label AS (
  SELECT
    item.item_id,
    item.labelled_at,
    GREATEST(item.arrived_at, item.labelled_at - INTERVAL '25 seconds') AS begun_at,
    hashint8extended(item.unit, 6) AS dice
  FROM factory_item AS item
  WHERE item.labelled_at IS NOT NULL
)
SELECT
  label.item_id,
  process.id,
  1 + (label.dice & 15),
  process.id * 100 + ((label.dice >> 4) & 3),
  'PASS',
  label.begun_at,
  label.labelled_at,
  EXTRACT(epoch FROM label.labelled_at - label.begun_at),
  label.begun_at,
  label.begun_at
FROM label
JOIN processes AS process ON process.process_number = 7
ORDER BY label.labelled_at


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
