-- A view that cannot be read, is frozen, or is older than it may be.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_view_state()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT 2, f.view_name, said.what, said.why, said.remedy, f.state NOT IN ('missing', 'frozen')
  FROM "${schema}".wip_view_freshness AS f
  LEFT JOIN LATERAL (
    -- what has its name and is none: it has to be moved out of the way
    SELECT format('ALTER %s %s RENAME TO %I;',
      CASE c.relkind
        WHEN 'v' THEN 'VIEW'
        WHEN 'f' THEN 'FOREIGN TABLE'
        WHEN 'S' THEN 'SEQUENCE'
        WHEN 'c' THEN 'TYPE'
        WHEN 'i' THEN 'INDEX'
        WHEN 'I' THEN 'INDEX'
        ELSE 'TABLE'
      END,
      c.oid::regclass,
      left(c.relname, 50) || '_' || c.oid) AS renaming
    FROM pg_class AS c
    WHERE c.relnamespace = '"${schema}"'::regnamespace
      AND c.relname = f.view_name
      AND c.relkind <> 'm'
  ) AS other ON true
  CROSS JOIN LATERAL (SELECT format('SELECT * FROM %I.refresh_wip_view(%L);', '${schema}', f.view_name)) AS refresh (statement)
  CROSS JOIN LATERAL (
    SELECT
      'the view is missing: something else has its name' AS what,
      'Nothing refreshes what its readers see.' AS why,
      ARRAY[other.renaming, "${schema}".wip_view_command('recreate', f.view_name)] AS remedy
    WHERE f.state = 'missing' AND other.renaming IS NOT NULL
    UNION ALL
    SELECT
      'the view is missing: it was dropped or renamed',
      'Its readers get an error.',
      ARRAY["${schema}".wip_view_command('recreate', f.view_name)]
    WHERE f.state = 'missing' AND other.renaming IS NULL
    UNION ALL
    SELECT
      'the view is not populated',
      'Its readers get an error until it is refreshed.',
      ARRAY[refresh.statement]
    WHERE f.state = 'unpopulated'
    UNION ALL
    SELECT
      CASE
        WHEN f.age IS NULL THEN 'the view was never refreshed'
        ELSE format('the view is stale: its rows are %s old, its target is %s',
          "${schema}".wip_view_duration_text(f.age), "${schema}".wip_view_duration_text(f.target))
      END,
      'Its readers decide by old figures: the job that should refresh it does not run, or fails.',
      ARRAY[refresh.statement]
    WHERE f.state = 'stale'
    UNION ALL
    SELECT
      format('the view is frozen for %s', "${schema}".wip_view_duration_text(clock_timestamp() - f.frozen_since)),
      'Its readers get the rows of that time, and a refresh does nothing, until somebody thaws it: when the tables are migrated.',
      ARRAY["${schema}".wip_view_command('thaw', f.view_name)]
    WHERE f.state = 'frozen'
  ) AS said;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_view_state() IS
  'Views that are missing, not populated, stale or frozen.';
