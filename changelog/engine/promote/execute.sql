-- The only place where a promotion changes the search_path, and the only one where it runs a statement and undoes it.

DO $earlier$
BEGIN
  -- Functions that an earlier version made, one of which returned something else.
  DROP FUNCTION IF EXISTS
    "${schema}".wip_view_give(oid, oid, oid[], oid[]),
    "${schema}".wip_view_settle(oid, oid),
    "${schema}".wip_view_attributes(oid, oid),
    "${schema}".wip_view_grants(aclitem[], oid, text, text),
    "${schema}".wip_view_state(oid, oid),
    "${schema}".wip_view_source(oid, oid, text);
  IF EXISTS (
    SELECT
    FROM pg_catalog.pg_proc AS p
    WHERE p.oid = pg_catalog.to_regprocedure('"${schema}".wip_view_drift()')
      AND p.prorettype = 'pg_catalog.text'::pg_catalog.regtype
  ) THEN
    DROP FUNCTION "${schema}".wip_view_drift();
  END IF;
END
$earlier$;

SELECT "${schema}".wip_view_snapshot_objects();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_execute(statement text, path text DEFAULT 'pg_catalog, pg_temp')
  RETURNS void
  LANGUAGE plpgsql
  -- restores what is set within
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM set_config('search_path', path, true);
  EXECUTE statement;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_execute(text, text) IS
  'Runs statements under a search_path, by default that of a refresh.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_evaluate(expression text, path text)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  result text;
BEGIN
  PERFORM set_config('search_path', path, true);
  EXECUTE 'SELECT ' || expression INTO result;
  -- Printing a query locks what it reads until the transaction ends, and the live view could not be refreshed plainly in all
  -- that time. Undoing the subtransaction releases the locks.
  RAISE EXCEPTION SQLSTATE 'WV003';
EXCEPTION WHEN SQLSTATE 'WV003' THEN
  RETURN result;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_evaluate(text, text) IS
  'The value of an expression under a search_path, without the locks that it takes.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_try(
  statement text, path text, exclusive oid[] DEFAULT '{}', check_bodies boolean DEFAULT false)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- restores what is set within
  SET check_function_bodies = off
AS $function$
BEGIN
  PERFORM set_config('check_function_bodies', check_bodies::text, true);
  PERFORM "${schema}".wip_view_acquire_exclusive('try a new definition', exclusive);
  PERFORM "${schema}".wip_view_execute(statement, path);
  RAISE EXCEPTION SQLSTATE 'WV003';
EXCEPTION
  WHEN SQLSTATE 'WV003' THEN
    RETURN NULL;
  WHEN lock_not_available THEN
    RAISE;
  WHEN OTHERS THEN
    RETURN SQLERRM;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_try(text, text, oid[], boolean) IS
  'What is wrong with statements, which are run under a search_path and undone; null if nothing is. exclusive: what they lock against readers. check_bodies: whether the bodies of functions count, which may name what is not in place yet.';
