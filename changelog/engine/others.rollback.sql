-- A rollback begins with what ran last, and stops here, before anything is gone, while views of other changelogs are
-- registered: the functions that refresh them would be gone. wip-views rollback has looked for them already.

DO $others$
DECLARE
  path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
  log regclass;
  others text;
  removals text;
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  IF current_setting('wip_views.rollback', true) = 'checked' THEN
    RETURN;
  END IF;

  SELECT c.oid INTO log
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = '${database.liquibaseSchemaName}'
    AND lower(c.relname) = lower('${database.databaseChangeLogTableName}')
    AND c.relkind = 'r';
  EXECUTE format(
    $query$
      SELECT
        string_agg(o.view_name, ', ' ORDER BY o.position DESC),
        string_agg(format('SELECT %%I.wip_view_remove(%%L);', '${schema}', o.view_name), ' ' ORDER BY o.position DESC)
      FROM "${schema}".wip_view_order AS o
      WHERE o.view_name NOT IN (SELECT l.id FROM %s AS l WHERE l.author = 'wip-views')
    $query$, log)
  INTO others, removals;
  IF others IS NOT NULL THEN
    RAISE EXCEPTION 'cannot roll back wip-views: another changelog registered %', others
      USING ERRCODE = 'dependent_objects_still_exist',
            HINT = format('Roll that one back first, or remove each by hand: %s', removals);
  END IF;
  PERFORM set_config('search_path', path, true);
END
$others$;
