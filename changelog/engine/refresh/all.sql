-- All views in one call and one transaction; CALL refresh_wip_views() continues where one fails.

SELECT "${schema}".wip_view_snapshot_objects();

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
  'Refreshes every registered view, each after those that it reads, in the caller''s one transaction; returns a row of wip_view_refresh per view. An error is raised and rolls back all of them; CALL refresh_wip_views() continues with the other views.';

SELECT "${schema}".wip_view_revoke_default_privileges();
