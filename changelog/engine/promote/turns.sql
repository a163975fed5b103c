-- A promotion takes its turn among the refreshes of a view, and keeps them off until the swap.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_promote_limit()
  RETURNS interval
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(nullif(current_setting('wip_views.promote_limit', true), ''), '60s')::interval;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_promote_limit() IS
  'How long a promotion waits for the transactions that hold what it needs: the setting wip_views.promote_limit (60s).';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_await_refresh(purpose text, refreshed text, statement text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- restores what is set within
  SET lock_timeout = 0
AS $function$
DECLARE
  promote_limit CONSTANT interval := "${schema}".wip_view_promote_limit();
BEGIN
  PERFORM "${schema}".wip_view_limit_lock_waits(promote_limit);
  EXECUTE statement;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RAISE EXCEPTION 'could not % within %: % is being refreshed all that time', purpose, promote_limit, refreshed
    USING ERRCODE = 'lock_not_available',
          HINT = 'Nothing was changed. Try again when that has ended, or allow more time with SET wip_views.promote_limit.';
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_await_refresh(text, text, text) IS
  'Runs a statement that waits for a refresh to end, for as long as the setting wip_views.promote_limit allows; the purpose is for the error.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_acquire_turn(purpose text, view_name text)
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_await_refresh(purpose, view_name, format(
    'SELECT pg_advisory_xact_lock(%s, %s)', '"${schema}".wip_view'::regclass::oid::integer, hashtext(view_name)));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_acquire_turn(text, text) IS
  'Acquires the turn of a view, as a refresh does, until the transaction ends: a caller that asks for a refresh waits.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stop_refresh(purpose text, relation regclass)
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  -- A REFRESH by hand waits for the lock of a COMMENT, and then finds the new relation by its name; readers go on.
  SELECT "${schema}".wip_view_await_refresh(purpose, relation::text, format(
    'COMMENT ON MATERIALIZED VIEW %s IS %L', relation, obj_description(relation, 'pg_class')));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stop_refresh(text, regclass) IS
  'Keeps a materialized view from being refreshed by hand until the transaction ends.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stop_refreshes()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  next_view text;
  next_relation regclass;
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  -- It takes the turns as a refresh does, in the order in which refresh_all_wip_views() takes them: a caller that asks for a
  -- refresh waits, and is served by this promotion if it asked before the view is filled.
  FOR next_view IN
    SELECT v.view_name
    FROM "${schema}".wip_view_order AS v
    JOIN pg_temp.wip_plan_object AS o ON o.name = format('%I.%I', '${schema}', v.view_name) AND o.fate IN ('promoted', 'rebuilt')
    ORDER BY v.position
  LOOP
    PERFORM "${schema}".wip_view_acquire_turn('put the new ' || plan.live_name || ' in place', next_view);
  END LOOP;
  IF to_regclass(plan.live_name) IS DISTINCT FROM plan.live::regclass THEN
    RAISE EXCEPTION 'another session replaced or renamed %', plan.live_name
      USING ERRCODE = 'object_in_use', HINT = 'Nothing was changed. Deploy again.';
  END IF;

  FOR next_relation IN
    SELECT o.object FROM pg_temp.wip_plan_object AS o
    WHERE o.object IS NOT NULL AND o.successor IS NOT NULL AND o.fate IN ('promoted', 'rebuilt')
    ORDER BY o.position
  LOOP
    PERFORM "${schema}".wip_view_stop_refresh('put the new ' || plan.live_name || ' in place', next_relation);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stop_refreshes() IS
  'Keeps the view and the materialized views that are rebuilt from being refreshed until the transaction ends.';
