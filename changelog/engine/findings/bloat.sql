-- A view that takes far more of the disk than its rows need. A vacuum makes the space usable again, and gives none of it
-- back. What the rows need is known from what ANALYZE has found: their number and mean width in the heap, which an index
-- does not exceed. Values that are stored apart are counted by their chunks.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_bloat()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    4,
    size.view_name,
    format('it takes %s of the disk for %s rows that need about %s',
      pg_size_pretty(size.bytes), to_char(size.rows, 'FM999,999,999,999,990'), pg_size_pretty(need.bytes)),
    'Reading and refreshing it goes through all of that, and a vacuum gives none of it back. A recreation does, while its readers go on.',
    ARRAY["${schema}".wip_view_command('recreate', size.view_name)],
    false
  FROM (
    SELECT
      f.view_name,
      c.relnamespace::regnamespace::name AS schema,
      c.reltoastrelid AS toast,
      greatest(pg_stat_get_live_tuples(c.oid), c.reltuples::bigint, f.rows, 1) AS rows,
      (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = c.oid) AS indexes,
      coalesce((
        SELECT o.option_value::integer FROM pg_options_to_table(c.reloptions) AS o WHERE o.option_name = 'fillfactor'), 100)
        / 100.0 AS filled,
      -- as the last refresh left it: to ask for it now would wait for one that has locked the view
      f.bytes
    FROM "${schema}".wip_view_freshness AS f
    JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = f.view_name AND c.relkind = 'm'
  ) AS size
  CROSS JOIN LATERAL (
    -- a row has a header of 24 bytes and a pointer of 4, and is aligned to 8
    SELECT 36 + sum(s.avg_width) AS bytes
    FROM pg_stats AS s
    WHERE s.schemaname = size.schema AND s.tablename = size.view_name
  ) AS row_width
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(
      CASE
        WHEN chunks.number > 0 THEN least(chunks.number * 2048, chunks.bytes)
        -- what there is of it is not known
        ELSE chunks.bytes
      END), 0) AS bytes
    FROM (
      SELECT
        greatest(pg_stat_get_live_tuples(t.oid), t.reltuples::bigint) AS number,
        t.relpages * current_setting('block_size')::bigint AS bytes
      FROM pg_class AS t
      WHERE t.oid = size.toast
    ) AS chunks
  ) AS toast
  CROSS JOIN LATERAL (
    SELECT (size.rows * row_width.bytes * (1 + size.indexes) / size.filled)::bigint + toast.bytes::bigint AS bytes
  ) AS need
  -- A refresh that rewrites every row leaves as many again; twice that is nothing to mend, and nobody notices a few megabytes.
  WHERE size.bytes - need.bytes >= 8 * 1024 * 1024
    AND size.bytes >= 5 * need.bytes
  ORDER BY size.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_bloat() IS
  'Views that take far more of the disk than their rows need.';
