-- A view whose latest refreshes all failed. One failure may be a cancelled query or a restart, which the next one mends.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_failures()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    3,
    f.view_name,
    format('the last %s refreshes failed, the latest with: %s', f.failures_in_a_row, latest.error) || coalesce(' (' || latest.sqlstate || ')', ''),
    CASE
      WHEN cause.is_definition THEN 'Its rows get older, and will until its definition suits the tables again.'
      ELSE 'Its rows get older; the next refresh shows whether the cause is gone.'
    END,
    ARRAY[CASE
      WHEN cause.is_definition THEN "${schema}".wip_view_command('recreate', f.view_name)
      ELSE format('SELECT * FROM %I.refresh_wip_view(%L);', '${schema}', f.view_name)
    END],
    NOT cause.is_definition
  FROM "${schema}".wip_view_freshness AS f
  CROSS JOIN LATERAL (
    SELECT h.error, h.sqlstate
    FROM "${schema}".wip_view_history AS h
    WHERE h.view_name = f.view_name AND h.outcome = 'failed'
    ORDER BY h.refresh_id DESC
    LIMIT 1
  ) AS latest
  -- syntax error or access rule violation: what it reads has changed; a right that is missing is what rights reports
  CROSS JOIN LATERAL (SELECT coalesce(latest.sqlstate LIKE '42%' AND latest.sqlstate <> '42501', false)) AS cause (is_definition)
  WHERE f.failures_in_a_row >= 2;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_failures() IS
  'Views whose latest refreshes all failed.';
