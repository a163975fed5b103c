-- An index of the MES that a refresh needs: those of mes-indexes.changelog.yaml, by the conditions under which that builds
-- them.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_mes_index()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    4,
    format('%s (%s)', wanted.table_name, wanted.column_name),
    'the MES has no valid index that begins so',
    'Each refresh reads the whole table.',
    ARRAY[
      format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I;', '${schema}', index.name),
      format('CREATE INDEX CONCURRENTLY %I ON %I.%I (%I)%s;',
        index.name, '${schema}', wanted.table_name, wanted.column_name, ' WHERE ' || wanted.predicate)],
    true
  FROM (
    SELECT e.element ->> 0, e.element ->> 1, e.element ->> 2
    FROM jsonb_array_elements('${mesIndexes}') AS e (element)
  ) AS wanted (table_name, column_name, predicate)
  CROSS JOIN LATERAL format('wip_views_%s_%s_idx', wanted.table_name, wanted.column_name) AS index (name)
  WHERE NOT EXISTS (
    SELECT
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = format('%I.%I', '${schema}', wanted.table_name)::regclass
      AND i.indisvalid
      AND a.attname = wanted.column_name
      AND (i.indpred IS NULL OR replace(pg_get_expr(i.indpred, i.indrelid), '"', '') = '(' || wanted.predicate || ')')
  );
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_mes_index() IS
  'Missing or invalid indexes of the MES that a refresh needs.';
