-- Who may refresh and who may read: run on every deploy, so that what was granted once is there after any change.
-- What is to be granted is in wip_view_rights.

DO $access$
DECLARE
  -- whoever deploys may have a schema on the path where others create
  path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
  caller_lock_timeout CONSTANT pg_catalog.text := pg_catalog.current_setting('lock_timeout');
  promote_limit pg_catalog.interval;
  gone pg_catalog.text;
  wanted record;
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

  -- A GRANT on a view writes the row of the catalog that a refresh writes, too: it waits for the view's turn, as a
  -- promotion does. Turns are taken in the order of refresh_all_wip_views().
  promote_limit := coalesce(nullif(current_setting('wip_views.promote_limit', true), ''), '60s');
  PERFORM set_config('lock_timeout', format('%s ms', ceil(extract(epoch FROM promote_limit) * 1000)), true);
  FOR wanted IN
    SELECT r.object, r.statement, o.view_name
    FROM "${schema}".wip_view_rights AS r
    LEFT JOIN "${schema}".wip_view_order AS o ON r.object = format('%I.%I', '${schema}', o.view_name)
    WHERE NOT r.held
    ORDER BY o.position
  LOOP
    IF wanted.view_name IS NOT NULL THEN
      BEGIN
        PERFORM pg_advisory_xact_lock('"${schema}".wip_view'::regclass::oid::integer, hashtext(wanted.view_name));
      EXCEPTION WHEN lock_not_available THEN
        RAISE EXCEPTION 'could not grant rights on % within %: it is being refreshed all that time', wanted.object, promote_limit
          USING ERRCODE = 'lock_not_available',
                HINT = 'Deploy again when that has ended, or allow more time with SET wip_views.promote_limit.';
      END;
    END IF;
    EXECUTE wanted.statement;
  END LOOP;

  PERFORM set_config('lock_timeout', caller_lock_timeout, true);
  PERFORM set_config('search_path', path, true);
END
$access$;
