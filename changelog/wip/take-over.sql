-- The functions of the guide that were made by hand go before ours are made.
-- What a function returns can only change by DROP. It is in the same transaction as the CREATE, and what was granted
-- to a role is granted again at the end of guide.sql.
DO $take_over$
DECLARE
  -- the role that deploys may have a schema on the path where others create
  path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
  old record;
  grants pg_catalog.text;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;
  grants := '';

  FOR old IN
    SELECT p.oid::regprocedure AS signature, p.proowner, p.proacl
    FROM pg_proc AS p
    WHERE p.pronamespace = '"${schema}"'::regnamespace
      AND p.proname IN ('refresh_wip_status_dashboard', 'refresh_process_wip_queue', 'refresh_all_wip_views')
      AND p.pronargs = 0
      AND p.prorettype <> '"${schema}".wip_view_refresh'::regtype
  LOOP
    grants := concat_ws('; ', nullif(grants, ''), (
      SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO %I%s', old.signature, r.rolname,
                               CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '; ')
      FROM aclexplode(old.proacl) AS acl
      JOIN pg_roles AS r ON r.oid = acl.grantee
      WHERE acl.grantee <> old.proowner
    ));
    EXECUTE format('DROP ROUTINE %s', old.signature);
  END LOOP;

  PERFORM set_config('wip_views.take_over', grants, true);
  PERFORM set_config('search_path', path, true);
END
$take_over$;
