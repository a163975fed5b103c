-- What a deploy of the engine needs, checked before anything is made: each block notes what is missing or wrong, and the
-- last one names all of it in one message. Under a search_path of its own, to the end of the transaction: what others may
-- have put on the caller's would run with the rights of the role that deploys.
--
-- A part that is deployed with the engine checks before this, in the same transaction, and notes in wip_views.preflight:
--   missing     what it found missing
--   hint        what to do about it
--   own         relations and functions that the deploy replaces besides the engine's own
--   parameters  name, kind (interval, number) and value of parameters besides the engine's own

DO $begin$
BEGIN
  PERFORM
    pg_catalog.set_config('wip_views.search_path', pg_catalog.current_setting('search_path'), true),
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
    pg_catalog.set_config(
      'wip_views.preflight', coalesce(nullif(pg_catalog.current_setting('wip_views.preflight', true), ''), '{}'), true),
    pg_catalog.set_config('wip_views.missing', '{}', true),
    pg_catalog.set_config('wip_views.wrong', '{}', true);
END
$begin$;

DO $place$
DECLARE
  missing text[] := '{}';
BEGIN
  IF current_setting('server_version_num')::integer < 140000 THEN
    missing := missing || format('PostgreSQL 14 or later (this server is %s)', current_setting('server_version'));
  END IF;

  IF to_regnamespace('"${schema}"') IS NULL THEN
    missing := missing || format('schema %I (name the schema to deploy to with the parameter schema)', '${schema}');
  ELSIF NOT has_schema_privilege('${schema}', 'CREATE') THEN
    missing := missing || format('the right to create in schema %I (GRANT USAGE, CREATE ON SCHEMA %1$I TO %I)',
                                 '${schema}', current_user);
  END IF;

  missing := missing || ARRAY(SELECT jsonb_array_elements_text(current_setting('wip_views.preflight')::jsonb -> 'missing'));
  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$place$;

-- What an earlier deploy made, or somebody by hand, can only be replaced by its owner.
DO $owners$
DECLARE
  own CONSTANT jsonb := current_setting('wip_views.preflight')::jsonb -> 'own';
  missing text[] := '{}';
  owner text;
  owned text;
BEGIN
  FOR owner, owned IN
    SELECT
      o.owner::regrole::text,
      array_to_string((array_agg(o.name ORDER BY o.name))[:3], ', ') || coalesce(' and ' || nullif(greatest(count(*) - 3, 0), 0) || ' more', '')
    FROM (
      SELECT c.relowner, format('%I.%I', '${schema}', c.relname)
      FROM pg_class AS c
      WHERE c.relnamespace = to_regnamespace('"${schema}"')
        AND c.relkind IN ('r', 'v', 'm')
        AND (jsonb_exists(own, c.relname) OR c.relname = ANY (string_to_array('${wipViewsRelations}', ', ')))
      UNION ALL
      SELECT p.proowner, format('%I.%I()', '${schema}', p.proname)
      FROM pg_proc AS p
      WHERE p.pronamespace = to_regnamespace('"${schema}"')
        AND p.pronargs = 0
        AND (jsonb_exists(own, p.proname) OR p.proname = 'refresh_all_wip_views')
    ) AS o (owner, name)
    WHERE NOT pg_has_role(o.owner, 'USAGE')
    GROUP BY o.owner
    ORDER BY 1
  LOOP
    missing := missing || format('the rights of role %s, which owns %s (deploy as that role, or GRANT %1$s TO %3$I)',
                                 owner, owned, current_user);
  END LOOP;

  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$owners$;

-- What the views that are deployed need for their refreshes, and is not a deploy's to give. In a schema that was
-- renamed since, the function names the old one still.
DO $refreshes$
DECLARE
  missing text[] := '{}';
  owned text;
  absent text;
BEGIN
  IF EXISTS (
    SELECT
    FROM pg_proc AS p
    WHERE p.oid = to_regprocedure('"${schema}".wip_view_needs(oid)')
      AND strpos(p.prosrc, '"${schema}".') > 0
      AND has_function_privilege(p.oid, 'EXECUTE')
  ) THEN
    BEGIN
      FOR owned, absent IN EXECUTE $needs$
        SELECT v.view_name, string_agg(n.statement, '; ')
        FROM "${schema}".wip_view AS v
        JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = v.view_name AND c.relkind = 'm'
        CROSS JOIN LATERAL "${schema}".wip_view_needs(c.oid) AS n
        WHERE NOT n.held AND NOT n.by_deploy
        GROUP BY v.view_name
        ORDER BY v.view_name
      $needs$ LOOP
        missing := missing || format('what refreshes of %s need (%s)', owned, absent);
      END LOOP;
    EXCEPTION WHEN undefined_table OR undefined_function THEN
      -- something of ours was dropped since: the recovery makes it again, and each promotion asks once more
      NULL;
    END;
  END IF;

  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$refreshes$;

