-- Who may refresh and who may read: run on every deploy, so that what was granted once is there after any change.
-- What is granted is in wip_view_rights.

DO $access$
DECLARE
  -- whoever deploys may have a schema on the path where others create
  path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
  gone pg_catalog.text;
  wanted pg_catalog.text;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;

  -- Preflight has looked at those that were named now: such a one was dropped since an earlier deploy named it.
  FOR gone IN
    SELECT DISTINCT trim(named.role)
    FROM "${schema}".wip_view_settings AS s,
      regexp_split_to_table(s.refresher_role || ',' || s.reader_role, ',') AS named (role)
    WHERE trim(named.role) <> '' AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = trim(named.role))
  LOOP
    RAISE WARNING 'role "%", which an earlier deploy gave rights to, is gone', gone;
  END LOOP;

  FOR wanted IN SELECT r.statement FROM "${schema}".wip_view_rights AS r LOOP
    EXECUTE wanted;
  END LOOP;

  PERFORM set_config('search_path', path, true);
END
$access$;
