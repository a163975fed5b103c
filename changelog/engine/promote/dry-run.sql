-- A plan: the first half of a promotion, which reports in place of the second. In a transaction that is rolled back:
--
--   BEGIN;
--   SELECT wip_view_stage('mv_x');
--   (the view's file runs)
--   SELECT jsonb_pretty(wip_view_plan('mv_x'));
--   ROLLBACK;
--
-- The build is real; what it locks is what a build locks: it reads tables, and keeps nobody but their ALTER and DROP
-- waiting. A view that was planned stays beside the live ones until then, in a schema of its own that is searched first: the
-- next view, which may read a column that only the new one has, is planned on top of it.
--
-- While the setting wip_views.plan is on, wip_view_promote() is wip_view_plan(): a Liquibase update is planned by running it
-- and rolling it back.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_action(version text)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT CASE
      WHEN "${schema}".wip_view_is_older(p.view_name, version) THEN 'keep'
      WHEN "${schema}".wip_view_is_frozen(p.view_name) THEN 'defer'
      WHEN p.live IS NOT NULL THEN 'replace'
      WHEN EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = p.view_name) THEN 'bring back'
      ELSE 'create'
    END
    FROM pg_temp.wip_plan AS p
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_action(text) IS
  'What a promotion does with the view: create it, replace it, bring back one that is gone, keep one that was deployed with a higher version, or defer what it deploys until the view is thawed.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_body_refusals()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET check_function_bodies = on
AS $function$
DECLARE
  changing CONSTANT text := (
    SELECT string_agg(DISTINCT regexp_replace(c.relname, E'(\\W)', E'\\\\\\1', 'g'), '|')
    FROM pg_temp.wip_plan_object AS o
    JOIN pg_class AS c ON c.oid = o.object
    WHERE o.successor IS NOT NULL
      AND "${schema}".wip_view_columns(o.object) <> "${schema}".wip_view_columns(o.successor));
  body record;
BEGIN
  -- A promotion checks once the new ones have the names of the old ones. Here the body is read as if it named the new ones.
  FOR body IN
    SELECT b.description, to_regprocedure(b.routine) AS routine,
           regexp_replace(pg_get_functiondef(to_regprocedure(b.routine)),
             E'(?<![\\w."])("?[\\w$]+"?\\.)?"?(' || changing || E')"?(?![\\w"])', E'"wip_staging_${schema}"."\\2"', 'gi') AS definition
    FROM pg_temp.wip_plan_body AS b
  LOOP
    BEGIN
      PERFORM "${schema}".wip_view_execute(
        body.definition,
        coalesce(
          (SELECT substring(s FROM '^search_path=(.*)$') FROM pg_proc AS p CROSS JOIN unnest(p.proconfig) AS s
           WHERE p.oid = body.routine AND starts_with(s, 'search_path=')),
          current_setting('wip_views.search_path')));
      RAISE EXCEPTION SQLSTATE 'WV003';
    EXCEPTION
      WHEN undefined_column OR undefined_function OR datatype_mismatch OR invalid_function_definition THEN
        INSERT INTO pg_temp.wip_plan_object (class, object, kind, name, fate, problem)
        VALUES ('pg_proc'::regclass, body.routine, 'other', body.description, 'refused',
                body.description || ': it would fail when it is called: ' || SQLERRM);
      -- the names were taken for what they are not
      WHEN OTHERS THEN
        CONTINUE;
    END;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_body_refusals() IS
  'Refuses, in a plan, the functions whose bodies would no longer work: what wip_view_check_bodies() finds in a promotion.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_fill()
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  rebuilt record;
  refusal text;
  remedy text;
BEGIN
  FOR rebuilt IN
    SELECT o.name, o.successor::regclass AS successor
    FROM pg_temp.wip_plan_object AS o
    JOIN pg_class AS c ON c.oid = o.object AND c.relispopulated
    WHERE o.fate = 'rebuilt' AND o.successor IS NOT NULL
    ORDER BY o.position
  LOOP
    PERFORM "${schema}".wip_view_refresh_successor(rebuilt.name, rebuilt.successor);
  END LOOP;
  RETURN '{}';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS refusal = MESSAGE_TEXT, remedy = PG_EXCEPTION_HINT;
  RETURN jsonb_build_object('refusal', refusal, 'remedy', nullif(remedy, ''));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_fill() IS
  'Fills, in a plan, the materialized views that are rebuilt, as a promotion does: nothing, or the refusal of the one whose query fails on the new rows.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_report(version text)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  build_time CONSTANT interval := clock_timestamp() - current_setting('wip_views.staged_at')::timestamptz;
  view_name CONSTANT text := (SELECT p.view_name FROM pg_temp.wip_plan AS p);
  action text := 'replace';
  compared jsonb;
  problems text;
  refusal text;
  remedy text;
  report jsonb;
BEGIN
  action := "${schema}".wip_view_plan_action(version);
  IF action = 'keep' THEN
    RETURN jsonb_build_object('view', view_name, 'action', action);
  END IF;
  PERFORM "${schema}".wip_view_check_built();
  PERFORM "${schema}".wip_view_check_side_effects();
  IF action = 'defer' THEN
    RETURN jsonb_build_object('view', view_name, 'action', action);
  END IF;
  PERFORM "${schema}".wip_view_stand_in();
  compared := "${schema}".wip_view_compare();
  PERFORM "${schema}".wip_view_plan_fates();
  PERFORM "${schema}".wip_view_body_refusals();
  problems := "${schema}".wip_view_plan_problems();
  report := "${schema}".wip_view_report(action, compared, build_time) || CASE
    WHEN problems IS NULL THEN "${schema}".wip_view_plan_fill()
    ELSE jsonb_build_object('refusal', 'because of what depends on it: ' || problems, 'remedy', 'Change or drop these first.')
  END;
  IF NOT report ? 'refusal' THEN
    PERFORM "${schema}".wip_view_keep_planned((SELECT p.built::regclass FROM pg_temp.wip_plan AS p));
  END IF;
  RETURN report;
EXCEPTION WHEN OTHERS THEN
  -- as the promotion would stop
  GET STACKED DIAGNOSTICS refusal = MESSAGE_TEXT, remedy = PG_EXCEPTION_HINT;
  RETURN jsonb_build_object('view', view_name, 'action', action, 'refusal', refusal, 'remedy', nullif(remedy, ''));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_report(text) IS
  'Plans the view that was built, and returns the report.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan(
  view_name text, refresh_order integer DEFAULT NULL, freshness_target interval DEFAULT NULL, version text DEFAULT NULL)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  report jsonb;
BEGIN
  PERFORM "${schema}".wip_view_plan_begin(view_name);
  INSERT INTO pg_temp.wip_staged (view_name, planned) VALUES (view_name, true);
  UPDATE pg_temp.wip_plan SET dry_run = true;
  report := "${schema}".wip_view_plan_report(version);
  PERFORM "${schema}".wip_view_begin_plan();
  INSERT INTO pg_temp.wip_planned (report) VALUES (report);
  PERFORM "${schema}".wip_view_leave_staging();
  RETURN report;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan(text, integer, interval, text) IS
  'Reports what wip_view_promote() would do with the view that was built in the staging schema, without doing it: columns, rows by the unique key, dependants with their fates, what would be lost, who holds the view now, and why it would be refused. After that the transaction can only be rolled back.';
