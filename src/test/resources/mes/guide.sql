-- The MES of the guide: made by SQL scripts, with triggers that keep the items as their history says.
CREATE TABLE lots (
  id bigserial PRIMARY KEY,
  lot_number varchar(50) NOT NULL UNIQUE,
  product_model_id bigint NOT NULL,
  production_date date NOT NULL,
  target_quantity integer NOT NULL DEFAULT 100,
  actual_quantity integer NOT NULL DEFAULT 0,
  passed_quantity integer NOT NULL DEFAULT 0,
  failed_quantity integer NOT NULL DEFAULT 0,
  status varchar(20) NOT NULL DEFAULT 'CREATED' CHECK (status IN ('CREATED', 'IN_PROGRESS', 'COMPLETED', 'CLOSED')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz
);
CREATE INDEX ON lots (status);

CREATE TABLE processes (
  id bigserial PRIMARY KEY,
  process_number integer NOT NULL UNIQUE CHECK (process_number BETWEEN 1 AND 8),
  process_code varchar(50) NOT NULL UNIQUE,
  process_name_ko varchar(255) NOT NULL,
  process_name_en varchar(255) NOT NULL,
  estimated_duration_seconds integer CHECK (estimated_duration_seconds > 0),
  is_active boolean NOT NULL DEFAULT true,
  sort_order integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE wip_items (
  id bigserial PRIMARY KEY,
  wip_id varchar(50) NOT NULL UNIQUE,
  lot_id bigint NOT NULL REFERENCES lots,
  serial_id bigint UNIQUE,
  sequence_in_lot integer NOT NULL CHECK (sequence_in_lot BETWEEN 1 AND 100),
  status varchar(20) NOT NULL DEFAULT 'CREATED'
    CHECK (status IN ('CREATED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'CONVERTED')),
  current_process_id bigint REFERENCES processes,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  converted_at timestamptz,
  notes text,
  UNIQUE (lot_id, sequence_in_lot)
);
CREATE INDEX ON wip_items (lot_id);
CREATE INDEX ON wip_items (status);

CREATE TABLE wip_process_history (
  id bigserial PRIMARY KEY,
  wip_item_id bigint NOT NULL REFERENCES wip_items,
  process_id bigint NOT NULL REFERENCES processes,
  operator_id bigint NOT NULL,
  equipment_id bigint,
  result varchar(10) NOT NULL CHECK (result IN ('PASS', 'FAIL', 'REWORK')),
  measurements jsonb,
  defects jsonb,
  notes text,
  rework_reason text,
  started_at timestamptz NOT NULL,
  completed_at timestamptz CHECK (completed_at >= started_at),
  duration_seconds integer CHECK (duration_seconds >= 0),
  scan_timestamp timestamptz DEFAULT now(),
  created_at timestamptz DEFAULT now()
);
CREATE INDEX ON wip_process_history (wip_item_id);
CREATE INDEX ON wip_process_history (process_id);
CREATE INDEX ON wip_process_history (started_at);
CREATE INDEX ON wip_process_history (completed_at) WHERE completed_at IS NOT NULL;

-- The duration follows from the times.
CREATE FUNCTION execution_lasts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.duration_seconds := extract(epoch FROM NEW.completed_at - NEW.started_at);
  RETURN NEW;
END
$$;
CREATE TRIGGER execution_lasts BEFORE INSERT OR UPDATE ON wip_process_history
FOR EACH ROW EXECUTE FUNCTION execution_lasts();

-- The newest row says where the item was last, and its status; an item cannot fail before it has begun.
CREATE FUNCTION execution_moves_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest wip_process_history;
BEGIN
  SELECT * INTO newest FROM wip_process_history
  WHERE wip_item_id = NEW.wip_item_id ORDER BY started_at DESC, id DESC LIMIT 1;
  UPDATE wip_items
  SET current_process_id = newest.process_id,
      status = CASE WHEN newest.result = 'FAIL' AND newest.completed_at IS NOT NULL THEN 'FAILED' ELSE 'IN_PROGRESS' END
  WHERE id = NEW.wip_item_id AND status <> 'COMPLETED';
  RETURN NULL;
END
$$;
CREATE TRIGGER execution_moves_item AFTER INSERT OR UPDATE ON wip_process_history
FOR EACH ROW EXECUTE FUNCTION execution_moves_item();

CREATE FUNCTION item_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  IF OLD.status = 'CREATED' AND NEW.status = 'FAILED' THEN
    RAISE EXCEPTION 'a unit that has not begun cannot fail';
  END IF;
  IF NEW.status = 'COMPLETED' AND OLD.status <> 'COMPLETED'
    AND EXISTS (SELECT FROM lots WHERE id = NEW.lot_id AND status = 'CLOSED')
  THEN
    RAISE EXCEPTION 'the lot is closed';
  END IF;
  -- A serial is issued for a unit that is done, and stays so.
  IF NEW.status = 'CONVERTED' THEN
    NEW.status := 'COMPLETED';
    NEW.completed_at := NEW.converted_at;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER item_changes BEFORE UPDATE ON wip_items
FOR EACH ROW EXECUTE FUNCTION item_changes();
