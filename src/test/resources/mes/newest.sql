-- The newest MES: made by the ORM of the service, with integer ids and without triggers. Only some of the service's code
-- writes the status and the station of an item.
CREATE TABLE lots (
  id serial PRIMARY KEY,
  lot_number varchar(50) NOT NULL UNIQUE,
  product_model_id integer NOT NULL,
  production_line_id integer,
  production_date date NOT NULL,
  target_quantity integer NOT NULL DEFAULT 100,
  actual_quantity integer NOT NULL DEFAULT 0,
  passed_quantity integer NOT NULL DEFAULT 0,
  failed_quantity integer NOT NULL DEFAULT 0,
  status varchar(20) NOT NULL DEFAULT 'CREATED',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz
);
CREATE INDEX ON lots (status);

CREATE TABLE processes (
  id serial PRIMARY KEY,
  process_number integer NOT NULL UNIQUE,
  process_code varchar(50) NOT NULL UNIQUE,
  process_name_ko varchar(255) NOT NULL,
  process_name_en varchar(255) NOT NULL,
  process_type varchar(20) NOT NULL DEFAULT 'MANUFACTURING',
  estimated_duration_seconds integer,
  is_active boolean NOT NULL DEFAULT true,
  sort_order integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE wip_items (
  id serial PRIMARY KEY,
  wip_id varchar(50) NOT NULL UNIQUE,
  lot_id bigint NOT NULL REFERENCES lots,
  serial_id bigint UNIQUE,
  sequence_in_lot integer NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'CREATED',
  current_process_id bigint REFERENCES processes,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  converted_at timestamptz,
  UNIQUE (lot_id, sequence_in_lot)
);
CREATE INDEX ON wip_items (status);

-- Executions that run now: they get their row in the history when they end.
CREATE TABLE process_sessions (
  id serial PRIMARY KEY,
  wip_item_id bigint NOT NULL REFERENCES wip_items,
  process_id bigint NOT NULL REFERENCES processes,
  started_at timestamptz NOT NULL
);

CREATE TABLE wip_process_history (
  id serial PRIMARY KEY,
  wip_item_id bigint NOT NULL REFERENCES wip_items,
  process_id bigint NOT NULL REFERENCES processes,
  process_session_id bigint,
  operator_id bigint NOT NULL,
  equipment_id bigint,
  result varchar(10) NOT NULL,
  measurements jsonb,
  defects jsonb,
  defect_items jsonb,
  notes text,
  started_at timestamptz NOT NULL,
  completed_at timestamptz,
  duration_seconds integer,
  created_at timestamptz DEFAULT now()
);
CREATE INDEX ON wip_process_history (wip_item_id);
CREATE INDEX ON wip_process_history (started_at);
