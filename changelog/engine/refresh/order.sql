-- Refreshing.
--
-- One mechanism, in steps that a caller may put into transactions as it likes:
--
--   wip_view_request(view)        puts the attempt on record, and notes which refresh may serve it
--   wip_view_run(refresh_id)      waits for its turn, refreshes or finds itself served, and completes the record
--   wip_view_fail(refresh_id, ...)  completes the record of an attempt whose transaction was rolled back
--
-- refresh_wip_view() is the first two in the caller's transaction. CALL refresh_wip_views() and the Java API commit
-- the requests first, so that a failure, or a session that was killed, stays on record.
--
-- The functions run with their owner's rights (before PostgreSQL 17 only the owner of a view can refresh it), so
-- their search_path is pinned to the system's own schema and every other name is qualified: nothing that a caller
-- puts on its path, not even in a schema where everybody may create, is ever looked at.

SELECT "${schema}".wip_view_snapshot_objects();
SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_order');
SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_running');

-- ---------------------------------------------------------------------------------------------------------------
-- In which order
-- ---------------------------------------------------------------------------------------------------------------

-- A view comes after all that it reads, and those come no later than the view's own refresh_order demands.
CREATE OR REPLACE VIEW "${schema}".wip_view_order AS
WITH RECURSIVE registered AS (
  SELECT v.view_name, v.refresh_order, c.oid
  -- an array, of which the planner expects a few rows; of a table that is too small to be analyzed, so many that it compiles
  FROM pg_catalog.unnest(ARRAY(SELECT w FROM "${schema}".wip_view AS w)) AS v
  LEFT JOIN pg_catalog.pg_class AS c
    ON c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
    AND c.relname = v.view_name
    AND c.relkind = 'm'
),
-- what each reads: through views, materialized views that are not registered, and functions whose body the catalog knows
reached (view_name, class, object) AS (
  SELECT r.view_name, 'pg_catalog.pg_class'::pg_catalog.regclass::oid, r.oid
  FROM registered AS r
  WHERE r.oid IS NOT NULL
  UNION
  SELECT reached.view_name, next.class, next.object
  FROM reached
  -- OFFSET 0: by index for each, however many the planner expects
  CROSS JOIN LATERAL (
    SELECT d.refclassid, d.refobjid
    FROM pg_catalog.pg_rewrite AS query
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid
      AND d.objid = query.oid
    WHERE reached.class = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
      AND query.ev_class = reached.object
      AND query.rulename = '_RETURN'
    UNION
    SELECT d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend AS d
    WHERE reached.class = 'pg_catalog.pg_proc'::pg_catalog.regclass::oid
      AND d.classid = reached.class
      AND d.objid = reached.object
    OFFSET 0
  ) AS next (class, object)
  LEFT JOIN LATERAL (
    SELECT c.relkind
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = next.object
      AND next.class = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
    OFFSET 0
  ) AS relation ON true
  WHERE relation.relkind IN ('v', 'm')
    OR next.class = 'pg_catalog.pg_proc'::pg_catalog.regclass::oid
),
reads AS (
  SELECT DISTINCT reached.view_name, source.view_name AS source
  FROM reached
  JOIN registered AS source
    ON reached.class = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
    AND source.oid = reached.object
    AND source.view_name <> reached.view_name
)
SELECT
  v.view_name,
  pg_catalog.row_number() OVER (
    ORDER BY least(v.refresh_order, readers.first), pg_catalog.cardinality(sources.names), v.refresh_order, v.view_name
  ) AS position,
  sources.names AS reads
FROM registered AS v
CROSS JOIN LATERAL (
  SELECT ARRAY(SELECT reads.source FROM reads WHERE reads.view_name = v.view_name ORDER BY reads.source) AS names
) AS sources
CROSS JOIN LATERAL (
  SELECT pg_catalog.min(reader.refresh_order) AS first
  FROM reads
  JOIN registered AS reader ON reader.view_name = reads.view_name
  WHERE reads.source = v.view_name
) AS readers;

COMMENT ON VIEW "${schema}".wip_view_order IS 'The order in which all views are refreshed: a row per registered view. A view comes after the registered views that it reads, to any depth; refresh_order decides among the rest.';
COMMENT ON COLUMN "${schema}".wip_view_order.view_name IS 'The view, as registered in wip_view.';
COMMENT ON COLUMN "${schema}".wip_view_order.position IS 'Its place in refresh_all_wip_views(), CALL refresh_wip_views() and wip_view_freshness, from 1 on.';
COMMENT ON COLUMN "${schema}".wip_view_order.reads IS 'The registered views that it reads, itself or through other views. What a function written in PL/pgSQL reads is not known to the server.';

