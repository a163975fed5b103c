-- Refreshing a view only if something that it reads was written.
--
-- The server counts the rows that are inserted, updated and deleted in each table, and gives a table a new file when it is
-- truncated or rewritten. Those counts, of all that a view reads, are compared with what they were when the view was last
-- refreshed in this way. They are approximate: a session reports what it has committed within a second or so, and they are
-- lost when the server crashes. So there is always a maximum age, and another start of the server is a change.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_source_state(relation oid)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT md5(concat_ws(' ',
      -- counts from before a crash, or of another server, do not compare
      extract(epoch FROM pg_postmaster_start_time()),
      extract(epoch FROM pg_stat_get_db_stat_reset_time(d.oid)),
      (
        SELECT string_agg(concat_ws(' ', read.object, query.xmin, p.xmin, counted.state), ',' ORDER BY read.class, read.object)
        FROM "${schema}".wip_view_read_objects(relation) AS read (class, object)
        LEFT JOIN pg_rewrite AS query
          ON read.class = 'pg_class'::regclass AND query.ev_class = read.object AND query.rulename = '_RETURN'
        LEFT JOIN pg_proc AS p ON read.class = 'pg_proc'::regclass AND p.oid = read.object
        LEFT JOIN LATERAL (
          SELECT concat_ws(' ', c.relfilenode, pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid),
                           pg_stat_get_tuples_deleted(c.oid))
          FROM pg_class AS c
          WHERE read.class = 'pg_class'::regclass
            AND c.oid = read.object
            AND c.relkind IN ('r', 'm')
            -- of a registered view counts what that one reads: each refresh writes it
            AND NOT EXISTS (
              SELECT FROM "${schema}".wip_view AS v
              WHERE c.relnamespace = '"${schema}"'::regnamespace AND c.relname = v.view_name)
        ) AS counted (state) ON true
      )))
    FROM pg_database AS d
    WHERE d.datname = current_database()
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_source_state(oid) IS
  'A digest of all that a registered view reads: the definitions, and the server''s counts of the rows that were written. Another digest means that something may have changed.';

-- What the system's own functions depend on is in no catalog, so it is read from the queries as the server keeps them.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_why_not_counted(relation oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH read AS (
    SELECT * FROM "${schema}".wip_view_read_objects(relation) AS objects (class, object)
  ),
  query (tree) AS (
    SELECT r.ev_action::text
    FROM read
    JOIN pg_rewrite AS r ON read.class = 'pg_class'::regclass AND r.ev_class = read.object AND r.rulename = '_RETURN'
    UNION ALL
    SELECT p.prosqlbody::text
    FROM read
    JOIN pg_proc AS p ON read.class = 'pg_proc'::regclass AND p.oid = read.object
  ),
  named (kind, object) AS (
    SELECT DISTINCT found.match[1], found.match[2]::oid
    FROM query
    CROSS JOIN LATERAL regexp_matches(query.tree, ':(funcid|opno|relid) ([0-9]+)', 'g') AS found (match)
  ),
  called AS (
    SELECT p.oid, p.pronamespace, p.proname, p.provolatile, p.prosqlbody
    FROM named
    LEFT JOIN pg_operator AS o ON named.kind = 'opno' AND o.oid = named.object
    JOIN pg_proc AS p ON p.oid = CASE named.kind WHEN 'funcid' THEN named.object ELSE o.oprcode END
  )
  SELECT why.sentence
  FROM (
    SELECT 1, format('it reads the clock, by %s', c.oid::regprocedure)
    FROM called AS c
    WHERE c.pronamespace = 'pg_catalog'::regnamespace
      AND (c.proname IN ('now', 'transaction_timestamp', 'statement_timestamp', 'clock_timestamp', 'timeofday')
        -- from today on
        OR c.oid IN ('age(timestamptz)'::regprocedure, 'age(timestamp)'::regprocedure))
    UNION ALL
    -- CURRENT_DATE and its kin; the other numbers are CURRENT_USER and its kin
    SELECT 2, 'it reads the clock, by CURRENT_DATE, CURRENT_TIMESTAMP or the like'
    FROM query
    WHERE query.tree ~ '[{]SQLVALUEFUNCTION :op [0-8] '
    UNION ALL
    SELECT 3, format('it calls %s, which is volatile', c.oid::regprocedure)
    FROM called AS c
    WHERE c.provolatile = 'v'
    UNION ALL
    SELECT 4, format('it calls %s, and what that reads is not known to the server', c.oid::regprocedure)
    FROM called AS c
    WHERE c.provolatile = 's' AND c.pronamespace <> 'pg_catalog'::regnamespace AND c.prosqlbody IS NULL
    UNION ALL
    SELECT 5, format('it reads %s, in which the server counts no rows', c.oid::regclass)
    FROM named
    JOIN pg_class AS c ON named.kind = 'relid' AND c.oid = named.object
    WHERE c.relkind = 'f' OR c.relnamespace = 'pg_catalog'::regnamespace
    UNION ALL
    SELECT 6, 'the setting track_counts is off'
    WHERE NOT current_setting('track_counts')::boolean
  ) AS why (priority, sentence)
  ORDER BY why.priority, why.sentence
  LIMIT 1;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_why_not_counted(oid) IS
  'Why the server''s counts do not tell whether a view would show something else: it reads the clock, or what is not counted. Null if they do.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_changed(view_name text, max_age interval)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  view_oid CONSTANT oid := (
    SELECT c.oid
    FROM pg_class AS c
    WHERE c.relnamespace = '"${schema}"'::regnamespace
      -- evaluated once
      AND c.relname = (SELECT "${schema}".wip_view_current_name(wip_view_changed.view_name))
      AND c.relkind = 'm');
  state text;
  why text;
