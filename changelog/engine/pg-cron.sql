-- Option 4 of the guide: pg_cron calls refresh_wip_views(), often in production hours and less often outside them.
--
-- Three jobs, named after what they do and the schema that they do it for, so that several live side by side:
--
--   wip-views production DATABASE.SCHEMA
--   wip-views off-hours DATABASE.SCHEMA
--   wip-views pruning DATABASE.SCHEMA      what pg_cron keeps of the runs of these three, by age
--
-- Run on every deploy that names it. A job of the same name is replaced, and keeps the schedule that no parameter
-- changes: cron.job has it on record.

-- The functions are dropped when they have run.

CREATE FUNCTION pg_temp.wip_views_require_cron(views_database text, views_schema text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  instead CONSTANT text := 'or schedule by wip-views schedule or system cron instead';
  cron_database text;
BEGIN
  SELECT s.setting INTO cron_database FROM pg_settings AS s WHERE s.name = 'cron.database_name';

  IF NOT EXISTS (SELECT FROM pg_available_extensions AS e WHERE e.name = 'pg_cron') THEN
    RAISE EXCEPTION 'pg_cron is not installed on this server'
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format(
              'Install it (Debian: postgresql-%s-cron), set shared_preload_libraries = ''pg_cron'' and cron.database_name = ''%s'' in postgresql.conf and restart the server, %s.',
              current_setting('server_version_num')::integer / 10000, views_database, instead);
  ELSIF cron_database IS NULL AND pg_has_role('pg_read_all_settings', 'USAGE') THEN
    RAISE EXCEPTION 'pg_cron is installed on this server, but not loaded'
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format(
              'Set shared_preload_libraries = ''pg_cron'' and cron.database_name = ''%s'' in postgresql.conf and restart the server, %s.',
              views_database, instead);
  ELSIF cron_database <> current_database() THEN
    RAISE EXCEPTION 'the jobs of pg_cron are kept in database "%" of this server (cron.database_name), not in "%"',
        cron_database, current_database()
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format(
              'Connect to %I: wip-views update --only pg-cron --param viewsDatabase=%s%s.',
              cron_database, views_database, CASE WHEN views_schema <> 'public' THEN ' --param viewsSchema=' || views_schema ELSE '' END);
  END IF;

  IF NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN
    BEGIN
      CREATE EXTENSION pg_cron;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE EXCEPTION 'role "%" may not create the extension pg_cron', current_user
        USING ERRCODE = 'insufficient_privilege',
              HINT = format(
                'Let a superuser run, in the database that cron.database_name names: CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO %I; then deploy again.',
                current_user);
    END;
  END IF;
END
$function$;

CREATE FUNCTION pg_temp.wip_views_require_rights(views_database text, views_schema text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  elsewhere CONSTANT boolean := views_database <> current_database();
BEGIN
  IF NOT has_schema_privilege('cron', 'USAGE') THEN
    RAISE EXCEPTION 'role "%" may not use pg_cron', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('GRANT USAGE ON SCHEMA cron TO %I, and deploy again.', current_user);
  ELSIF elsewhere
    AND NOT has_function_privilege('cron.schedule_in_database(text, text, text, text, text, boolean)', 'EXECUTE')
  THEN
    RAISE EXCEPTION 'role "%" may not schedule for another database', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('GRANT EXECUTE ON FUNCTION cron.schedule_in_database TO %I, and deploy again.', current_user);
  ELSIF elsewhere AND NOT EXISTS (SELECT FROM pg_database AS d WHERE d.datname = views_database) THEN
    RAISE EXCEPTION 'parameter viewsDatabase is "%", which is not a database of this server', views_database
      USING ERRCODE = 'invalid_catalog_name', HINT = 'Name the database where the views are.';
  ELSIF NOT elsewhere AND to_regprocedure(format('%I.refresh_wip_views()', views_schema)) IS NULL THEN
    RAISE EXCEPTION 'there is no procedure refresh_wip_views() in schema "%" of database "%"', views_schema, views_database
      USING ERRCODE = 'undefined_function',
            HINT = 'Deploy the views first, or name where they are by the parameters viewsDatabase and viewsSchema.';
  ELSIF NOT elsewhere AND NOT has_function_privilege(format('%I.refresh_wip_views()', views_schema), 'EXECUTE') THEN
    RAISE EXCEPTION 'role "%" may not refresh, and a job of pg_cron runs as the role that scheduled it', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('Deploy as the owner of the views, or with the parameter refresherRole=%s.', current_user);
  END IF;
END
$function$;

-- Before pg_cron 1.5 there is no such setting, and it is GMT. Null where the role may not know.
CREATE FUNCTION pg_temp.wip_views_clock()
  RETURNS text
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(
    (SELECT s.setting FROM pg_settings AS s WHERE s.name = 'cron.timezone'),
    CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN 'GMT' END);
$function$;

-- The guide's hours, 6 to 22 and the rest, on pg_cron's clock: 0-13,21-23 and 14-20 for Asia/Seoul.
CREATE FUNCTION pg_temp.wip_views_hours(cron_zone text)
  RETURNS text[]
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  clock CONSTANT text := pg_temp.wip_views_clock();
  shifts interval[];
BEGIN
  IF cron_zone IS NOT NULL AND clock IS NULL THEN
    RAISE EXCEPTION 'role "%" may not read the setting cron.timezone, by which cronZone is reckoned', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('GRANT pg_read_all_settings TO %I, or give cronProduction and cronOffHours instead.', current_user);
  ELSIF cron_zone IS NOT NULL THEN
    BEGIN
      shifts := ARRAY(
        SELECT DISTINCT (day AT TIME ZONE cron_zone) - (day AT TIME ZONE clock)
        FROM generate_series(now(), now() + interval '1 year', interval '1 day') AS day);
    EXCEPTION WHEN invalid_parameter_value THEN
      RAISE EXCEPTION 'parameter cronZone is "%", not a time zone such as "Asia/Seoul"', cron_zone
        USING ERRCODE = 'invalid_parameter_value';
    END;

    IF cardinality(shifts) > 1 OR extract(epoch FROM shifts[1])::integer % 3600 <> 0 THEN
      RAISE EXCEPTION 'pg_cron cannot keep to the hours of %: its clock is %, and the difference is not always the same number of hours',
          cron_zone, clock
        USING ERRCODE = 'invalid_parameter_value',
              HINT = format(
                'Set cron.timezone = ''%s'' in postgresql.conf (pg_cron 1.5 or later) and restart the server, or give cronProduction and cronOffHours on pg_cron''s clock.',
                cron_zone);
    END IF;
  ELSE
    shifts := ARRAY[interval '0'];
  END IF;

  RETURN ARRAY(
    SELECT string_agg(CASE WHEN first = last THEN first::text ELSE first || '-' || last END, ',' ORDER BY first)
    FROM (
      SELECT production, min(hour) AS first, max(hour) AS last
      FROM (
        SELECT production, hour, hour - row_number() OVER (PARTITION BY production ORDER BY hour) AS run
        FROM (
          SELECT
            local BETWEEN 6 AND 22 AS production,
            (local - extract(epoch FROM shifts[1])::integer / 3600 + 48) % 24 AS hour
          FROM generate_series(0, 23) AS local
        ) AS shifted
      ) AS numbered
      GROUP BY production, run
    ) AS runs
    GROUP BY production
    ORDER BY production DESC
  );
END
$function$;

-- The jobs that the new ones take the place of, by rank: those of the same names; the guide's, made by hand; those of
-- ours that can only fail, since their schema or their database has another name now, or is gone.
CREATE FUNCTION pg_temp.wip_views_former_jobs(names text[], views_database text)
  RETURNS TABLE (jobid bigint, jobname text, username text, schedule text, command text, purpose text, rank integer)
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN QUERY
  WITH ours AS (
    SELECT j.jobid, named.part[1] AS purpose, named.part[2] AS target
    FROM cron.job AS j
    CROSS JOIN LATERAL regexp_match(j.jobname, '^wip-views (production|off-hours|pruning) (.+)$') AS named (part)
  ),
  stale AS (
    SELECT o.target
    FROM ours AS o
    JOIN cron.job AS j ON j.jobid = o.jobid
    WHERE j.command ~ '^CALL .+[.]refresh_wip_views[(][)]$'
      AND (
        NOT EXISTS (SELECT FROM pg_database AS d WHERE d.datname = j.database)
        OR j.database = current_database()
          AND NOT EXISTS (SELECT FROM pg_namespace AS n WHERE j.command = format('CALL %I.refresh_wip_views()', n.nspname)))
  )
  SELECT f.*
  FROM (
    SELECT
      j.jobid, j.jobname::text, j.username::text, j.schedule::text, j.command::text, coalesce(o.purpose, 'production'),
      CASE
        WHEN j.jobname = ANY (names) THEN 1
        WHEN j.jobname = 'refresh-wip-views' AND j.database = views_database THEN 2
        WHEN o.target IN (SELECT s.target FROM stale AS s) THEN 3
      END AS rank
    FROM cron.job AS j
    LEFT JOIN ours AS o ON o.jobid = j.jobid
  ) AS f
  WHERE f.rank IS NOT NULL;
END
$function$;

-- A bare number would be seconds, which nobody means.
CREATE FUNCTION pg_temp.wip_views_require_interval(cron_retention text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF cron_retention ~ '^[[:space:][:digit:].]+$' OR cron_retention::interval <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
  END IF;
EXCEPTION WHEN data_exception THEN
  RAISE EXCEPTION 'parameter cronRetention is "%", not an interval above 0 such as "7 days"', cron_retention
    USING ERRCODE = 'invalid_parameter_value';
END
$function$;

CREATE FUNCTION pg_temp.wip_views_put_job(name text, schedule text, command text, in_database text, parameter text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- not every role may call the other function
  IF in_database = current_database() THEN
    PERFORM cron.schedule(name, schedule, command);
  ELSE
    PERFORM cron.schedule_in_database(name, schedule, command, in_database);
  END IF;
EXCEPTION WHEN invalid_parameter_value THEN
  RAISE EXCEPTION 'parameter % is "%", not a cron expression such as "*/2 6-22 * * *"', parameter, schedule
    USING ERRCODE = 'invalid_parameter_value';
END
$function$;

CREATE FUNCTION pg_temp.wip_views_schedule(
  cron_zone text,
  cron_production text,
  cron_off_hours text,
  cron_retention text,
  views_database text,
  views_schema text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  elsewhere CONSTANT boolean := views_database <> current_database();
  -- a job's name has room for 63 bytes
  target CONSTANT text := CASE
    WHEN octet_length(views_database || '.' || views_schema) <= 42 THEN views_database || '.' || views_schema
    ELSE md5(views_database || '.' || views_schema)
  END;
  names CONSTANT text[] := ARRAY['wip-views production ' || target, 'wip-views off-hours ' || target, 'wip-views pruning ' || target];
  call CONSTANT text := format('CALL %I.refresh_wip_views()', views_schema);
  hours text[];
  schedules text[];
  kept record;
  job record;
BEGIN
  PERFORM pg_temp.wip_views_require_cron(views_database, views_schema);
  PERFORM pg_temp.wip_views_require_rights(views_database, views_schema);
  PERFORM pg_temp.wip_views_require_interval(cron_retention);

  -- What no parameter says stays as it was.
  hours := pg_temp.wip_views_hours(cron_zone);
  SELECT
    (array_agg(f.schedule ORDER BY f.rank, f.jobid DESC) FILTER (WHERE f.purpose = 'production'))[1] AS production,
    (array_agg(f.schedule ORDER BY f.rank, f.jobid DESC) FILTER (WHERE f.purpose = 'off-hours'))[1] AS off_hours,
    -- the interval alone: the rest of a job that somebody else named like ours must not become ours
    (array_agg(substring(f.command from ' < now[(][)] - interval ''([^'']+)''$') ORDER BY f.rank, f.jobid DESC)
      FILTER (WHERE f.purpose = 'pruning'))[1] AS retention
  INTO kept
  FROM pg_temp.wip_views_former_jobs(names, views_database) AS f;
  schedules := ARRAY[
    coalesce(cron_production, CASE WHEN cron_zone IS NULL THEN kept.production END, '*/2 ' || hours[1] || ' * * *'),
    coalesce(cron_off_hours, CASE WHEN cron_zone IS NULL THEN kept.off_hours END, '*/15 ' || hours[2] || ' * * *')
  ];

  -- A name is unique for each role: another one's job, which only a superuser sees, would run beside ours.
  FOR job IN
    SELECT f.*
    FROM pg_temp.wip_views_former_jobs(names, views_database) AS f
    WHERE f.rank > 1 OR f.username <> current_user
  LOOP
    PERFORM cron.unschedule(job.jobid);
    RAISE NOTICE 'replaced the job % of role % (%: %)', job.jobname, job.username, job.schedule, job.command;
  END LOOP;

  PERFORM
    pg_temp.wip_views_put_job(names[1], schedules[1], call, views_database, 'cronProduction'),
    pg_temp.wip_views_put_job(names[2], schedules[2], call, views_database, 'cronOffHours'),
    pg_temp.wip_views_put_job(names[3], '17 3 * * *', format(
      'DELETE FROM cron.job_run_details AS d USING cron.job AS j WHERE j.jobid = d.jobid AND j.jobname = ANY (%L) AND coalesce(d.end_time, d.start_time) < now() - %s',
      names,
      CASE
        WHEN coalesce(cron_retention, kept.retention) IS NOT NULL OR elsewhere
        THEN 'interval ' || quote_literal(coalesce(cron_retention, kept.retention, '14 days'))
        ELSE format('(SELECT s.history_retention FROM %I.wip_view_settings AS s)', views_schema)
      END), current_database(), '');

  RAISE NOTICE 'pg_cron refreshes at "%" and at "%" on its own clock, which is %', schedules[1], schedules[2],
    concat_ws('; ',
      coalesce(pg_temp.wip_views_clock(), 'GMT unless cron.timezone says otherwise'),
      CASE
        WHEN cron_zone IS NULL AND cron_production IS NULL AND kept.production IS NULL
        THEN 'for a factory elsewhere give its zone, such as cronZone=Asia/Seoul'
      END);
END
$function$;
