-- A job of pg_cron that is gone although it was deployed, that fails, or that calls what is not there any more. Looks where
-- pg_cron keeps its jobs in this database; a job that was switched off was meant so.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_pg_cron()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  log CONSTANT regclass := to_regclass('"${schema}".databasechangelog');
  -- what pg-cron.sql replaces, too: the schema was renamed since, or is gone
  stale CONSTANT text := $sql$
    j.jobname LIKE 'wip-views %' AND j.database = current_database()
    AND j.command ~ '^CALL .+[.]refresh_wip_views[(][)]$'
    AND NOT EXISTS (SELECT FROM pg_namespace AS n WHERE j.command = format('CALL %I.refresh_wip_views()', n.nspname)) $sql$;
  is_deployed boolean := false;
  jobs integer := 0;
BEGIN
  -- on Liquibase's record, as far as this role may read that
  IF has_table_privilege(log, 'SELECT') THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS l WHERE l.id = ''pg-cron'' AND l.author = ''wip-views'')', log) INTO is_deployed;
  END IF;

  IF EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN
    EXECUTE $sql$
      SELECT count(DISTINCT split_part(j.jobname, ' ', 2))
      FROM cron.job AS j
      WHERE j.jobname ~ '^wip-views (production|off-hours) '
        AND j.database = current_database()
        AND j.command = format('CALL %I.refresh_wip_views()', $1)
      $sql$ INTO jobs USING '${schema}';
    IF is_deployed AND jobs < 2 AND row_security_active('cron.job') THEN
      RAISE EXCEPTION 'this role sees no jobs of pg_cron but its own'
        USING ERRCODE = 'insufficient_privilege', HINT = 'Look as the role that deployed, or as a superuser.';
    END IF;
    RETURN QUERY EXECUTE $sql$
      SELECT
        3,
        j.jobname::text,
        'the job calls a procedure in a schema that is not there: ' || j.command,
        'It fails each time. A schema that was renamed gets jobs of its new name.',
        ARRAY[CASE WHEN $1 THEN $2 ELSE format('SELECT cron.unschedule(%s);', j.jobid) END],
        false
      FROM cron.job AS j
      WHERE $sql$ || stale USING is_deployed, "${schema}".wip_view_command('update', '--with', 'pg-cron');
    RETURN QUERY EXECUTE $sql$
      SELECT
        3,
        j.jobname::text,
        'the last two runs of the job failed: ' || btrim(latest.message, E' \t\r\n'),
        'The views are not refreshed on schedule. If its command works by hand, it is pg_cron that cannot log in: pg_hba.conf, cron.host or cron.use_background_workers. The finding ends with the next run that succeeds.',
        ARRAY[regexp_replace(btrim(j.command, E' \t\r\n'), ';$', '') || ';'],
        false
      FROM cron.job AS j
      CROSS JOIN LATERAL (
        SELECT count(*) AS runs, bool_and(d.status = 'failed') AS failed, (array_agg(d.return_message))[1] AS message
        FROM (
          SELECT d.status, d.return_message
          FROM cron.job_run_details AS d
          WHERE d.jobid = j.jobid AND d.status IN ('succeeded', 'failed')
          ORDER BY d.runid DESC
          LIMIT 2
        ) AS d
      ) AS latest
      WHERE j.active
        AND j.database = current_database()
        AND (
          j.command ~ 'refresh_(all_)?wip_view'
          -- by the function that a view has of its own
          OR EXISTS (
            SELECT
            FROM "${schema}".wip_view AS v
            WHERE position('refresh_' || regexp_replace(v.view_name, '^mv_', '') || '(' IN j.command) > 0))
        AND latest.runs = 2
        AND latest.failed
        AND NOT ($sql$ || stale || ') ORDER BY j.jobname';
  END IF;

  IF is_deployed AND jobs < 2 THEN
    RETURN QUERY SELECT
      3,
      NULL::text,
      'the changelog pg-cron was deployed here, but its jobs are gone',
      'Nothing refreshes the views, unless something else does.',
      ARRAY["${schema}".wip_view_command('update', '--with', 'pg-cron')],
      false;
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_pg_cron() IS
  'Jobs of pg_cron that are gone, that fail, or that call what is not there.';
