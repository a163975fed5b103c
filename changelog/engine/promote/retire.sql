-- Retires what a swap replaces, where functions refer to it by its oid.
--
-- A call of such a function reads the body or the type before it takes any lock, and so may wait for the very lock that
-- the swap holds, or come later in a transaction that has not heard of the swap. If the old relation were dropped, the
-- call would end with 'could not open relation with OID'. So it is renamed and moved to the staging schema, where such a
-- call still finds it, and is dropped when every transaction of that time has ended.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_retire_ddl(class oid, object oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('ALTER ROUTINE %s RENAME TO %I; ALTER ROUTINE %s.%I(%s) SET SCHEMA %I',
                p.oid::regprocedure, retired.name, p.pronamespace::regnamespace, retired.name,
                pg_get_function_identity_arguments(p.oid), 'wip_staging_${schema}')
  FROM pg_proc AS p
  CROSS JOIN (SELECT 'retired_' || object) AS retired (name)
  WHERE class = 'pg_proc'::regclass AND p.oid = object
  UNION ALL
  SELECT concat_ws('; ',
    -- they do not move along
    (SELECT string_agg(format('DROP STATISTICS %s.%I', s.stxnamespace::regnamespace, s.stxname), '; ')
     FROM pg_statistic_ext AS s
     WHERE s.stxrelid = object),
    -- the new one has indexes of these names
    (SELECT string_agg(format('ALTER INDEX %s RENAME TO %I', i.indexrelid::regclass, 'retired_' || i.indexrelid), '; ')
     FROM pg_index AS i
     WHERE i.indrelid = object),
    format('ALTER %s RENAME TO %I', "${schema}".wip_view_ddl_name(object), retired.name),
    format('ALTER %s %s.%I SET SCHEMA %I', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
           c.relnamespace::regnamespace, retired.name, 'wip_staging_${schema}'))
  FROM pg_class AS c
  CROSS JOIN (SELECT 'retired_' || object) AS retired (name)
  WHERE class = 'pg_class'::regclass AND c.oid = object;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_retire_ddl(oid, oid) IS
  'The statements that rename a relation or routine and move it to the staging schema.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_retired()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  statement text;
BEGIN
  FOR statement IN
    SELECT format('DROP ROUTINE %s', o.object::regprocedure)
    FROM pg_temp.wip_plan_object AS o
    WHERE o.class = 'pg_proc'::regclass AND o.fate = 'recreated'
  LOOP
    EXECUTE statement;
  END LOOP;
  FOR statement IN
    SELECT 'DROP ' || "${schema}".wip_view_ddl_name(o.object)
    FROM pg_temp.wip_plan_object AS o
    WHERE o.class = 'pg_class'::regclass AND o.object IS NOT NULL AND o.successor IS NOT NULL
    ORDER BY o.position DESC
  LOOP
    EXECUTE statement;
  END LOOP;
  RAISE EXCEPTION SQLSTATE 'WV003';
EXCEPTION WHEN SQLSTATE 'WV003' THEN
  RETURN;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_retired() IS
  'Stops if something still depends on what is retired: drops all of it, and rolls that back.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_drop_retired()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  deadline CONSTANT timestamptz := clock_timestamp() + interval '5 seconds';
  older CONSTANT text[] := ARRAY(
    SELECT l.virtualxid
    FROM pg_locks AS l
    JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'virtualxid'
      AND l.pid <> pg_backend_pid()
      AND a.datname = current_database()
      AND a.backend_type IS DISTINCT FROM 'autovacuum worker');
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_class AS c WHERE c.relnamespace = to_regnamespace('"wip_staging_${schema}"') AND c.relname ~ '^retired_[0-9]+$')
  THEN
    RETURN;
  END IF;
  WHILE EXISTS (SELECT FROM pg_locks AS l WHERE l.locktype = 'virtualxid' AND l.virtualxid = ANY (older)) LOOP
    -- the next deploy drops it
    IF clock_timestamp() > deadline THEN
      RETURN;
    END IF;
    PERFORM pg_sleep(0.02);
  END LOOP;
  PERFORM "${schema}".wip_view_drop_unused('wip_staging_${schema}', '^retired_[0-9]+$');
  PERFORM "${schema}".wip_view_drop_staging('wip_staging_${schema}');
  PERFORM "${schema}".wip_view_drop_copies();
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_drop_retired() IS
  'Drops what promotions retired, once the transactions that are running now have ended; after five seconds, leaves it to the next deploy.';
