-- The schema of a plan: views that were planned are there, and those that are planned after them read them.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_has_planned_schema()
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT to_regclass('pg_temp.wip_planned') IS NOT NULL
    -- a schema of another role is not searched
    AND EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = 'wip_planned_${schema}' AND n.nspowner = current_user::regrole);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_has_planned_schema() IS
  'Whether this transaction plans, and has a schema for the views that it has planned.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_begin_plan()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regclass('pg_temp.wip_planned') IS NULL THEN
    CREATE TEMPORARY TABLE wip_planned (
      number integer GENERATED ALWAYS AS IDENTITY,
      report jsonb NOT NULL
    ) ON COMMIT DROP;
    -- A role that may not make a schema plans each view beside the live ones alone.
    IF has_database_privilege(current_database(), 'CREATE') THEN
      PERFORM "${schema}".wip_view_make_staging('wip_planned_${schema}');
    END IF;
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_begin_plan() IS
  'Makes the temporary table of what is planned in this transaction, and the schema where the next views find it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_keep_planned(built regclass)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET client_min_messages = warning
AS $function$
DECLARE
  planned CONSTANT name := 'wip_planned_${schema}';
  kind CONSTANT text := (SELECT CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END FROM pg_class AS c WHERE c.oid = built);
BEGIN
  PERFORM "${schema}".wip_view_begin_plan();
  IF NOT "${schema}".wip_view_has_planned_schema() THEN
    RETURN;
  END IF;
  EXECUTE format('DROP %s IF EXISTS %I.%I', kind, planned, (SELECT c.relname FROM pg_class AS c WHERE c.oid = built));
  -- the owner of the next view may read it; no other session ever sees it
  EXECUTE format('GRANT SELECT ON %s TO PUBLIC', built);
  EXECUTE format('ALTER %s %s SET SCHEMA %I', kind, built, planned);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_keep_planned(regclass) IS
  'Moves a view that was planned to where the views that are planned after it find it.';
