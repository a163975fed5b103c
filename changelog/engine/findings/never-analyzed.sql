-- A table that a view reads, of which the planner knows nothing. When it was analyzed is forgotten with a crash, a failover
-- or pg_stat_reset(); what that found is not, and is in pg_stats for those who may read the table.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_never_analyzed()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    4,
    c.relname::text,
    format('the table was never analyzed, and has about %s rows', to_char(pg_stat_get_live_tuples(c.oid), 'FM999,999,999,999,990')),
    'The planner guesses, and a refresh may read far more than it needs.',
    ARRAY[format('ANALYZE %s;', read.table_name)],
    true
  FROM (SELECT DISTINCT t.table_oid, t.table_name FROM "${schema}".wip_view_source_tables() AS t) AS read
  JOIN pg_class AS c ON c.oid = read.table_oid
  WHERE pg_stat_get_last_analyze_time(c.oid) IS NULL
    AND pg_stat_get_last_autoanalyze_time(c.oid) IS NULL
    -- the server's own autovacuum_analyze_threshold: below it, the planner cannot be far off
    AND pg_stat_get_live_tuples(c.oid) > 50
    AND CASE
      WHEN has_any_column_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
        THEN NOT EXISTS (
          SELECT
          FROM pg_stats AS s
          WHERE s.schemaname = c.relnamespace::regnamespace::name AND s.tablename = c.relname
        )
      ELSE c.reltuples < 0
    END
  ORDER BY c.relname;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_never_analyzed() IS
  'Tables that registered views read, and that were never analyzed.';
