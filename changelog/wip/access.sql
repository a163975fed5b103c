-- Who may refresh and who may read, from wip_view_settings: run on every deploy, so that what was granted once is
-- there after any change.

DO $access$
DECLARE
  -- whoever deploys may have a schema on the path where others create
  path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
  views pg_catalog.text[];
  grantee record;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;
  views := ARRAY(SELECT format('%I.%I', '${schema}', v.view_name) FROM "${schema}".wip_view AS v);

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
      -- Preflight has looked at those that were named now: this one was dropped since an earlier deploy named it.
      RAISE WARNING 'role "%", which an earlier deploy gave rights to, is gone', grantee.role;
      CONTINUE;
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA "${schema}" TO %I', grantee.role);
    EXECUTE format(
      'GRANT SELECT ON "${schema}".wip_view, "${schema}".wip_view_refresh, "${schema}".wip_view_settings, "${schema}".wip_view_history, "${schema}".wip_view_freshness, "${schema}".wip_view_daily TO %I',
      grantee.role);
    IF views <> '{}' THEN
      EXECUTE format('GRANT SELECT ON %s TO %I', array_to_string(views, ', '), grantee.role);
    END IF;

    IF grantee.refreshes THEN
      EXECUTE format(
        'GRANT EXECUTE ON FUNCTION "${schema}".wip_view_request(text, bigint), "${schema}".wip_view_run(bigint, boolean), "${schema}".wip_view_fail(bigint, text, text), "${schema}".refresh_wip_view(text), "${schema}".refresh_all_wip_views(), "${schema}".refresh_wip_status_dashboard(), "${schema}".refresh_process_wip_queue() TO %I',
        grantee.role);
      EXECUTE format('GRANT EXECUTE ON PROCEDURE "${schema}".refresh_wip_views() TO %I', grantee.role);
    END IF;
  END LOOP;

  -- From PostgreSQL 17 on, a role with MAINTAIN on a view may run REFRESH on it by itself; it then may call the
  -- function that refreshes this one view, with a place in the queue and on record. A view without such a function
  -- has none to grant.
  FOR grantee IN
    SELECT r.rolname AS role, f.oid::regprocedure AS signature
    FROM "${schema}".wip_view AS v
    JOIN pg_class AS c
      ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = v.view_name AND c.relkind = 'm'
    CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
    JOIN pg_roles AS r ON r.oid = acl.grantee AND r.oid <> c.relowner
    JOIN pg_proc AS f
      ON f.pronamespace = c.relnamespace
      AND f.proname = 'refresh_' || regexp_replace(v.view_name, '^mv_', '')
      AND f.pronargs = 0
    WHERE acl.privilege_type = 'MAINTAIN'
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', grantee.signature, grantee.role);
  END LOOP;

  PERFORM set_config('search_path', path, true);
END
$access$;
