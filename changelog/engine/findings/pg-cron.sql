-- A job of pg_cron that is gone although it was deployed, that fails, or that calls what is not there any more. pg_cron keeps
-- its jobs in one database of the server: elsewhere this finds nothing.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_cron_jobs()
  RETURNS TABLE (job_id bigint, name text, command text, active boolean, is_stale boolean, failure text)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN
    RETURN QUERY EXECUTE $sql$
      SELECT
        j.jobid,
        j.jobname::text,
        btrim(j.command, E' \t\r\n'),
        j.active,
        -- the schema was renamed or dropped since: pg-cron.sql replaces such a job
        coalesce(j.jobname LIKE 'wip-views %', false)
          AND j.command ~ '^CALL .+[.]refresh_wip_views[(][)]$'
          AND NOT EXISTS (SELECT FROM pg_namespace AS n WHERE j.command = format('CALL %I.refresh_wip_views()', n.nspname)),
        latest.failure
      FROM cron.job AS j
      CROSS JOIN LATERAL (
        SELECT CASE WHEN count(*) = 2 AND bool_and(d.status = 'failed') THEN coalesce((array_agg(d.return_message))[1], '') END
        FROM (
          SELECT d.status, d.return_message
          FROM cron.job_run_details AS d
          WHERE d.jobid = j.jobid AND d.status IN ('succeeded', 'failed')
          ORDER BY d.runid DESC
          LIMIT 2
        ) AS d
      ) AS latest (failure)
      WHERE j.database = current_database()
        AND (
          j.command ~ 'refresh_(all_)?wip_view'
          -- by the function that a view has of its own
          OR EXISTS (
            SELECT FROM "${schema}".wip_view AS v
            WHERE position('refresh_' || regexp_replace(v.view_name, '^mv_', '') || '(' IN j.command) > 0))
      $sql$;
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_cron_jobs() IS
  'The jobs of pg_cron that refresh views in this database: whether what they call is gone (is_stale), and the message of the last run, if the last two failed.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_pg_cron()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  log CONSTANT regclass := to_regclass('"${schema}".databasechangelog');
  deploying CONSTANT text := "${schema}".wip_view_command('update', '--with', 'pg-cron');
  is_deployed boolean := false;
  are_gone boolean;
BEGIN
  -- on Liquibase's record, as far as this role may read that
  IF has_table_privilege(log, 'SELECT') THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS l WHERE l.id = ''pg-cron'' AND l.author = ''wip-views'')', log) INTO is_deployed;
  END IF;
  are_gone := is_deployed AND 2 > (
    SELECT count(DISTINCT split_part(j.name, ' ', 2))
    FROM "${schema}".wip_view_cron_jobs() AS j
    WHERE j.name ~ '^wip-views (production|off-hours) ' AND j.command = format('CALL %I.refresh_wip_views()', '${schema}'));
  IF are_gone AND row_security_active(to_regclass('cron.job')) THEN
    RAISE EXCEPTION 'this role sees no jobs of pg_cron but its own'
      USING ERRCODE = 'insufficient_privilege', HINT = 'Look as the role that deployed, or as a superuser.';
  END IF;

  RETURN QUERY
  SELECT
    3,
    j.name,
    'the job calls a procedure in a schema that is not there: ' || j.command,
    'It fails each time. A schema that was renamed gets jobs of its new name.',
    ARRAY[CASE WHEN is_deployed THEN deploying ELSE format('SELECT cron.unschedule(%s);', j.job_id) END],
    false
  FROM "${schema}".wip_view_cron_jobs() AS j
  WHERE j.is_stale
  UNION ALL
  SELECT
    3,
    j.name,
    'the last two runs of the job failed: ' || btrim(j.failure, E' \t\r\n'),
    'The views are not refreshed on schedule. If its command works by hand, it is pg_cron that cannot log in: pg_hba.conf, cron.host or cron.use_background_workers. The finding ends with the next run that succeeds.',
    ARRAY[regexp_replace(j.command, ';$', '') || ';'],
    false
  FROM "${schema}".wip_view_cron_jobs() AS j
  -- a job that was switched off was meant so
  WHERE j.active AND j.failure IS NOT NULL AND NOT j.is_stale
  UNION ALL
  SELECT
    3,
    NULL,
    'the changelog pg-cron was deployed here, but its jobs are gone',
    'Nothing refreshes the views, unless something else does.',
    ARRAY[deploying],
    false
  WHERE are_gone;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_pg_cron() IS
  'Jobs of pg_cron that are gone, that fail, or that call what is not there.';
