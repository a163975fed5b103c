-- Unschedules the jobs, and deletes what pg_cron keeps of their runs. The extension stays: others may use it.
--
-- The jobs of this schema, those that were made here for other databases (all of them, or those of viewsDatabase), and
-- those whose schema has another name now, or is gone.

DO $pg_cron$
DECLARE
  path CONSTANT text := current_setting('search_path');
  is_named CONSTANT boolean := $value$${viewsDatabase}$value$ <> '';
  own CONSTANT text := CASE
    WHEN is_named THEN $value$${viewsDatabase}$value$ || '.' || coalesce(nullif($value$${viewsSchema}$value$, ''), 'public')
    ELSE current_database() || '.' || '${schema}'
  END;
  job record;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;

  IF EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN
    FOR job IN
      WITH ours AS (
        SELECT j.jobid, j.database, j.command, substring(j.jobname from '^wip-views (?:production|off-hours|pruning) (.+)$') AS target
        FROM cron.job AS j
      )
      SELECT o.jobid
      FROM ours AS o
      WHERE o.target = CASE WHEN octet_length(own) <= 42 THEN own ELSE md5(own) END
        OR NOT is_named AND o.target IN (
          SELECT e.target
          FROM ours AS e
          WHERE e.database <> current_database()
            OR e.command ~ '^CALL .+[.]refresh_wip_views[(][)]$'
              AND NOT EXISTS (SELECT FROM pg_namespace AS n WHERE e.command = format('CALL %I.refresh_wip_views()', n.nspname)))
    LOOP
      DELETE FROM cron.job_run_details AS d WHERE d.jobid = job.jobid;
      PERFORM cron.unschedule(job.jobid);
    END LOOP;
  END IF;

  PERFORM set_config('search_path', path, true);
END
$pg_cron$;
