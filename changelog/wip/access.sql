-- Who may refresh and who may read, from wip_view_settings: run on every deploy, so that what was granted once is
-- there after any change.

DO $access$
DECLARE
  views text[] := ARRAY(SELECT format('%I.%I', '${schema}', v.view_name) FROM "${schema}".wip_view AS v);
  grantee record;
BEGIN
  FOR grantee IN
    SELECT trim(named.role) AS role, bool_or(named.refreshes) AS refreshes
    FROM "${schema}".wip_view_settings AS s,
      LATERAL (
        SELECT regexp_split_to_table(s.refresher_role, ','), true
        UNION ALL
        SELECT regexp_split_to_table(s.reader_role, ','), false
      ) AS named (role, refreshes)
    WHERE trim(named.role) <> ''
    GROUP BY 1
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = grantee.role) THEN
      RAISE EXCEPTION 'role "%" does not exist', grantee.role
        USING ERRCODE = 'undefined_object',
              HINT = 'The parameters refresherRole and readerRole name roles that exist: CREATE ROLE first, or leave them out.';
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA "${schema}" TO %I', grantee.role);
    EXECUTE format(
      'GRANT SELECT ON "${schema}".wip_view, "${schema}".wip_view_refresh, "${schema}".wip_view_settings, "${schema}".wip_view_freshness TO %I',
      grantee.role);
    IF views <> '{}' THEN
      EXECUTE format('GRANT SELECT ON %s TO %I', array_to_string(views, ', '), grantee.role);
    END IF;

    IF grantee.refreshes THEN
      EXECUTE format(
        'GRANT EXECUTE ON FUNCTION "${schema}".wip_view_request(text), "${schema}".wip_view_run(bigint, boolean), "${schema}".wip_view_fail(bigint, text, text), "${schema}".refresh_wip_view(text), "${schema}".refresh_all_wip_views(), "${schema}".refresh_wip_status_dashboard(), "${schema}".refresh_process_wip_queue() TO %I',
        grantee.role);
      EXECUTE format('GRANT EXECUTE ON PROCEDURE "${schema}".refresh_wip_views() TO %I', grantee.role);
    END IF;
  END LOOP;
END
$access$;
