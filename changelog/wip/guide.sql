-- The refreshes under the names of the guide. They come after the views: where a database has them made by hand, those
-- go on refreshing the views made by hand until every view is promoted, whatever stops the deploy before that.

-- What a function returns can only change by DROP. It is in the same transaction as the CREATE, and what was granted
-- to a role is granted again at the end of this file.
DO $take_over$
DECLARE
  -- whoever deploys may have a schema on the path where others create
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

SELECT "${schema}".wip_view_note();

CREATE OR REPLACE FUNCTION "${schema}".refresh_all_wip_views()
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  own_writes CONSTANT boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
  request record;
BEGIN
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;

  FOR request IN SELECT * FROM "${schema}".wip_view_request_all() LOOP
    RETURN QUERY SELECT * FROM "${schema}".wip_view_run(request.refresh_id, own_writes);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".refresh_all_wip_views() IS
  'Refreshes every registered view, each after those that it reads, in the caller''s one transaction; returns a row of wip_view_refresh per view. An error raises and undoes all: CALL refresh_wip_views() goes on.';

CREATE OR REPLACE FUNCTION "${schema}".refresh_wip_status_dashboard()
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;

  RETURN QUERY SELECT * FROM "${schema}".refresh_wip_view('mv_wip_status_dashboard');
END
$function$;

COMMENT ON FUNCTION "${schema}".refresh_wip_status_dashboard() IS 'refresh_wip_view(''mv_wip_status_dashboard'').';

CREATE OR REPLACE FUNCTION "${schema}".refresh_process_wip_queue()
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;

  RETURN QUERY SELECT * FROM "${schema}".refresh_wip_view('mv_process_wip_queue');
END
$function$;

COMMENT ON FUNCTION "${schema}".refresh_process_wip_queue() IS 'refresh_wip_view(''mv_process_wip_queue'').';

SELECT "${schema}".wip_view_own();

DO $take_over$
BEGIN
  IF pg_catalog.current_setting('wip_views.take_over') <> '' THEN
    EXECUTE pg_catalog.current_setting('wip_views.take_over');
  END IF;
END
$take_over$;
