-- What is wrong with the views, and what mends it. A check is a function wip_view_find_NAME() without arguments that
-- returns a row per finding, and none when all is well. It changes nothing.
-- wip_view_findings() runs every function of that name, here, in the WIP part or in a changelog of a service: so a new check
-- is one file. In it, priority says what to mend first:
--   1  what the other checks and the refreshes stand on
--   2  readers get an error, or figures that mean something else
--   3  the rows get older
--   4  refreshes or readers take longer than they need
--   5  the data that the views show
-- What only files can tell, such as an object that a deploy makes and somebody dropped, is in the Java class Doctor.

-- Checks run with the rights of the caller: so none that another role has put into the schema.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_checks()
  RETURNS TABLE (check_name text, routine regprocedure, owner oid, is_ours boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT replace(substr(p.proname, length('wip_view_find_') + 1), '_', '-'), p.oid::regprocedure, p.proowner, p.proowner = ours.relowner
  FROM pg_proc AS p
  JOIN pg_class AS ours ON ours.relnamespace = p.pronamespace AND ours.relname = 'wip_view'
  WHERE p.pronamespace = to_regnamespace('"${schema}"')
    AND starts_with(p.proname, 'wip_view_find_')
    AND p.pronargs = 0;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_checks() IS
  'The checks of wip_view_findings(): each function wip_view_find_NAME(), by the name in findings. is_ours: it belongs to the owner of the table wip_view; others are not run.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_run_check(name text, routine regprocedure)
  RETURNS TABLE (check_name text, severity text, subject text, what text, why text, remedy text[], safe boolean, priority integer)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  state text;
  message text;
  hint text;
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT %L, ''problem'', f.subject, f.what, f.why, f.remedy, f.safe AND f.remedy <> ''{}'', f.priority FROM %s AS f', name, routine);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
  check_name := name;
  severity := 'unknown';
  what := 'could not look: ' || message;
  why := nullif(hint, '');
  remedy := '{}';
  safe := false;
  priority := 3;
  IF state = '55P03' THEN
    what := 'could not look: another session has locked what it reads';
    why := 'Run the checks again when the lock is released.';
    remedy := ARRAY["${schema}".wip_view_command('blockers')];
  ELSIF state = '42501' THEN
    why := coalesce(why, 'Look as the owner, or deploy with the parameter readerRole naming this role.');
  ELSIF state IN ('42P01', '42883', '42703') THEN
    -- what it names is not there, or is another version's
    check_name := 'incomplete';
    severity := 'problem';
    what := message;
    why := 'What a deploy makes is not there as it should be, so a check could not look.';
    remedy := ARRAY["${schema}".wip_view_command('recreate')];
    priority := 1;
  ELSE
    what := format('%s (%s)', what, state);
    why := coalesce(why, 'Something is wrong with the check, or with what it reads.');
  END IF;
  RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_run_check(text, regprocedure) IS
  'What one check finds; that it could not look, and why, where it fails.';

-- current_schema() is the caller's: an argument is evaluated before the search_path is set.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_findings(default_schema text DEFAULT pg_catalog.current_schema())
  RETURNS TABLE (check_name text, severity text, subject text, what text, why text, remedy text[], safe boolean, priority integer)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
  SET lock_timeout = '100ms'
AS $function$
  SELECT set_config('wip_views.default_schema', coalesce(default_schema, ''), true);

  SELECT found.check_name, found.severity, found.subject, found.what, found.why, found.remedy, found.safe, found.priority
  FROM (
    SELECT f.*, row_number() OVER () AS place
    FROM "${schema}".wip_view_checks() AS c
    CROSS JOIN LATERAL "${schema}".wip_view_run_check(c.check_name, c.routine) AS f
    WHERE c.is_ours
    UNION ALL
    SELECT
      c.check_name, 'unknown', NULL, format('could not look: the function %s belongs to %s', c.routine, c.owner::regrole),
      'It would run with the rights of the role that runs the checks. Give it to the owner of the table wip_view, or drop it.', '{}', false, 3, 0
    FROM "${schema}".wip_view_checks() AS c
    WHERE NOT c.is_ours
  ) AS found
  -- several checks may fail for one reason
  GROUP BY found.check_name, found.severity, found.subject, found.what, found.why, found.remedy, found.safe, found.priority
  ORDER BY found.priority, found.check_name, min(found.place);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_findings(text) IS
  'What wip-views doctor prints: a row per thing that is wrong, in the order in which to mend it; no row when all is well. Looks with the caller''s rights, changes nothing, and waits for no lock. severity: problem, or unknown where a check could not look; remedy: what to run, statements and command lines; safe: whether that changes nothing that anybody could miss; priority: 1 to mend first, 5 last. The argument is the schema that command lines need not name.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_source_tables()
  RETURNS TABLE (view_name text, table_oid oid, table_name text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE reading AS (
    SELECT v.view_name, c.oid
    FROM "${schema}".wip_view AS v
    JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = v.view_name AND c.relkind = 'm'
    UNION
    SELECT reading.view_name, read.oid
    FROM reading
    CROSS JOIN LATERAL "${schema}".wip_view_reads(reading.oid) AS read (oid)
  )
  SELECT reading.view_name, c.oid, format('%I.%I', n.nspname, c.relname)
  FROM reading
  JOIN pg_class AS c ON c.oid = reading.oid AND c.relkind IN ('r', 'p')
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  -- ours: one row
  WHERE c.oid <> '"${schema}".wip_view_settings'::regclass
  ORDER BY c.relname, reading.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_source_tables() IS
  'The tables that registered views read, themselves or through other views: a row per view and table, by its name for SQL.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_size_of(relation oid)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN pg_total_relation_size(relation);
EXCEPTION WHEN lock_not_available THEN
  RETURN NULL;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_size_of(oid) IS
  'Size of a relation on disk, with its indexes; null if that could not be asked within lock_timeout.';

-- The rows are from the statistics; of what was loaded before those began, as ANALYZE has found.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_sizes()
  RETURNS TABLE (name text, rows bigint, dead_rows bigint, bytes bigint)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
  SET lock_timeout = '100ms'
AS $function$
  SELECT
    c.relname::text,
    greatest(pg_stat_get_live_tuples(c.oid), c.reltuples::bigint, 0),
    pg_stat_get_dead_tuples(c.oid),
    "${schema}".wip_view_size_of(c.oid)
  FROM pg_class AS c
  WHERE c.oid IN (SELECT t.table_oid FROM "${schema}".wip_view_source_tables() AS t)
    OR c.relnamespace = '"${schema}"'::regnamespace AND c.relkind = 'm'
      AND c.relname IN (SELECT v.view_name FROM "${schema}".wip_view AS v)
  ORDER BY 2 DESC, c.relname;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_sizes() IS
  'How large the registered views are, and the tables that they read: about how many rows and dead rows, and bytes on disk with the indexes, null where another session has locked the relation. The one with the most rows first.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_may_read(VARIADIC relations text[])
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT bool_and(coalesce(has_table_privilege(to_regclass(format('%I.%I', '${schema}', r.name)), 'SELECT'), false))
  FROM unnest(relations) AS r (name);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_may_read(text[]) IS
  'Whether the caller may read all of these relations of this schema, and they are there: a check has nothing to say to others.';
