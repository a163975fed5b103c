-- A view that cannot be refreshed concurrently, because it lacks a unique index.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_unique_index()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    2,
    v.view_name,
    plain.reason,
    'It is refreshed without CONCURRENTLY, and its readers wait for as long as that takes.',
    ARRAY["${schema}".wip_view_command('recreate', v.view_name)],
    false
  FROM "${schema}".wip_view AS v
  JOIN pg_class AS c
    ON c.relnamespace = '"${schema}"'::regnamespace
    AND c.relname = v.view_name
    AND c.relkind = 'm'
    AND c.relispopulated
  CROSS JOIN LATERAL "${schema}".wip_view_why_plain(c.oid) AS plain (reason)
  WHERE plain.reason IS NOT NULL
  ORDER BY v.refresh_order, v.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_unique_index() IS
  'Views that cannot be refreshed concurrently.';
