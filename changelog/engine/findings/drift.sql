-- A view, or an ordinary one that comes with it, whose query is not the deployed one; one that lacks an index that was
-- deployed with it; one that goes on working after a column that it reads was renamed, and whose file does not.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_drift()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    2,
    d.view_name,
    concat(said.what, CASE d.what WHEN 'names' THEN "${schema}".wip_view_describe_changes(d.view_name) END),
    said.why,
    CASE WHEN d.what = 'query' THEN ARRAY[format('SELECT pg_get_viewdef(%L::regclass);', c.oid::regclass)] ELSE '{}' END || d.remedy,
    false
  FROM "${schema}".wip_view_drift() AS d
  JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = d.view_name AND c.relkind IN ('m', 'v')
  JOIN (VALUES
    ('query',
      'its query is not the one that was deployed: somebody changed it',
      'Its figures may mean something else. Recreating it brings back the deployed query: save the present one first if you want to keep it.'),
    ('names', 'its file names columns that were renamed since: ',
      'The view goes on working, but neither a deploy nor a recovery can build it: write the new names in its file, then deploy it.'),
    ('undone',
      'an earlier definition is in place, brought back by recreate --previous, and not the one that was deployed last',
      'A deploy leaves it so until the view''s file changes.'),
    ('index', 'an index that was deployed with it is gone', 'Queries that used it read the whole view.')
  ) AS said (kind, what, why) ON said.kind = d.what
  -- a missing unique index is what unique-index reports
  WHERE d.what <> 'index'
    OR "${schema}".wip_view_why_plain(c.oid) IS NULL
    OR NOT c.relispopulated
    OR NOT starts_with(d.remedy, 'CREATE UNIQUE INDEX ');
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_drift() IS
  'Views whose query or indexes are not what was deployed, or no longer what was deployed last.';
