-- The demo factory goes on: one step of production for units that are through the stations, and for the lots.


-- @produce_label
-- Four completed units get their label and with it their serial, of the oldest completed lot if there is one.
WITH printer AS (
  SELECT process.id
  FROM processes AS process
  WHERE process.process_number = 7
),
chosen AS MATERIALIZED (
  SELECT item.*
  FROM lots AS lot
  CROSS JOIN LATERAL (
    SELECT
      completed.id,
      completed.completed_at
    FROM wip_items AS completed
    WHERE completed.lot_id = lot.id
      AND completed.status = 'COMPLETED'
      AND completed.serial_id IS NULL
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
printed AS (
  INSERT INTO wip_process_history (
    wip_item_id,
    process_id,
    operator_id,
    equipment_id,
    result,
    started_at,
    completed_at
  )
  SELECT
    chosen.id,
    printer.id,
    1 + (hashint8extended(chosen.id, 15) & 15),
    printer.id * 100 + (hashint8extended(chosen.id, 16) & 3),
    'PASS',
    GREATEST(chosen.completed_at, now() - INTERVAL '25 seconds'),
    now()
  FROM chosen
  CROSS JOIN printer
),
moved AS (
  UPDATE wip_items AS item
  SET
    current_process_id = (SELECT printer.id FROM printer),
    serial_id = numbered.serial_id,
    completed_at = now(),
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
  END,
  closed_at = CASE
    WHEN lot.status = 'IN_PROGRESS' AND counted.completed = counted.units THEN now()
    ELSE lot.closed_at
  END
FROM counted
WHERE lot.id = counted.lot_id


-- @produce_close_lot
-- The oldest completed lot closes when each of its units has a serial.
UPDATE lots AS lot
SET status = 'CLOSED'
WHERE lot.id = (SELECT MIN(oldest.id) FROM lots AS oldest WHERE oldest.status = 'COMPLETED')
  AND NOT EXISTS (
    SELECT
    FROM wip_items AS item
    WHERE item.lot_id = lot.id
      AND item.serial_id IS NULL
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


-- @produce_fill_lot
-- The next planned lot gets its units when fewer than three such lots are ready.
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