BEGIN
  IF view_oid IS NULL THEN
    -- it is the refresh that says what is wrong
    RETURN '';
  END IF;

  state := "${schema}".wip_view_source_state(view_oid);
  IF EXISTS (
    SELECT
    FROM "${schema}".wip_view AS v
    JOIN pg_class AS c ON c.oid = v.last_relation AND c.relispopulated
    JOIN "${schema}".wip_view_refresh AS r
      ON r.refresh_id = v.last_refresh_id AND r.view_name = v.view_name AND r.outcome = 'refreshed'
    WHERE c.oid = view_oid
      AND v.source_state = state
      -- an age in the future: the clock was set back since
      AND clock_timestamp() - r.rows_as_of BETWEEN - max_age AND max_age
      -- what the caller's own transaction has written is not counted yet
      AND pg_current_xact_id_if_assigned() IS NULL
  ) THEN
    RETURN NULL;
  END IF;

  why := "${schema}".wip_view_why_not_counted(view_oid);
  IF why IS NOT NULL THEN
    RAISE EXCEPTION 'it cannot be told whether % has changed: %', view_name, why
      USING ERRCODE = 'feature_not_supported',
            HINT = 'Refresh it by its age: wip-views refresh --max-age, or WipViews.refreshIfOlderThan.';
  END IF;
  RETURN state;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_changed(text, interval) IS
  'Null if nothing that a registered view reads was written since it was last refreshed if changed, and its rows are not older than max_age; else what to give to wip_view_note_source_state() when it has been refreshed. An error if that cannot be told of the view, as of one that reads the clock.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_note_source_state(view_name text, state text)
  RETURNS void
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
  UPDATE "${schema}".wip_view AS v
  SET source_state = state
  WHERE v.view_name IN (
    SELECT w.view_name
    FROM "${schema}".wip_view AS w
    WHERE w.view_name = "${schema}".wip_view_current_name(wip_view_note_source_state.view_name)
    -- a refresh that is running has it to its end; without the note, the next call refreshes once more
    FOR NO KEY UPDATE SKIP LOCKED);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_note_source_state(text, text) IS
  'Notes what wip_view_changed() returned before a refresh, once that has ended.';

CREATE OR REPLACE FUNCTION "${schema}".refresh_wip_view_if_changed(view_name text, max_age interval)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  state text;
BEGIN
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;

  state := "${schema}".wip_view_changed(view_name, max_age);
  IF state IS NOT NULL THEN
    RETURN QUERY SELECT * FROM "${schema}".refresh_wip_view(view_name);
    PERFORM "${schema}".wip_view_note_source_state(view_name, state);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".refresh_wip_view_if_changed(text, interval) IS
  'refresh_wip_view(), unless nothing that the view reads was written since the last call and its rows are not older than max_age: then no row is returned, and none is on record. By the server''s counts of rows, of which it learns within a second or so; a view that reads the clock is refused.';

SELECT "${schema}".wip_view_revoke_default_privileges();
