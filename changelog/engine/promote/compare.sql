-- Compares a view that was built with the live one: columns and rows.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_equality(column_name text, live_type oid, built_type oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  -- a type without an operator that is found under this path is compared as text
  SELECT replace('live.<name><cast> <operator> built.<name><cast>', '<cast>', CASE
      WHEN live_type = built_type AND EXISTS (
        SELECT
        FROM pg_opclass AS o
        JOIN pg_type AS t ON t.oid = o.opcintype AND t.typnamespace = 'pg_catalog'::regnamespace
        JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
        WHERE o.opcintype = live_type AND o.opcdefault)
      THEN ''
      ELSE '::text'
    END);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_equality(text, oid, oid) IS
  'How a column of the live view is compared with that of the one that was built, for wip_view_compare().';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_compare_query(key_columns text[], both_columns text[])
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
  WITH equality AS (
    SELECT c.name, c.position, format('%I', c.name) AS quoted,
           "${schema}".wip_view_equality(c.name, a.atttypid, b.atttypid) AS comparison
    FROM pg_temp.wip_plan AS p
    CROSS JOIN unnest(both_columns) WITH ORDINALITY AS c (name, position)
    JOIN pg_attribute AS a ON a.attrelid = p.live AND a.attname = c.name
    JOIN pg_attribute AS b ON b.attrelid = p.built AND b.attname = c.name
  )
  SELECT format(
    $query$
      SELECT jsonb_agg(to_jsonb(alike))
      FROM (
        SELECT pair.side, pair.differs, count(*) AS rows
        FROM (
          SELECT
            CASE WHEN live.ctid IS NULL THEN 'added' WHEN built.ctid IS NULL THEN 'removed' ELSE 'both' END AS side,
            CASE WHEN live.ctid IS NOT NULL AND built.ctid IS NOT NULL THEN ARRAY[%s]::boolean[] END AS differs
          FROM %s AS live
          FULL JOIN %s AS built ON %s
        ) AS pair
        GROUP BY pair.side, pair.differs
      ) AS alike
    $query$,
    string_agg(replace(replace(e.comparison, '<name>', e.quoted), '<operator>', 'IS DISTINCT FROM'), ', ' ORDER BY e.position),
    (SELECT p.live::regclass FROM pg_temp.wip_plan AS p),
    (SELECT p.built::regclass FROM pg_temp.wip_plan AS p),
    string_agg(replace(replace(e.comparison, '<name>', e.quoted), '<operator>', '='), ' AND ') FILTER (WHERE e.name = ANY (key_columns)))
  FROM equality AS e
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_compare_query(text[], text[]) IS
  'The query that joins the rows of the live view with those of the one that was built, in one pass, and counts those that differ, by the set of columns in which they do.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_compare_rows()
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET jit = off
AS $function$
DECLARE
  plan record;
  both_columns text[];
  key_columns text[];
  counted jsonb;
  result jsonb;
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  both_columns := ARRAY(
    SELECT c.column_name FROM "${schema}".wip_view_column_changes(plan.live, plan.built) AS c
    WHERE c.type_was IS NOT NULL AND c.type_is IS NOT NULL ORDER BY c."position");
  SELECT k.names INTO key_columns
  FROM pg_index AS i
  CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names
    FROM pg_attribute AS a
    WHERE a.attrelid = plan.built AND a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
  ) AS k
  WHERE i.indrelid = plan.built AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND k.names <@ both_columns
  ORDER BY i.indnkeyatts, i.indexrelid
  LIMIT 1;

  IF key_columns IS NULL THEN
    EXECUTE format('SELECT jsonb_build_object(''live'', (SELECT count(*) FROM %s), ''built'', (SELECT count(*) FROM %s))',
                   plan.live::regclass, plan.built::regclass) INTO result;
    RETURN result;
  END IF;
  EXECUTE "${schema}".wip_view_compare_query(key_columns, both_columns) INTO counted;

  WITH alike AS (
    SELECT r.side, r.differs, r.rows
    FROM jsonb_to_recordset(coalesce(counted, '[]')) AS r (side text, differs boolean[], rows bigint)
  ),
  differing AS (
    SELECT c.name, c.position, sum(alike.rows) AS rows
    FROM unnest(both_columns) WITH ORDINALITY AS c (name, position)
    JOIN alike ON alike.differs[c.position]
    GROUP BY c.name, c.position
  ),
  told AS (
    SELECT d.*, "${schema}".wip_view_reads_clock(plan.built, d.name) OR "${schema}".wip_view_reads_clock(plan.live, d.name) AS by_clock
    FROM differing AS d
  )
  SELECT jsonb_build_object(
    'key', to_jsonb(key_columns),
    'live', coalesce(sum(alike.rows) FILTER (WHERE alike.side <> 'added'), 0),
    'built', coalesce(sum(alike.rows) FILTER (WHERE alike.side <> 'removed'), 0),
    'added', coalesce(sum(alike.rows) FILTER (WHERE alike.side = 'added'), 0),
    'removed', coalesce(sum(alike.rows) FILTER (WHERE alike.side = 'removed'), 0),
    'changed', coalesce(sum(alike.rows) FILTER (WHERE EXISTS (
      SELECT FROM told WHERE NOT told.by_clock AND alike.differs[told.position])), 0),
    'columns', coalesce((SELECT jsonb_object_agg(told.name, jsonb_build_object('rows', told.rows, 'by_clock', told.by_clock)) FROM told), '{}'))
  INTO result
  FROM alike;
  RETURN result;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_compare_rows() IS
  'The rows of the live view beside those of the one that was built, by the unique key and the columns that both have; without a key that both have, their numbers.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_compare()
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- restores what is set within
  SET lock_timeout = 0
AS $function$
DECLARE
  result jsonb;
BEGIN
  -- a freeze fills it later
  IF NOT (SELECT c.relispopulated FROM pg_temp.wip_plan AS p JOIN pg_class AS c ON c.oid = p.built) THEN
    RETURN NULL;
  ELSIF NOT EXISTS (
    SELECT FROM pg_temp.wip_plan AS p JOIN pg_class AS c ON c.oid = p.live WHERE c.relkind = 'm' AND c.relispopulated)
  THEN
    EXECUTE format('SELECT jsonb_build_object(''built'', count(*)) FROM %s', (SELECT p.built::regclass FROM pg_temp.wip_plan AS p))
    INTO result;
    RETURN result;
  END IF;
  PERFORM set_config('lock_timeout', format('%s ms', ceil(extract(epoch FROM "${schema}".wip_view_promote_limit()) * 1000)), true);
  result := "${schema}".wip_view_compare_rows();
  -- What was read is locked until the transaction ends, and a plain refresh would wait for that, with readers behind it.
  -- Undoing the subtransaction releases the locks.
  RAISE EXCEPTION SQLSTATE 'WV003';
EXCEPTION
  WHEN SQLSTATE 'WV003' THEN
    RETURN result;
  WHEN OTHERS THEN
    RETURN jsonb_build_object('problem', SQLERRM);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_compare() IS
  'The result of wip_view_compare_rows(), without the locks that it takes; the number of new rows where the live view cannot be read. An error of the comparison is part of the result, and stops nothing.';
