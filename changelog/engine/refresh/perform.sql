-- The refresh itself, by the transaction that has the view's turn.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_why_plain(relation oid)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT CASE
      WHEN NOT c.relispopulated THEN 'the view was not populated'
      WHEN NOT EXISTS (
        SELECT
        FROM pg_index AS i
        WHERE i.indrelid = c.oid
          AND i.indisunique AND i.indimmediate AND i.indisvalid
          AND i.indpred IS NULL
          AND i.indexprs IS NULL
      ) THEN 'the view has no plain unique index'
    END
    FROM pg_class AS c
    WHERE c.oid = relation
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_why_plain(oid) IS
  'Why a refresh of this materialized view would not be concurrent; null if it would.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_begin(view_name text)
  RETURNS timestamptz
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  this_second CONSTANT bigint := floor(extract(epoch FROM clock_timestamp()));
BEGIN
  -- for wip_view_running
  PERFORM pg_advisory_xact_lock_shared(hashtext(view_name), this_second::bit(32)::integer);
  -- for wip_view_is_under_way(): from here on the refresh serves no new request
  PERFORM pg_advisory_xact_lock('"${schema}".wip_view'::regclass::oid::integer, hashtext('began ' || view_name));
  -- A transaction with one snapshot reads what was there when that was taken, not before the transaction began.
  RETURN CASE WHEN "${schema}".wip_view_one_snapshot() THEN transaction_timestamp() ELSE clock_timestamp() END;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_begin(text) IS
  'Begins a refresh of a view whose turn this transaction has: shows it in wip_view_running, and returns a time than which what it reads is no older.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_source_refresh_no(view_name text)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_object_agg(shown.source, shown.refresh_no), '{}')
    FROM (
      -- through another one that it reads, it may show older rows than the source itself has
      SELECT source.view_name, least(source.refresh_no, min((between_them.source_refresh_no ->> source.view_name)::bigint))
      FROM "${schema}".wip_view_sources(wip_view_source_refresh_no.view_name) AS read (sources)
      JOIN "${schema}".wip_view AS source ON source.view_name = ANY (read.sources)
      LEFT JOIN "${schema}".wip_view AS between_them ON between_them.view_name = ANY (read.sources)
      GROUP BY source.view_name, source.refresh_no
    ) AS shown (source, refresh_no)
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_source_refresh_no(text) IS
  'What a refresh of the view that starts now shows of the registered views that it reads, for wip_view.source_refresh_no.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_count(view_name text, refresh_id bigint)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- A transaction with one snapshot may be older than any request: its refresh serves only itself.
  UPDATE "${schema}".wip_view AS v
  SET last_refresh_id = wip_view_count.refresh_id,
      last_relation = to_regclass(format('%I.%I', '${schema}', v.view_name)),
      refresh_no = v.refresh_no + CASE WHEN "${schema}".wip_view_one_snapshot() THEN 0 ELSE 1 END,
      -- read before the rows are, so that it is no later
      source_refresh_no = "${schema}".wip_view_source_refresh_no(v.view_name)
  WHERE v.view_name = wip_view_count.view_name;

  IF NOT FOUND THEN
    RAISE EXCEPTION 'view "%" is no longer registered', view_name
      USING ERRCODE = 'undefined_object',
            HINT = format('Registered views are in %I.wip_view.', '${schema}');
  END IF;
EXCEPTION WHEN serialization_failure THEN
  RAISE EXCEPTION 'cannot refresh the view: it was refreshed after this % transaction took its snapshot',
      upper(current_setting('transaction_isolation'))
    USING ERRCODE = 'serialization_failure',
          HINT = 'Try again in a new transaction, or refresh in a READ COMMITTED one, which can share a refresh.';
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_count(text, bigint) IS
  'Counts a refresh of a view whose turn this transaction has: once it is committed, it serves the requests that were made before it began.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_relation(view_name text)
  RETURNS oid
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation pg_class;
BEGIN
  SELECT * INTO relation
  FROM pg_class AS c
  WHERE c.relnamespace = '"${schema}"'::regnamespace
    AND c.relname = view_name;

  IF NOT FOUND THEN
    RAISE EXCEPTION 'materialized view "%" is missing from schema "%"', view_name, '${schema}'
      USING ERRCODE = 'undefined_table', HINT = 'Bring it back: ' || "${schema}".wip_view_command('recreate', view_name);
  ELSIF relation.relkind <> 'm' THEN
    RAISE EXCEPTION '"%" in schema "%" is not a materialized view', view_name, '${schema}'
      USING ERRCODE = 'wrong_object_type',
            HINT = format('Rename it, then bring the view back: ALTER TABLE %I.%I RENAME TO %I; %s', '${schema}', view_name,
                          left(view_name, 50) || '_' || relation.oid, "${schema}".wip_view_command('recreate', view_name));
  END IF;
  RETURN relation.oid;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_relation(text) IS
  'The materialized view of that name.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_all_rows_as_of()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT jsonb_object_agg(v.view_name, r.rows_as_of)
    FROM "${schema}".wip_view AS v
    LEFT JOIN "${schema}".wip_view_refresh AS r
      ON r.refresh_id = v.last_refresh_id
      AND r.view_name = v.view_name
      AND v.last_relation = to_regclass(format('%I.%I', '${schema}', v.view_name))
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_all_rows_as_of() IS
  'How old the rows of each registered view are at most; null where that is not known.';

