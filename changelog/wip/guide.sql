-- The refresh of each view under the name of the guide. They come after the views: where a database has them made by
-- hand, those go on refreshing the views made by hand until every view is promoted, whatever stops the deploy before that.

SELECT "${schema}".wip_view_snapshot_objects();

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

SELECT "${schema}".wip_view_revoke_default_privileges();

DO $take_over$
BEGIN
  IF pg_catalog.current_setting('wip_views.take_over') <> '' THEN
    EXECUTE pg_catalog.current_setting('wip_views.take_over');
  END IF;
END
$take_over$;

SELECT "${schema}".wip_view_grant_rights();
