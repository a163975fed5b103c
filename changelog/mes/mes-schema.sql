-- =================================================================================================
-- A minimal MES: the four tables that the views read, and the eight stations.
--
-- For demo, code generation and tests. Names, types, checks and indexes are those of the deployed
-- MES, because the views are compiled and measured against them.
-- =================================================================================================


-- -------------------------------------------------------------------------------------------------
-- Trigger functions
--
-- The search_path is pinned: a trigger runs with whatever path its caller has.
-- -------------------------------------------------------------------------------------------------

CREATE FUNCTION "${schema}".mes_set_updated_at()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  NEW.updated_at := pg_catalog.now();
  RETURN NEW;
END
$function$;

COMMENT ON FUNCTION "${schema}".mes_set_updated_at() IS
  'Trigger: sets updated_at to the time of the transaction on every update.';


CREATE FUNCTION "${schema}".mes_set_duration_seconds()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- Null while the execution is under way, since completed_at is null then.
  NEW.duration_seconds := EXTRACT(epoch FROM NEW.completed_at - NEW.started_at)::pg_catalog.int4;
  RETURN NEW;
END
$function$;

COMMENT ON FUNCTION "${schema}".mes_set_duration_seconds() IS
  'Trigger: derives duration_seconds from started_at and completed_at.';


-- -------------------------------------------------------------------------------------------------
-- lots
-- -------------------------------------------------------------------------------------------------

CREATE TABLE "${schema}".lots (
  id               bigserial    NOT NULL,
  lot_number       varchar(50)  NOT NULL,
  product_model_id bigint       NOT NULL,
  production_date  date         NOT NULL,
  target_quantity  integer      NOT NULL DEFAULT 100,
  actual_quantity  integer      NOT NULL DEFAULT 0,
  passed_quantity  integer      NOT NULL DEFAULT 0,
  failed_quantity  integer      NOT NULL DEFAULT 0,
  status           varchar(20)  NOT NULL DEFAULT 'CREATED',
  created_at       timestamptz  NOT NULL DEFAULT now(),
  updated_at       timestamptz  NOT NULL DEFAULT now(),
  closed_at        timestamptz,
  CONSTRAINT lots_pkey PRIMARY KEY (id),
  CONSTRAINT lots_lot_number_key UNIQUE (lot_number),
  CONSTRAINT lots_status_check
    CHECK (status IN ('CREATED', 'IN_PROGRESS', 'COMPLETED', 'CLOSED'))
);

CREATE INDEX idx_lots_status ON "${schema}".lots (status);

CREATE TRIGGER trg_lots_updated_at
BEFORE UPDATE ON "${schema}".lots
FOR EACH ROW EXECUTE FUNCTION "${schema}".mes_set_updated_at();

COMMENT ON TABLE "${schema}".lots IS
  'One production batch of at most 100 units.';
COMMENT ON COLUMN "${schema}".lots.id IS
  'Surrogate key.';
COMMENT ON COLUMN "${schema}".lots.lot_number IS
  'Number on the traveller, 13 characters, e.g. KR01PSA251101.';
COMMENT ON COLUMN "${schema}".lots.product_model_id IS
  'Product model that the lot makes.';
COMMENT ON COLUMN "${schema}".lots.production_date IS
  'Day on which production of the lot is planned to start.';
COMMENT ON COLUMN "${schema}".lots.target_quantity IS
  'Units planned.';
COMMENT ON COLUMN "${schema}".lots.actual_quantity IS
  'Units made so far.';
COMMENT ON COLUMN "${schema}".lots.passed_quantity IS
  'Units made that passed.';
COMMENT ON COLUMN "${schema}".lots.failed_quantity IS
  'Units that failed and wait for rework.';
COMMENT ON COLUMN "${schema}".lots.status IS
  'CREATED, IN_PROGRESS, COMPLETED, CLOSED: one way, in that order.';
COMMENT ON COLUMN "${schema}".lots.created_at IS
  'Time of creation.';
COMMENT ON COLUMN "${schema}".lots.updated_at IS
  'Time of the last update, by trigger.';