-- An earlier version made it, without the sources' counts.
DROP FUNCTION IF EXISTS "${schema}".wip_view_rows_as_of(text, timestamptz);

CREATE OR REPLACE FUNCTION "${schema}".wip_view_rows_as_of(
  view_name text, started timestamptz, others jsonb DEFAULT "${schema}".wip_view_all_rows_as_of())
  RETURNS timestamptz
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT CASE WHEN count(*) = count(others ->> source.view_name) THEN least(started, min((others ->> source.view_name)::timestamptz)) END
    FROM unnest("${schema}".wip_view_sources(wip_view_rows_as_of.view_name)) AS source (view_name)
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_rows_as_of(text, timestamptz, jsonb) IS
  'The time that the rows of a view are at least as new as, after a refresh that started at that time: that of the oldest rows of the registered views that it reads. Null if the age of one of these is not known.';

-- A full queue would fail the transaction when it commits, with all that it did. It is full where a session that listens
-- has kept a transaction open for very long.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_notify(
  view_name text, refresh_id bigint, view_rows bigint, started_at timestamptz)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF pg_notification_queue_usage() < 0.9 THEN
    -- listeners that know it by a former name are notified, too
    PERFORM pg_notify('wip_view_refreshed', json_build_object(
      'schema', '${schema}', 'view', known.as_name, 'refresh_id', refresh_id, 'rows', view_rows,
      'started_at', started_at)::text)
    FROM "${schema}".wip_view AS v
    CROSS JOIN LATERAL unnest(v.view_name || v.former_names) AS known (as_name)
    WHERE v.view_name = wip_view_notify.view_name;
  ELSE
    RAISE WARNING '% is refreshed, without NOTIFY wip_view_refreshed: the queue of the notifications is nearly full', view_name
      USING HINT = 'End the sessions that listen and hold a transaction open: SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start.';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_notify(text, bigint, bigint, timestamptz) IS
  'Notifies the sessions that LISTEN wip_view_refreshed that a view has new rows, unless the queue is nearly full.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_perform(request "${schema}".wip_view_refresh)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  view_name CONSTANT text := request.view_name;
  this_start CONSTANT timestamptz := "${schema}".wip_view_begin(view_name);
  view_oid oid;
  why_plain text;
  as_of timestamptz;
  view_rows bigint;
  denied text;
BEGIN
  -- This comes first, so that a transaction whose snapshot is older than the last refresh stops here: it could only replace
  -- newer rows by older ones.
  PERFORM "${schema}".wip_view_count(view_name, request.refresh_id);
  view_oid := "${schema}".wip_view_relation(view_name);
  why_plain := "${schema}".wip_view_why_plain(view_oid);
  -- read before the rows are, so that it is no later
  as_of := "${schema}".wip_view_rows_as_of(view_name, this_start);

  BEGIN
    IF why_plain IS NULL THEN
      EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %s', view_oid::regclass);
    ELSE
      -- It needs the view exclusively, and readers would queue behind it while it waits for another session.
      IF pg_has_role((SELECT c.relowner FROM pg_class AS c WHERE c.oid = view_oid), 'USAGE') THEN
        PERFORM "${schema}".wip_view_acquire_exclusive('refresh ' || view_name, ARRAY[view_oid], clock_timestamp(), 'lock_timeout');
      END IF;
      EXECUTE format('REFRESH MATERIALIZED VIEW %s', view_oid::regclass);
    END IF;
    EXECUTE format('SELECT count(*) FROM %s', view_oid::regclass) INTO view_rows;
  EXCEPTION WHEN insufficient_privilege THEN
    GET STACKED DIAGNOSTICS denied = MESSAGE_TEXT;
    PERFORM "${schema}".wip_view_raise_denied(view_oid, denied);
  END;

  RETURN QUERY
  UPDATE "${schema}".wip_view_refresh AS r
  SET view_name = request.view_name, outcome = 'refreshed', started_at = this_start, finished_at = greatest(clock_timestamp(), this_start),
      rows = view_rows, bytes = pg_total_relation_size(view_oid), sqlstate = NULL, error = NULL,
      mode = CASE WHEN why_plain IS NULL THEN 'concurrent' ELSE 'plain' END, mode_reason = why_plain, rows_as_of = as_of
  WHERE r.refresh_id = request.refresh_id
  RETURNING r.*;

  PERFORM "${schema}".wip_view_notify(view_name, request.refresh_id, view_rows, this_start);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_perform("${schema}".wip_view_refresh) IS
  'Refreshes the view of a request whose turn it is, CONCURRENTLY if it can, and completes the record.';