-- What Liquibase keeps account in, where it is there already.
DO $log$
DECLARE
  missing text[] := '{}';
  log record;
BEGIN
  FOR log IN
    SELECT format('%I.%I', n.nspname, c.relname) AS name, string_agg(p.privilege, ', ' ORDER BY p.place) AS absent
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS p (privilege, place)
    WHERE n.nspname = '${database.liquibaseSchemaName}'
      AND lower(c.relname) IN (
        lower('${database.databaseChangeLogTableName}'), lower('${database.databaseChangeLogLockTableName}'))
      AND c.relkind = 'r'
      AND NOT has_table_privilege(c.oid, p.privilege)
    GROUP BY n.nspname, c.relname
    ORDER BY c.relname
  LOOP
    missing := missing || format('the right to write to Liquibase''s table %1$s (GRANT %2$s ON %1$s TO %3$I)',
                                 log.name, log.absent, current_user);
  END LOOP;

  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$log$;

DO $database$
DECLARE
  missing text[] := '{}';
BEGIN
  -- REFRESH CONCURRENTLY compares the rows in a temporary table.
  IF NOT has_database_privilege(current_database(), 'TEMPORARY') THEN
    missing := missing || format('the right to make temporary tables (GRANT TEMPORARY ON DATABASE %I TO %I)',
                                 current_database(), current_user);
  END IF;

  -- A view is built in a staging schema, which only lives as long as the transaction that builds it.
  IF NOT has_database_privilege(current_database(), 'CREATE')
    AND NOT coalesce(has_schema_privilege(to_regnamespace(format('%I', left('wip_staging_${schema}', 63)))::oid, 'CREATE'), false)
  THEN
    missing := missing || format(
      'the right to make the staging schema (GRANT CREATE ON DATABASE %I TO %I, or CREATE SCHEMA %I AUTHORIZATION %2$I)',
      current_database(), current_user, left('wip_staging_${schema}', 63));
  END IF;

  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$database$;

-- The parameters, before one of them is kept. Dollar-quoted, since a value may hold a quote.
DO $parameters$
DECLARE
  missing text[] := '{}';
  wrong text[] := '{}';
  parameter text;
  given text;
  kind text;
  is_right boolean;
BEGIN
  FOR given IN
    SELECT DISTINCT trim(role)
    FROM regexp_split_to_table($value$${refresherRole},${readerRole}$value$, ',') AS role
    WHERE trim(role) <> '' AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = trim(role))
    ORDER BY 1
  LOOP
    missing := missing || format('role %I of the parameters refresherRole and readerRole (CREATE ROLE %1$I, or leave it out)', given);
  END LOOP;

  FOR parameter, kind, given IN
    SELECT p.parameter ->> 0, p.parameter ->> 1, p.parameter ->> 2
    FROM jsonb_array_elements(
      coalesce(current_setting('wip_views.preflight')::jsonb -> 'parameters', '[]')
        || jsonb_build_array(jsonb_build_array('historyRetention', 'interval', $value$${historyRetention}$value$))) AS p (parameter)
  LOOP
    CONTINUE WHEN given = '';
    BEGIN
      is_right := CASE kind
        -- a bare number would be seconds, which nobody means
        WHEN 'interval' THEN given::interval > interval '0' AND given !~ '^[[:space:][:digit:].]*$'
        ELSE given::integer >= 0
      END;
    EXCEPTION WHEN data_exception THEN
      is_right := false;
    END;
    IF NOT is_right THEN
      wrong := wrong || format('parameter %s is "%s", not %s', parameter, given,
        CASE kind WHEN 'interval' THEN 'an interval above 0 such as "2 hours"' ELSE 'a whole number of 0 or more' END);
    END IF;
  END LOOP;

  PERFORM set_config('wip_views.wrong', wrong::text, true);
  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$parameters$;

DO $end$
DECLARE
  missing CONSTANT text[] := current_setting('wip_views.missing');
  wrong CONSTANT text[] := current_setting('wip_views.wrong');
BEGIN
  IF missing <> '{}' OR wrong <> '{}' THEN
    RAISE EXCEPTION 'wip-views cannot be deployed to schema "%" of database "%"; %',
        '${schema}', current_database(), concat_ws('; ',
          'missing: ' || nullif(array_to_string(missing, '; '), ''),
          'wrong: ' || nullif(array_to_string(wrong, '; '), ''))
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = coalesce(current_setting('wip_views.preflight')::jsonb ->> 'hint', 'Nothing was changed.');
  END IF;
  PERFORM set_config('search_path', current_setting('wip_views.search_path'), true);
END
$end$;