COMMENT ON COLUMN "${schema}".lots.closed_at IS
  'Time of closing; null until then.';


-- -------------------------------------------------------------------------------------------------
-- processes
-- -------------------------------------------------------------------------------------------------

CREATE TABLE "${schema}".processes (
  id                         bigserial    NOT NULL,
  process_number             integer      NOT NULL,
  process_code               varchar(50)  NOT NULL,
  process_name_ko            varchar(255) NOT NULL,
  process_name_en            varchar(255) NOT NULL,
  estimated_duration_seconds integer,
  is_active                  boolean      NOT NULL DEFAULT true,
  sort_order                 integer      NOT NULL,
  created_at                 timestamptz  NOT NULL DEFAULT now(),
  updated_at                 timestamptz  NOT NULL DEFAULT now(),
  CONSTRAINT processes_pkey PRIMARY KEY (id),
  CONSTRAINT processes_process_number_key UNIQUE (process_number),
  CONSTRAINT processes_process_code_key UNIQUE (process_code),
  CONSTRAINT processes_process_number_check CHECK (process_number BETWEEN 1 AND 8),
  CONSTRAINT processes_estimated_duration_seconds_check CHECK (estimated_duration_seconds > 0)
);

CREATE TRIGGER trg_processes_updated_at
BEFORE UPDATE ON "${schema}".processes
FOR EACH ROW EXECUTE FUNCTION "${schema}".mes_set_updated_at();

COMMENT ON TABLE "${schema}".processes IS
  'The 8 stations: 1 to 6 handle WIP, 7 prints the label and issues the serial, 8 packs.';
COMMENT ON COLUMN "${schema}".processes.id IS
  'Surrogate key.';
COMMENT ON COLUMN "${schema}".processes.process_number IS
  'Position in the line, 1 to 8.';
COMMENT ON COLUMN "${schema}".processes.process_code IS
  'Code of the station, e.g. LASER_MARKING.';
COMMENT ON COLUMN "${schema}".processes.process_name_ko IS
  'Korean name.';
COMMENT ON COLUMN "${schema}".processes.process_name_en IS
  'English name.';
COMMENT ON COLUMN "${schema}".processes.estimated_duration_seconds IS
  'Planned seconds for one unit; null where not planned.';
COMMENT ON COLUMN "${schema}".processes.is_active IS
  'Whether the station is in use.';
COMMENT ON COLUMN "${schema}".processes.sort_order IS
  'Order of display.';
COMMENT ON COLUMN "${schema}".processes.created_at IS
  'Time of creation.';
COMMENT ON COLUMN "${schema}".processes.updated_at IS
  'Time of the last update, by trigger.';

INSERT INTO "${schema}".processes (
  process_number,
  process_code,
  process_name_en,
  process_name_ko,
  estimated_duration_seconds,
  sort_order
)
VALUES
  (1, 'LASER_MARKING',        'Laser Marking',                 '레이저 마킹',      60,  1),
  (2, 'LMA_ASSEMBLY',         'LMA Assembly',                  'LMA 조립',         180, 2),
  (3, 'SENSOR_INSPECTION',    'Sensor Inspection',             '센서 검사',        120, 3),
  (4, 'FIRMWARE_UPLOAD',      'Firmware Upload',               '펌웨어 업로드',    300, 4),
  (5, 'ROBOT_ASSEMBLY',       'Robot Assembly',                '로봇 조립',        300, 5),
  (6, 'PERFORMANCE_TEST',     'Performance Test',              '성능검사',         180, 6),
  (7, 'LABEL_PRINTING',       'Label Printing',                '라벨 프린팅',      30,  7),
  (8, 'PACKAGING_INSPECTION', 'Packaging & Visual Inspection', '포장 + 외관검사',  90,  8);


-- -------------------------------------------------------------------------------------------------
-- wip_items
-- -------------------------------------------------------------------------------------------------

