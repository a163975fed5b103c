-- Fills what a promotion puts in place: it is a refresh of the view and of every materialized view that it rebuilds.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_refresh_remedy(relation oid, failed_sqlstate text)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  owner CONSTANT oid := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = relation);
  remedy text;
BEGIN
  IF failed_sqlstate = '42501' THEN
    SELECT string_agg(grants.statement, '; ')
    INTO remedy
    FROM (
      SELECT format('GRANT USAGE ON SCHEMA %s TO %s', c.relnamespace::regnamespace, owner::regrole)
      FROM "${schema}".wip_view_reads(relation) AS read
      JOIN pg_class AS c ON c.oid = read
      WHERE NOT has_schema_privilege(owner, c.relnamespace, 'USAGE')
      UNION
      SELECT format('GRANT SELECT ON %s TO %s', coalesce(o.name, read::regclass::text), owner::regrole)
      FROM "${schema}".wip_view_reads(relation) AS read
      LEFT JOIN pg_temp.wip_plan_object AS o ON o.successor = read
      WHERE NOT has_table_privilege(owner, coalesce(o.object, read), 'SELECT')
      UNION
      SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', f.routine::regprocedure, owner::regrole)
      FROM "${schema}".wip_view_calls(relation) AS f (routine)
      WHERE NOT has_function_privilege(owner, f.routine, 'EXECUTE')
    ) AS grants (statement);
    RETURN coalesce(remedy, format('Grant %s what the functions that its query calls need.', owner::regrole));
  ELSIF failed_sqlstate IN ('42P01', '42883', '42704', '3F000') THEN
    SELECT string_agg(f.routine::regprocedure::text, ', ')
    INTO remedy
    FROM "${schema}".wip_view_calls(relation) AS f (routine)
    JOIN pg_proc AS p ON p.oid = f.routine
    WHERE NOT EXISTS (SELECT FROM unnest(p.proconfig) AS setting WHERE starts_with(setting, 'search_path='));
    RETURN 'A refresh runs with the search_path pg_catalog, pg_temp. '
      || coalesce(format('Qualify the names in the body of %s, or give it a SET search_path.', remedy),
                  'Qualify the names in the functions that its query calls, or give them a SET search_path.');
  END IF;
  RETURN NULL;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_refresh_remedy(oid, text) IS
  'The remedy for a refresh that failed with an SQLSTATE: the grants that the owner lacks, or the functions whose bodies name what they do not find.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_refresh_successor(relation_name text, successor regclass)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- as a refresh has it
  SET jit = off
AS $function$
DECLARE
  failed_sqlstate text;
  failed_error text;
  row_count bigint;
BEGIN
  PERFORM "${schema}".wip_view_execute(format('REFRESH MATERIALIZED VIEW %s', successor));
  PERFORM "${schema}".wip_view_execute(format('ANALYZE %s', successor));
  EXECUTE format('SELECT count(*) FROM %s', successor) INTO row_count;
  RETURN row_count;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS failed_sqlstate = RETURNED_SQLSTATE, failed_error = MESSAGE_TEXT;
  RAISE EXCEPTION 'cannot put the new % in place, because a refresh of % by its owner % fails: %',
      (SELECT p.live_name FROM pg_temp.wip_plan AS p), relation_name,
      (SELECT c.relowner::regrole FROM pg_class AS c WHERE c.oid = successor), failed_error
    USING ERRCODE = failed_sqlstate,
          HINT = concat_ws(' ', 'Nothing was changed.', "${schema}".wip_view_refresh_remedy(successor, failed_sqlstate));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_refresh_successor(text, regclass) IS
  'Fills a relation as a refresh does: as its owner, under the search_path of a refresh. Returns its number of rows.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_fill()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  next_object record;
  row_count bigint;
BEGIN
  FOR next_object IN
    SELECT o.position, o.name, o.successor::regclass AS successor, o.fate
    FROM pg_temp.wip_plan_object AS o
    LEFT JOIN pg_class AS c ON c.oid = o.object
    WHERE o.fate = 'promoted' OR o.fate = 'rebuilt' AND o.successor IS NOT NULL AND c.relispopulated
    ORDER BY o.position
  LOOP
    -- as a refresh does: once it has its turn, before it reads anything
    UPDATE pg_temp.wip_plan_object AS o
    SET started_at = "${schema}".wip_view_begin((SELECT c.relname::text FROM pg_class AS c WHERE c.oid = next_object.successor)),
        others_as_of = coalesce("${schema}".wip_view_all_rows_as_of(), '{}')
    WHERE o.position = next_object.position;
    IF next_object.fate = 'rebuilt' THEN
      RAISE NOTICE '%: building dependant %', (SELECT p.view_name FROM pg_temp.wip_plan AS p), next_object.name;
    END IF;
    row_count := "${schema}".wip_view_refresh_successor(next_object.name, next_object.successor);
    UPDATE pg_temp.wip_plan_object AS o SET rows = row_count WHERE o.position = next_object.position;
    IF next_object.fate = 'promoted' THEN
      RAISE NOTICE '%: built, % rows in % ms', (SELECT p.view_name FROM pg_temp.wip_plan AS p), row_count,
        round(extract(epoch FROM clock_timestamp() - current_setting('wip_views.staged_at')::timestamptz) * 1000);
    END IF;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_fill() IS
  'Fills the view that was built and the materialized views over it.';
