-- Compares the columns of a view that was built with those of the live one.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_column_changes(live oid, built oid)
  RETURNS TABLE ("position" integer, column_name text, change text, type_was text, type_is text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH named AS (
    SELECT
      a.attrelid AS relation,
      a.attname,
      row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum)::integer AS position,
      format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END AS type
    FROM pg_attribute AS a
    JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid IN (live, built) AND a.attnum > 0 AND NOT a.attisdropped
  ),
  paired AS (
    SELECT
      w.position AS was_at,
      n.position AS is_at,
      coalesce(n.attname, w.attname)::text AS name,
      w.type AS type_was,
      n.type AS type_is,
      -- the place among the columns that both have
      rank() OVER (PARTITION BY w.attname IS NULL OR n.attname IS NULL ORDER BY w.position) AS was_th,
      rank() OVER (PARTITION BY w.attname IS NULL OR n.attname IS NULL ORDER BY n.position) AS is_th
    FROM (SELECT * FROM named WHERE named.relation = live) AS w
    FULL JOIN (SELECT * FROM named WHERE named.relation = built) AS n ON n.attname = w.attname
  )
  SELECT
    coalesce(p.is_at, p.was_at),
    p.name,
    CASE
      WHEN p.was_at IS NULL THEN 'added'
      WHEN p.is_at IS NULL THEN 'dropped'
      WHEN p.type_was <> p.type_is THEN 'retyped'
      WHEN p.was_th <> p.is_th THEN 'moved'
      ELSE 'kept'
    END,
    p.type_was,
    p.type_is
  FROM paired AS p
  ORDER BY p.is_at, p.was_at;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_column_changes(oid, oid) IS
  'The columns of a live view and of the one that was built to take its place: kept, added, dropped, retyped or moved.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_reads_clock(relation oid, column_name text)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  query text := "${schema}".wip_view_ddl('pg_class'::regclass, relation, 'pg_catalog, pg_temp');
  line text;
BEGIN
  -- The planner leaves out what a column does not need, and prints the rest, which either has a clock or not. To make that
  -- possible, all clocks become now(), which is stable, and WITH queries are not materialized.
  query := regexp_replace(query, E'\\m(clock|statement|transaction)_timestamp\\(\\)', 'now()', 'g');
  query := regexp_replace(query, E'\\mAS (NOT )?(MATERIALIZED )?\\(', 'AS NOT MATERIALIZED (', 'g');
  FOR line IN EXECUTE format('EXPLAIN (VERBOSE, COSTS OFF) SELECT q.%I FROM (%s) AS q', column_name, query) LOOP
    IF regexp_replace(line, $literal$'[^']*'$literal$, '', 'g') ~ E'\\m(now\\(\\)|timeofday\\(\\)|CURRENT_DATE|CURRENT_TIME|LOCALTIME)' THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_reads_clock(oid, text) IS
  'Whether a column of a view derives from the clock, so that it differs whenever the view is refreshed. Asks the planner and runs nothing; it cannot look into user-defined functions.';
