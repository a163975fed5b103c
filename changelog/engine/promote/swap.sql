-- The swap runs what was planned, under the locks that keep readers out, in milliseconds.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_unchanged()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  changed text;
BEGIN
  SELECT string_agg(o.name, ', ' ORDER BY o.position)
  INTO changed
  FROM pg_temp.wip_plan_object AS o
  WHERE o.fingerprint IS NOT NULL
    AND "${schema}".wip_view_fingerprint(o.class, o.object) IS DISTINCT FROM o.fingerprint;
  IF changed IS NOT NULL THEN
    RAISE EXCEPTION 'another session changed what depends on %: %', (SELECT p.live_name FROM pg_temp.wip_plan AS p), changed
      USING ERRCODE = 'object_in_use', HINT = 'Nothing was changed. Deploy again.';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_unchanged() IS
  'Stops if what a promotion recreates has changed since it was planned.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_swap()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  retire CONSTANT boolean := EXISTS (SELECT FROM pg_temp.wip_plan_object AS o WHERE o.class = 'pg_proc'::regclass);
BEGIN
  IF retire THEN
    PERFORM "${schema}".wip_view_plan_step('move', 'SELECT "${schema}".wip_view_check_retired()');
  END IF;
  -- outermost dependants first: nothing depends on what is dropped any more
  PERFORM "${schema}".wip_view_plan_step('move', step.statement)
  FROM (
    SELECT concat_ws('; ',
                     CASE
                       WHEN retire THEN "${schema}".wip_view_retire_ddl(o.class, o.object)
                       ELSE 'DROP ' || "${schema}".wip_view_ddl_name(o.object)
                     END,
                     format('ALTER %s SET SCHEMA %s', "${schema}".wip_view_ddl_name(o.successor),
                            coalesce(c.relnamespace, '"${schema}"'::regnamespace)::regnamespace))
    FROM pg_temp.wip_plan_object AS o
    LEFT JOIN pg_class AS c ON c.oid = o.object
    WHERE o.successor IS NOT NULL
    ORDER BY o.position DESC
  ) AS step (statement);

  -- This comes after the move: a role that passed a grant on may not use the staging schema.
  PERFORM "${schema}".wip_view_plan_step('attributes', step.statement)
  FROM (
    SELECT a.statement
    FROM pg_temp.wip_plan_object AS o
    CROSS JOIN LATERAL "${schema}".wip_view_attribute_ddl(o.object, o.successor) WITH ORDINALITY AS a (statement, number)
    WHERE o.object IS NOT NULL AND o.successor IS NOT NULL
    ORDER BY o.position, a.number
  ) AS step;
  -- default privileges of this schema, since a new view was made in the staging schema
  PERFORM "${schema}".wip_view_plan_step('attributes', g.statement)
  FROM pg_temp.wip_plan AS p
  JOIN pg_default_acl AS a
    ON a.defaclnamespace = '"${schema}"'::regnamespace AND a.defaclrole = current_user::regrole AND a.defaclobjtype = 'r'
  CROSS JOIN LATERAL "${schema}".wip_view_grant_ddl(a.defaclacl, a.defaclrole, p.live_name) AS g (statement)
  WHERE p.live IS NULL;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_swap() IS
  'Plans what happens once everything that the swap replaces is locked: the old ones go, the new ones take their places and get the attributes of the old ones.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_run_steps()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- Readers wait. Everything is locked, except for what a definition may need to read for a moment.
  SET lock_timeout = '200ms'
  -- wip_view_check_bodies() checks bodies later, when the new relations have their names
  SET check_function_bodies = off
AS $function$
DECLARE
  next_phase text;
  step record;
  failed_sqlstate text;
  failed_error text;
  dependants text;
BEGIN
  FOREACH next_phase IN ARRAY ARRAY['drop', 'replace', 'move', 'attributes', 'finish'] LOOP
    FOR step IN SELECT s.statement, s.path FROM pg_temp.wip_plan_step AS s WHERE s.phase = next_phase ORDER BY s.number LOOP
      PERFORM "${schema}".wip_view_execute(step.statement, step.path);
    END LOOP;
  END LOOP;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS failed_sqlstate = RETURNED_SQLSTATE, failed_error = MESSAGE_TEXT, dependants = PG_EXCEPTION_DETAIL;
  IF failed_sqlstate = '2BP01' THEN
    failed_error := 'because of what came to depend on the old one, or cannot be recreated: ' || replace(dependants, E'\n', '; ');
  END IF;
  RAISE EXCEPTION 'cannot put the new % in place: %', (SELECT p.live_name FROM pg_temp.wip_plan AS p), failed_error
    USING ERRCODE = failed_sqlstate,
          DETAIL = step.statement,
          HINT = 'Nothing was changed. Deploy again, or change or drop what is in the way first.';
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_run_steps() IS
  'Runs the statements of the plan, phase by phase.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_swap()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  started CONSTANT timestamptz := clock_timestamp();
  attempts integer;
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  RAISE NOTICE '%: promoting', plan.view_name;
  attempts := "${schema}".wip_view_acquire_exclusive(
    format('put the new %s in place', plan.live_name),
    -- outermost first, as readers lock
    ARRAY(SELECT o.locked FROM pg_temp.wip_plan_object AS o WHERE o.locked IS NOT NULL ORDER BY o.position DESC));
  PERFORM "${schema}".wip_view_check_unchanged();
  PERFORM "${schema}".wip_view_plan_swap();
  PERFORM "${schema}".wip_view_run_steps();
  PERFORM "${schema}".wip_view_check_bodies();
  RAISE NOTICE '%: promoted in % ms, attempt %, kept %', plan.view_name,
    round(extract(epoch FROM clock_timestamp() - started) * 1000), attempts,
    coalesce((SELECT string_agg(o.name, ', ' ORDER BY o.position) FROM pg_temp.wip_plan_object AS o WHERE o.fate <> 'promoted'),
             'no dependants');
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_swap() IS
  'Puts the new relations in the places of the old ones. Readers wait for milliseconds.';
