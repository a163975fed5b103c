-- What a deploy needs, checked before anything is made: each block notes what is missing or wrong, and the last one
-- names all of it in one message. Under a search_path of its own, to the end of the transaction: what others may have
-- put on the caller's would run with the rights of whoever deploys.

DO $begin$
BEGIN
  PERFORM
    pg_catalog.set_config('wip_views.search_path', pg_catalog.current_setting('search_path'), true),
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
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
    missing := missing || format('schema %I (name the schema of the MES with the parameter schema)', '${schema}');
  ELSIF NOT has_schema_privilege('${schema}', 'CREATE') THEN
    missing := missing || format('the right to create in schema %I (GRANT USAGE, CREATE ON SCHEMA %1$I TO %I)',
                                 '${schema}', current_user);
  END IF;

  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$place$;

DO $mes$
DECLARE
  -- The columns that the views read; nothing else of the MES is touched.
  wanted CONSTANT jsonb := '{
    "lots": ["id", "lot_number", "product_model_id", "production_date", "status"],
    "processes": ["id", "process_number", "process_code", "process_name_en", "process_name_ko",
                  "estimated_duration_seconds", "is_active"],
    "wip_items": ["id", "lot_id", "serial_id", "status", "current_process_id", "created_at", "completed_at",
                  "converted_at"],
    "wip_process_history": ["id", "wip_item_id", "process_id", "result", "started_at", "completed_at",
                            "duration_seconds"]
  }';
  missing text[] := '{}';
  wanted_table text;
  wanted_columns jsonb;
  absent text;
BEGIN
  FOR wanted_table, wanted_columns IN
    SELECT w.key, w.value
    FROM jsonb_each(wanted) AS w
    -- without the schema, that is enough said
    WHERE to_regnamespace('"${schema}"') IS NOT NULL
    ORDER BY w.key
  LOOP
    IF to_regclass(format('%I.%I', '${schema}', wanted_table)) IS NULL THEN
      missing := missing || format('table %I.%I', '${schema}', wanted_table);
      CONTINUE;
    END IF;

    SELECT string_agg(c.name, ', ' ORDER BY c.position)
    INTO absent
    FROM jsonb_array_elements_text(wanted_columns) WITH ORDINALITY AS c (name, position)
    WHERE NOT EXISTS (
      SELECT
      FROM pg_attribute AS a
      WHERE a.attrelid = to_regclass(format('%I.%I', '${schema}', wanted_table))
        AND a.attname = c.name
        AND NOT a.attisdropped
    );

    IF absent IS NOT NULL THEN
      missing := missing || format('column(s) %s of table %I.%I', absent, '${schema}', wanted_table);
    ELSIF NOT has_table_privilege(format('%I.%I', '${schema}', wanted_table), 'SELECT') THEN
      missing := missing || format('the right to read table %I.%I (GRANT SELECT ON %1$I.%2$I TO %I)',
                                   '${schema}', wanted_table, current_user);
    END IF;
  END LOOP;

  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$mes$;

-- mes-indexes.changelog.yaml builds these CONCURRENTLY, which only the table's owner may do, and which a partitioned
-- table does not allow: building one with the MES locked out is for its owner to decide.
DO $indexes$
DECLARE
  missing text[] := '{}';
  wanted_table text;
  wanted_column text;
  wanted_index text;
  indexed record;
BEGIN
  FOR wanted_table, wanted_column, wanted_index IN
    VALUES
      ('wip_items', 'lot_id', '(lot_id)'),
      ('wip_items', 'status', '(status)'),
      ('wip_process_history', 'wip_item_id', '(wip_item_id)'),
      ('wip_process_history', 'completed_at', '(completed_at) WHERE completed_at IS NOT NULL')
  LOOP
    SELECT c.relkind = 'p' AS partitioned, c.relowner::regrole AS owner
    INTO indexed
    FROM pg_class AS c
    WHERE c.oid = to_regclass(format('%I.%I', '${schema}', wanted_table))
      AND (c.relkind = 'p' OR NOT pg_has_role(c.relowner, 'USAGE'))
      AND NOT EXISTS (
        SELECT
        FROM pg_index AS i
        JOIN pg_class AS index ON index.oid = i.indexrelid
        JOIN pg_am AS m ON m.oid = index.relam AND m.amname = 'btree'
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = c.oid
          AND i.indisvalid
          AND (i.indpred IS NULL OR replace(pg_get_expr(i.indpred, i.indrelid), '"', '') = '(completed_at IS NOT NULL)')
          AND a.attname = wanted_column
      );
    IF FOUND AND indexed.partitioned THEN
      missing := missing || format('an index of the partitioned table %I.%I (CREATE INDEX ON %1$I.%2$I %s)',
                                   '${schema}', wanted_table, wanted_index);
    ELSIF FOUND THEN
      missing := missing || format(
        'an index of table %I.%I, which its owner may build (as %3$s: CREATE INDEX ON %1$I.%2$I %4$s; or GRANT %3$s TO %5$I)',
        '${schema}', wanted_table, indexed.owner, wanted_index, current_user);
    END IF;
  END LOOP;

  PERFORM set_config('wip_views.missing', (current_setting('wip_views.missing')::text[] || missing)::text, true);
END
$indexes$;

-- What an earlier deploy made, or the guide's script by hand, can only be replaced by its owner.
DO $owners$
DECLARE
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
        AND c.relname IN (
          'wip_view', 'wip_view_refresh', 'wip_view_settings', 'wip_view_history', 'wip_view_freshness', 'wip_view_daily',
          'wip_view_blockers', 'wip_view_rights', 'wip_view_order', 'wip_view_running', 'wip_item_station', 'mv_wip_status_dashboard', 'mv_process_wip_queue')
      UNION ALL
      SELECT p.proowner, format('%I.%I()', '${schema}', p.proname)
      FROM pg_proc AS p
      WHERE p.pronamespace = to_regnamespace('"${schema}"')
        AND p.pronargs = 0
        AND p.proname IN ('refresh_wip_status_dashboard', 'refresh_process_wip_queue', 'refresh_all_wip_views')
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
  is_interval boolean;
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

  FOR parameter, is_interval, given IN
    VALUES
      ('stuckAfter', true, $value$${stuckAfter}$value$),
      ('bottleneckAbove', false, $value$${bottleneckAbove}$value$),
      ('historyRetention', true, $value$${historyRetention}$value$)
  LOOP
    CONTINUE WHEN given = '';
    BEGIN
      IF is_interval THEN
        -- a bare number would be seconds, which nobody means
        is_right := given::interval > interval '0' AND given !~ '^[[:space:][:digit:].]*$';
      ELSE
        is_right := given::integer >= 0;
      END IF;
    EXCEPTION WHEN data_exception THEN
      is_right := false;
    END;
    IF NOT is_right THEN
      wrong := wrong || format('parameter %s is "%s", not %s', parameter, given,
        CASE WHEN is_interval THEN 'an interval above 0 such as "2 hours"' ELSE 'a whole number of 0 or more' END);
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
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM set_config('search_path', current_setting('wip_views.search_path'), true);
END
$end$;