-- The same for one view. Partitions are of interest to wip_view_source_state() alone.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_read_objects(relation oid)
  RETURNS TABLE (read_class oid, read_object oid)
  ROWS 10
  -- not in SQL: planning this each time would cost more than running it
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN QUERY
  WITH RECURSIVE read (class, object) AS (
    SELECT 'pg_class'::regclass::oid, relation
    UNION
    SELECT next.class, next.object
    FROM read
    -- OFFSET 0: by index for each, however many the planner expects
    CROSS JOIN LATERAL (
      SELECT d.refclassid, d.refobjid
      FROM pg_rewrite AS query
      JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = query.oid
      WHERE read.class = 'pg_class'::regclass AND query.ev_class = read.object AND query.rulename = '_RETURN'
      UNION
      SELECT d.refclassid, d.refobjid
      FROM pg_depend AS d
      WHERE read.class = 'pg_proc'::regclass AND d.classid = read.class AND d.objid = read.object
      UNION
      SELECT 'pg_class'::regclass, i.inhrelid
      FROM pg_inherits AS i
      WHERE read.class = 'pg_class'::regclass AND i.inhparent = read.object
      OFFSET 0
    ) AS next (class, object)
    WHERE next.class IN ('pg_class'::regclass, 'pg_proc'::regclass)
  )
  SELECT * FROM read;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_read_objects(oid) IS
  'The relations and functions that a view reads, and itself: through other views, partitions, and functions whose body the catalog knows.';

-- What a refresh asks of its own view, which the order of all would tell, too, at a cost that grows with their number.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_sources(view_name text)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN ARRAY(
    SELECT v.view_name
    FROM "${schema}".wip_view_read_objects(to_regclass('"${schema}".' || quote_ident(wip_view_sources.view_name))) AS read (class, object)
    JOIN pg_class AS c ON read.class = 'pg_class'::regclass AND c.oid = read.object AND c.relkind = 'm'
    JOIN "${schema}".wip_view AS v ON c.relnamespace = '"${schema}"'::regnamespace AND v.view_name = c.relname
    WHERE v.view_name <> wip_view_sources.view_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_sources(text) IS
  'The registered views that a registered view reads, itself or through other views, as wip_view_order.reads has them.';

-- ---------------------------------------------------------------------------------------------------------------
-- Which refreshes are running
-- ---------------------------------------------------------------------------------------------------------------

-- Nothing that a transaction writes is seen before it ends, but its locks are. The turn of a view is an advisory lock;
-- when its holder began to refresh is the key of another one, in seconds.
CREATE OR REPLACE VIEW "${schema}".wip_view_running AS
WITH lock AS (
  SELECT l.pid, l.granted, l.mode, l.classid, l.objid
  FROM pg_catalog.pg_locks AS l
  WHERE l.locktype = 'advisory'
    AND l.objsubid = 2::smallint
    -- databases cloned from one template have the same oids
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
)
SELECT
  v.view_name,
  turn.pid,
  (
    SELECT pg_catalog.to_timestamp(pg_catalog.max(began.objid::bigint)::double precision)
    FROM lock AS began
    WHERE began.pid = turn.pid
      AND began.classid = pg_catalog.hashtext(v.view_name)::oid
      AND began.mode = 'ShareLock'
  ) AS since,
  (
    SELECT pg_catalog.count(DISTINCT waiting.pid)
    FROM lock AS waiting
    WHERE NOT waiting.granted
      AND waiting.classid = turn.classid
      AND waiting.objid IN (turn.objid, pg_catalog.hashtext('next '::text || v.view_name)::oid)
  ) AS waiting
FROM "${schema}".wip_view AS v
JOIN lock AS turn
  ON turn.classid = '"${schema}".wip_view'::pg_catalog.regclass::oid
  AND turn.objid = pg_catalog.hashtext(v.view_name)::oid
  AND turn.mode = 'ExclusiveLock'
  AND turn.granted;

COMMENT ON VIEW "${schema}".wip_view_running IS 'The views that are being refreshed, or promoted by a deploy, right now: a row per view whose turn a transaction holds. To end it: SELECT pg_cancel_backend(pid), or pg_terminate_backend(pid) if that is not enough; the next in line then refreshes. Empty on a standby.';
COMMENT ON COLUMN "${schema}".wip_view_running.view_name IS 'The view, as registered in wip_view.';
COMMENT ON COLUMN "${schema}".wip_view_running.pid IS 'Process of the session that holds the turn, to the end of its transaction.';
COMMENT ON COLUMN "${schema}".wip_view_running.since IS 'When it began to refresh the view, to the second; null if a deploy holds the turn.';
COMMENT ON COLUMN "${schema}".wip_view_running.waiting IS 'How many sessions wait for the turn: callers of a refresh, and deploys.';
