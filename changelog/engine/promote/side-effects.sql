-- Keeps a view's file from reaching anything but the view that it builds.
--
-- A file that begins with DROP MATERIALIZED VIEW IF EXISTS, as scripts do, finds a decoy of the view's name, in a schema
-- that is searched before the live one's. Anything else that a file does to an object that is not its own, the transaction's
-- own rows in the system catalogs show, and a promotion stops.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_make_decoy(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- A role that may not create schemas deploys without a decoy: a DROP in its files then stops the promotion.
  IF to_regnamespace('"wip_decoy_${schema}"') IS NOT NULL OR has_database_privilege(current_database(), 'CREATE') THEN
    PERFORM "${schema}".wip_view_make_staging('wip_decoy_${schema}');
    EXECUTE format('CREATE MATERIALIZED VIEW %I.%I AS SELECT NULL WITH NO DATA', 'wip_decoy_${schema}', view_name);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_make_decoy(text) IS
  'Creates a materialized view of the view''s name where a DROP in its file finds it before the live one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_catalog_rows(built oid)
  RETURNS TABLE (catalog oid, class oid, object oid, part integer, version xid, own boolean)
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  queries text;
BEGIN
  -- Every catalog of objects, and those that say more of one. Of what comes with the server, only what this transaction,
  -- or one after it, has changed.
  SELECT string_agg(
    format('SELECT %1$s::oid, %2$s, %3$s, %4$s, xmin FROM %5$s WHERE %3$s >= 16384 OR age(xmin) <= 0',
      q.catalog::oid, q.class, q.object, q.part, q.catalog),
    ' UNION ALL ')
  INTO queries
  FROM (
    SELECT c.oid::regclass, c.oid::text, 'oid', '0'
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'oid' AND a.attnum > 0
    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.relname <> 'pg_largeobject_metadata'
    UNION ALL
    VALUES
      ('pg_attribute'::regclass, 'pg_class'::regclass::oid::text, 'attrelid', 'attnum'),
      ('pg_index', 'pg_class'::regclass::oid::text, 'indexrelid', '0'),
      ('pg_sequence', 'pg_class'::regclass::oid::text, 'seqrelid', '0'),
      ('pg_description', 'classoid', 'objoid', 'objsubid'),
      ('pg_seclabel', 'classoid', 'objoid', 'objsubid')
  ) AS q (catalog, class, object, part)
  WHERE has_table_privilege(q.catalog, 'SELECT');

  RETURN QUERY EXECUTE replace(
    $query$
      WITH RECURSIVE own (class, object) AS (
        SELECT 'pg_class'::regclass::oid, $1
        UNION
        SELECT 'pg_namespace'::regclass::oid, n.oid
        FROM pg_namespace AS n
        WHERE n.nspname = $2 OR n.nspname ~ '^pg_(toast_)?temp_'
        UNION
        SELECT d.classid, d.objid
        FROM own
        JOIN pg_depend AS d ON d.refclassid = own.class AND d.refobjid = own.object
        WHERE d.deptype IN ('a', 'i') OR own.class = 'pg_namespace'::regclass
      )
      SELECT
        r.*,
        -- A visible row was committed, or is of this transaction, whose subtransactions have higher numbers.
        CASE
          WHEN age(r.version) <= 0
          THEN pg_xact_status((pg_current_xact_id()::text::bigint - age(r.version))::text::xid8) = 'in progress'
          ELSE false
        END
      FROM (<queries>) AS r (catalog, class, object, part, version)
      WHERE (r.class, r.object) NOT IN (SELECT own.class, own.object FROM own WHERE own.object IS NOT NULL)
    $query$, '<queries>', queries)
  USING built, 'wip_decoy_${schema}'::name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_catalog_rows(oid) IS
  'The rows of the system catalogs about users'' objects, and new ones, except those of the view that is built, of the decoy, and of temporary objects.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_snapshot_catalog()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regclass('pg_temp.wip_catalog_before') IS NOT NULL THEN
    DROP TABLE pg_temp.wip_catalog_before;
  END IF;
  CREATE TEMPORARY TABLE wip_catalog_before ON COMMIT DROP AS
  SELECT r.*, CASE WHEN r.catalog = r.class THEN pg_describe_object(r.class, r.object, 0) END AS description
  FROM "${schema}".wip_view_catalog_rows(NULL) AS r;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_snapshot_catalog() IS
  'Notes the rows of the catalogs before a view''s file runs, for wip_view_check_side_effects().';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_side_effects()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  reached text;
BEGIN
  -- A script that was run statement by statement has committed already.
  IF to_regclass('pg_temp.wip_catalog_before') IS NULL THEN
    RETURN;
  END IF;
  CREATE TEMPORARY TABLE wip_catalog_now ON COMMIT DROP AS
  SELECT r.* FROM "${schema}".wip_view_catalog_rows((SELECT p.built FROM pg_temp.wip_plan AS p)) AS r;

  -- Rules, types and TOAST tables come and go with their relations, and are not reported.
  SELECT coalesce(
    string_agg(DISTINCT d.description, ', ')
      FILTER (WHERE o.class NOT IN ('pg_type'::regclass, 'pg_rewrite'::regclass) AND d.description !~ ' pg_toast[.]'),
    string_agg(DISTINCT d.description, ', '))
  INTO reached
  FROM (
    SELECT n.class, n.object
    FROM pg_temp.wip_catalog_now AS n
    WHERE n.own
      AND NOT EXISTS (
        SELECT FROM pg_temp.wip_catalog_before AS w
        WHERE (w.catalog, w.class, w.object, w.part, w.version::text) = (n.catalog, n.class, n.object, n.part, n.version::text))
    UNION
    -- gone: another session may have dropped it meanwhile; this transaction did if it holds the lock of a DROP
    SELECT w.class, w.object
    FROM pg_temp.wip_catalog_before AS w
    JOIN pg_locks AS l
      ON l.pid = pg_backend_pid()
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
      AND (l.locktype = 'relation' AND w.class = 'pg_class'::regclass AND l.relation = w.object
        OR l.locktype = 'object' AND l.classid = w.class AND l.objid = w.object)
    WHERE NOT EXISTS (
      SELECT FROM pg_temp.wip_catalog_now AS n
      WHERE (n.catalog, n.class, n.object, n.part) = (w.catalog, w.class, w.object, w.part))
  ) AS o
  LEFT JOIN pg_temp.wip_catalog_before AS named
    ON named.class = o.class AND named.object = o.object AND named.description IS NOT NULL
  CROSS JOIN LATERAL (SELECT coalesce(named.description, pg_describe_object(o.class, o.object, 0))) AS d (description);
  DROP TABLE pg_temp.wip_catalog_now;

  IF reached IS NOT NULL THEN
    RAISE EXCEPTION 'the file of % does more than build it: it drops, makes, changes, grants or comments on %',
        (SELECT p.view_name FROM pg_temp.wip_plan AS p), reached
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Nothing was changed. A view''s file makes the view, its indexes and its comments, by unqualified names: remove the rest.';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_side_effects() IS
  'Stops if a view''s file has dropped, created or changed anything but the view that it builds.';
