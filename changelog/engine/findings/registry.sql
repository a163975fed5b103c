-- Rows that a deploy makes, and that are gone.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_registry()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    1,
    'wip_view_settings',
    'its one row is gone',
    'Views that read their thresholds there have no rows after the next refresh. The roles that it named have to be given again, as parameters of update.',
    ARRAY[format('INSERT INTO %I.wip_view_settings DEFAULT VALUES;', '${schema}')],
    true
  WHERE NOT EXISTS (SELECT FROM "${schema}".wip_view_settings)
  UNION ALL
  SELECT
    1,
    NULL,
    format('no view is registered in schema %s', '${schema}'),
    'Nothing is refreshed, and nothing is watched. A view of a service is registered by its changelog, with --changelog and the file.',
    ARRAY["${schema}".wip_view_command('recreate')],
    false
  WHERE NOT EXISTS (SELECT FROM "${schema}".wip_view);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_registry() IS
  'Rows of the registry and the settings that are gone.';