CREATE TABLE "${schema}".wip_items (
  id                 bigserial    NOT NULL,
  wip_id             varchar(50)  NOT NULL,
  lot_id             bigint       NOT NULL,
  serial_id          bigint,
  sequence_in_lot    integer      NOT NULL,
  status             varchar(20)  NOT NULL DEFAULT 'CREATED',
  current_process_id bigint,
  created_at         timestamptz  NOT NULL DEFAULT now(),
  updated_at         timestamptz  NOT NULL DEFAULT now(),
  completed_at       timestamptz,
  converted_at       timestamptz,
  notes              text,
  CONSTRAINT wip_items_pkey PRIMARY KEY (id),
  CONSTRAINT wip_items_wip_id_key UNIQUE (wip_id),
  CONSTRAINT wip_items_serial_id_key UNIQUE (serial_id),
  CONSTRAINT wip_items_lot_id_sequence_in_lot_key UNIQUE (lot_id, sequence_in_lot),
  CONSTRAINT wip_items_lot_id_fkey
    FOREIGN KEY (lot_id) REFERENCES "${schema}".lots (id),
  CONSTRAINT wip_items_current_process_id_fkey
    FOREIGN KEY (current_process_id) REFERENCES "${schema}".processes (id),
  CONSTRAINT wip_items_sequence_in_lot_check CHECK (sequence_in_lot BETWEEN 1 AND 100),
  CONSTRAINT wip_items_status_check
    CHECK (status IN ('CREATED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'CONVERTED'))
);

CREATE INDEX idx_wip_items_lot_id ON "${schema}".wip_items (lot_id);
CREATE INDEX idx_wip_items_status ON "${schema}".wip_items (status);
CREATE INDEX idx_wip_items_lot_status_process
  ON "${schema}".wip_items (lot_id, status, current_process_id);
CREATE INDEX idx_wip_items_process_in_progress
  ON "${schema}".wip_items (current_process_id, status)
  WHERE status = 'IN_PROGRESS';
CREATE INDEX idx_wip_items_created_at ON "${schema}".wip_items (created_at);
CREATE INDEX idx_wip_items_completed_at ON "${schema}".wip_items (completed_at);

CREATE TRIGGER trg_wip_items_updated_at
BEFORE UPDATE ON "${schema}".wip_items
FOR EACH ROW EXECUTE FUNCTION "${schema}".mes_set_updated_at();

COMMENT ON TABLE "${schema}".wip_items IS
  'One unit between process 1 and 6.';
COMMENT ON COLUMN "${schema}".wip_items.id IS
  'Surrogate key.';
COMMENT ON COLUMN "${schema}".wip_items.wip_id IS
  'Number of the unit, WIP-{lot_number}-{nnn}.';
COMMENT ON COLUMN "${schema}".wip_items.lot_id IS
  'Lot of the unit.';
COMMENT ON COLUMN "${schema}".wip_items.serial_id IS
  'Serial issued at process 7; null until then.';
COMMENT ON COLUMN "${schema}".wip_items.sequence_in_lot IS
  'Position in the lot, 1 to 100.';
COMMENT ON COLUMN "${schema}".wip_items.status IS
  'CREATED, IN_PROGRESS, COMPLETED or FAILED, CONVERTED; a FAILED unit may go back to IN_PROGRESS.';
COMMENT ON COLUMN "${schema}".wip_items.current_process_id IS
  'Station where the unit is or was last; null before the first.';
COMMENT ON COLUMN "${schema}".wip_items.created_at IS
  'Time of creation.';
COMMENT ON COLUMN "${schema}".wip_items.updated_at IS
  'Time of the last update, by trigger.';
COMMENT ON COLUMN "${schema}".wip_items.completed_at IS
  'Time at which processes 1 to 6 were done; null until then.';
COMMENT ON COLUMN "${schema}".wip_items.converted_at IS
  'Time at which the serial was issued; null until then.';
COMMENT ON COLUMN "${schema}".wip_items.notes IS
  'Free text.';


-- -------------------------------------------------------------------------------------------------
-- wip_process_history
-- -------------------------------------------------------------------------------------------------

CREATE TABLE "${schema}".wip_process_history (
  id               bigserial   NOT NULL,
  wip_item_id      bigint      NOT NULL,
  process_id       bigint      NOT NULL,
  operator_id      bigint      NOT NULL,
  equipment_id     bigint,
  result           varchar(10) NOT NULL,
  measurements     jsonb,
  defects          jsonb,
  notes            text,
  rework_reason    text,
  started_at       timestamptz NOT NULL,
  completed_at     timestamptz,
  duration_seconds integer,
  scan_timestamp   timestamptz DEFAULT now(),
  created_at       timestamptz DEFAULT now(),
  CONSTRAINT wip_process_history_pkey PRIMARY KEY (id),
  CONSTRAINT wip_process_history_wip_item_id_fkey
    FOREIGN KEY (wip_item_id) REFERENCES "${schema}".wip_items (id),
  CONSTRAINT wip_process_history_process_id_fkey
    FOREIGN KEY (process_id) REFERENCES "${schema}".processes (id),
  CONSTRAINT wip_process_history_result_check CHECK (result IN ('PASS', 'FAIL', 'REWORK')),
  CONSTRAINT wip_process_history_completed_at_check CHECK (completed_at >= started_at),
  CONSTRAINT wip_process_history_duration_seconds_check CHECK (duration_seconds >= 0)
);

CREATE INDEX idx_wip_process_history_wip_item_id ON "${schema}".wip_process_history (wip_item_id);
CREATE INDEX idx_wip_process_history_process_id ON "${schema}".wip_process_history (process_id);
CREATE INDEX idx_wip_process_history_started_at ON "${schema}".wip_process_history (started_at);
CREATE INDEX idx_wip_process_history_completed_at
  ON "${schema}".wip_process_history (completed_at)
  WHERE completed_at IS NOT NULL;
CREATE INDEX idx_wip_process_history_result_process
  ON "${schema}".wip_process_history (result, process_id);
CREATE INDEX idx_wip_process_history_measurements
  ON "${schema}".wip_process_history USING gin (measurements);
CREATE INDEX idx_wip_process_history_defects
  ON "${schema}".wip_process_history USING gin (defects);

CREATE TRIGGER trg_wip_process_history_duration_seconds
BEFORE INSERT OR UPDATE ON "${schema}".wip_process_history
FOR EACH ROW EXECUTE FUNCTION "${schema}".mes_set_duration_seconds();

COMMENT ON TABLE "${schema}".wip_process_history IS
  'One execution of one process on one unit.';
COMMENT ON COLUMN "${schema}".wip_process_history.id IS
  'Surrogate key.';
COMMENT ON COLUMN "${schema}".wip_process_history.wip_item_id IS
  'Unit worked on.';
COMMENT ON COLUMN "${schema}".wip_process_history.process_id IS
  'Station that did the work.';
COMMENT ON COLUMN "${schema}".wip_process_history.operator_id IS
  'Operator who did the work.';
COMMENT ON COLUMN "${schema}".wip_process_history.equipment_id IS
  'Machine used; null for work by hand.';
COMMENT ON COLUMN "${schema}".wip_process_history.result IS
  'PASS, FAIL or REWORK.';
COMMENT ON COLUMN "${schema}".wip_process_history.measurements IS
  'Values measured, by name.';
COMMENT ON COLUMN "${schema}".wip_process_history.defects IS
  'Defects found.';
COMMENT ON COLUMN "${schema}".wip_process_history.notes IS
  'Free text.';
COMMENT ON COLUMN "${schema}".wip_process_history.rework_reason IS
  'Why the unit was reworked.';
COMMENT ON COLUMN "${schema}".wip_process_history.started_at IS
  'Start of the execution.';
COMMENT ON COLUMN "${schema}".wip_process_history.completed_at IS
  'End of the execution; null while under way.';
COMMENT ON COLUMN "${schema}".wip_process_history.duration_seconds IS
  'Seconds from start to end, by trigger; null while under way.';
COMMENT ON COLUMN "${schema}".wip_process_history.scan_timestamp IS
  'Time at which the unit was scanned at the station.';
COMMENT ON COLUMN "${schema}".wip_process_history.created_at IS
  'Time of creation of the row.';
