-- Refreshing.
--
-- One mechanism, in three steps that any caller may put into transactions as it likes:
--
--   wip_view_request(view)        puts the attempt on record and draws its number
--   wip_view_run(refresh_id)      waits for its turn, refreshes or finds itself served, and completes the record
--   wip_view_fail(refresh_id, …)  completes the record of an attempt whose transaction was rolled back
--
-- refresh_wip_view() is the first two in the caller's transaction. CALL refresh_wip_views() and the Java API commit
-- the request first, so that a failure, or a session that was killed, stays on record.
--
-- The functions run with their owner's rights (before PostgreSQL 17 only the owner of a view can refresh it), so
-- their search_path is pinned to the system's own schema and every other name is qualified: nothing that a caller
-- puts on its path, not even in a schema where everybody may create, is ever looked at.

-- A function may have been made by hand before, returning void: its type can only change by DROP. The DROP is in the
-- same transaction as the CREATE, and its grants are carried over.
DO $take_over$
DECLARE
  old record;
BEGIN
  FOR old IN
    SELECT p.oid::regprocedure AS signature
    FROM pg_proc AS p
    WHERE p.pronamespace = '"${schema}"'::regnamespace
      AND p.proname IN ('refresh_wip_status_dashboard', 'refresh_process_wip_queue', 'refresh_all_wip_views')
      AND p.pronargs = 0
      AND p.prorettype = 'void'::regtype
  LOOP
    EXECUTE format('DROP FUNCTION %s', old.signature);
  END LOOP;
END
$take_over$;

-- ---------------------------------------------------------------------------------------------------------------
-- The three steps
-- ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION "${schema}".wip_view_request(view_name text)
  RETURNS bigint
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  request_id bigint;
BEGIN
  IF pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean THEN
    RAISE EXCEPTION 'cannot refresh %: this is a read-only standby or transaction', view_name
      USING ERRCODE = 'read_only_sql_transaction',
            HINT = 'Refresh on the primary; a standby gets the rows by replication.';
  END IF;

  IF NOT EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_request.view_name) THEN
    RAISE EXCEPTION 'unknown view "%"', view_name
      USING ERRCODE = 'undefined_object',
            HINT = format('Registered in %I.wip_view: %s.', '${schema}', coalesce(
              (SELECT string_agg(v.view_name, ', ' ORDER BY v.refresh_order, v.view_name) FROM "${schema}".wip_view AS v),
              'none'));
  END IF;

  INSERT INTO "${schema}".wip_view_refresh AS r (view_name)
  VALUES (view_name)
  RETURNING r.refresh_id INTO request_id;

  RETURN request_id;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_request(text) IS
  'Puts an attempt to refresh a registered view on record and returns its refresh_id, for wip_view_run(). Refuses a name that is not registered.';

-- own_writes: the caller's transaction has changed something that the refresh must see, so no other will do.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_run(request_id bigint, own_writes boolean DEFAULT false)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  -- compiling costs more than these queries take
  SET jit = off
AS $function$
DECLARE
  request "${schema}".wip_view_refresh;
  view_oid oid;
  last_id bigint;
  last_no bigint;
  this_no bigint;
  this_start timestamptz;
  why_plain text;
  view_rows bigint;
BEGIN
  SELECT * INTO request
  FROM "${schema}".wip_view_refresh AS r
  WHERE r.refresh_id = request_id AND r.outcome = 'running';

  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no open request %', request_id
      USING ERRCODE = 'no_data_found', HINT = 'Call wip_view_request() first; each request is run once.';
  END IF;

  -- Held while the attempt is alive: how wip_view_freshness tells a running attempt from one whose session died.
  PERFORM pg_advisory_xact_lock('"${schema}".wip_view_refresh'::regclass::oid::integer, (request_id % 2147483647)::integer);

  -- One refresh of a view at a time, in the order of arrival. A request that another one has served meanwhile leaves
  -- the queue at once, by rolling this block back: whoever is next need not wait for its transaction to end.
  BEGIN
    PERFORM pg_advisory_xact_lock('"${schema}".wip_view'::regclass::oid::integer, hashtext(request.view_name));

    SELECT v.last_refresh_id, v.last_started_no INTO last_id, last_no
    FROM "${schema}".wip_view AS v
    WHERE v.view_name = request.view_name;

    IF NOT own_writes AND last_no > request_id THEN
      RAISE EXCEPTION USING ERRCODE = 'WV001';
    END IF;
  EXCEPTION WHEN SQLSTATE 'WV001' THEN
    RETURN QUERY
    UPDATE "${schema}".wip_view_refresh AS r
    SET outcome = 'coalesced', served_by = last_id, finished_at = clock_timestamp(),
        rows = (SELECT s.rows FROM "${schema}".wip_view_refresh AS s WHERE s.refresh_id = last_id)
    WHERE r.refresh_id = request_id
    RETURNING r.*;
    RETURN;
  END;

  this_no := nextval(pg_get_serial_sequence('"${schema}".wip_view_refresh', 'refresh_id'));
  this_start := clock_timestamp();

  -- First of all, so that a transaction whose snapshot is older than the last refresh stops here: it could only put
  -- older rows over newer ones.
  BEGIN
    UPDATE "${schema}".wip_view AS v
    SET last_refresh_id = request_id, last_started_no = this_no
    WHERE v.view_name = request.view_name;
  EXCEPTION WHEN serialization_failure THEN
    RAISE EXCEPTION 'cannot refresh %: it was refreshed after this % transaction took its snapshot',
        request.view_name, upper(current_setting('transaction_isolation'))
      USING ERRCODE = 'serialization_failure',
            HINT = 'Try again in a new transaction, or refresh in a READ COMMITTED one, which can share a refresh.';
  END;

  SELECT c.oid,
         CASE
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
  INTO view_oid, why_plain
  FROM pg_class AS c
  WHERE c.relnamespace = '"${schema}"'::regnamespace
    AND c.relname = request.view_name
    AND c.relkind = 'm';

  IF NOT FOUND THEN
    RAISE EXCEPTION 'materialized view "%" is missing from schema "%"', request.view_name, '${schema}'
      USING ERRCODE = 'undefined_table',
            HINT = 'Bring it back: wip-views recreate ' || request.view_name;
  END IF;

  EXECUTE format('REFRESH MATERIALIZED VIEW %s %I.%I',
                 CASE WHEN why_plain IS NULL THEN 'CONCURRENTLY' ELSE '' END, '${schema}', request.view_name);
  EXECUTE format('SELECT count(*) FROM %I.%I', '${schema}', request.view_name) INTO view_rows;

  RETURN QUERY
  UPDATE "${schema}".wip_view_refresh AS r
  SET outcome = 'refreshed', started_at = this_start, finished_at = clock_timestamp(), rows = view_rows,
      mode = CASE WHEN why_plain IS NULL THEN 'concurrent' ELSE 'plain' END, mode_reason = why_plain
  WHERE r.refresh_id = request_id
  RETURNING r.*;

  -- Only this view's rows, whose turn this is: no two sessions ever prune the same.
  DELETE FROM "${schema}".wip_view_refresh AS r
  WHERE r.refresh_id IN (
    SELECT old.refresh_id
    FROM "${schema}".wip_view_refresh AS old
    WHERE old.view_name = request.view_name
      AND old.requested_at < this_start - (SELECT s.history_retention FROM "${schema}".wip_view_settings AS s)
    ORDER BY old.refresh_id
    LIMIT 1000
  );

  PERFORM pg_notify('wip_view_refreshed', json_build_object(
    'schema', '${schema}', 'view', request.view_name, 'refresh_id', request_id, 'rows', view_rows,
    'started_at', this_start)::text);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_run(bigint, boolean) IS
  'Runs a request: waits for the view''s turn, then refreshes it, or returns at once if a refresh that started after the request has been committed meanwhile. own_writes: the caller''s transaction wrote before, so it must refresh itself. Returns the completed row of wip_view_refresh.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_fail(request_id bigint, failed_sqlstate text, failed_error text)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
  UPDATE "${schema}".wip_view_refresh AS r
  SET outcome = 'failed', sqlstate = failed_sqlstate, error = failed_error, finished_at = clock_timestamp()
  WHERE r.refresh_id = request_id AND r.outcome = 'running'
  RETURNING r.*;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_fail(bigint, text, text) IS
  'Completes the record of a request whose run was rolled back by an error. Does nothing to a request that has ended.';

-- ---------------------------------------------------------------------------------------------------------------
-- What people call
-- ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION "${schema}".refresh_wip_view(view_name text)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- asked before the request itself writes
  own_writes CONSTANT boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
BEGIN
  RETURN QUERY SELECT * FROM "${schema}".wip_view_run("${schema}".wip_view_request(view_name), own_writes);
END
$function$;

COMMENT ON FUNCTION "${schema}".refresh_wip_view(text) IS
  'Refreshes one registered view in the caller''s transaction and returns the row of wip_view_refresh that says what happened. Callers at the same moment share a refresh. An error raises.';

CREATE OR REPLACE FUNCTION "${schema}".refresh_all_wip_views()
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  own_writes CONSTANT boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
  next_view text;
BEGIN
  FOR next_view IN SELECT v.view_name FROM "${schema}".wip_view AS v ORDER BY v.refresh_order, v.view_name LOOP
    RETURN QUERY SELECT * FROM "${schema}".wip_view_run("${schema}".wip_view_request(next_view), own_writes);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".refresh_all_wip_views() IS
  'Refreshes every registered view in refresh order, in the caller''s one transaction; returns a row of wip_view_refresh per view. An error raises and undoes all: CALL refresh_wip_views() goes on.';

CREATE OR REPLACE FUNCTION "${schema}".refresh_wip_status_dashboard()
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT * FROM "${schema}".refresh_wip_view('mv_wip_status_dashboard');
$function$;

COMMENT ON FUNCTION "${schema}".refresh_wip_status_dashboard() IS 'refresh_wip_view(''mv_wip_status_dashboard'').';

CREATE OR REPLACE FUNCTION "${schema}".refresh_process_wip_queue()
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE sql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT * FROM "${schema}".refresh_wip_view('mv_process_wip_queue');
$function$;

COMMENT ON FUNCTION "${schema}".refresh_process_wip_queue() IS 'refresh_wip_view(''mv_process_wip_queue'').';

-- No SECURITY DEFINER and no SET here: either would forbid COMMIT. It runs with the caller's rights on the caller's
-- path, and what needs more is in the functions that it calls.
CREATE OR REPLACE PROCEDURE "${schema}".refresh_wip_views()
  LANGUAGE plpgsql
AS $procedure$
DECLARE
  all_views text[];
  next_view text;
  request_id bigint;
  failed_state text;
  failed_error text;
  failures text[] := '{}';
  first_state text;
BEGIN
  all_views := ARRAY(SELECT v.view_name FROM "${schema}".wip_view AS v ORDER BY v.refresh_order, v.view_name);

  FOREACH next_view IN ARRAY all_views LOOP
    -- Stops here, before anything was done, when called inside a transaction block.
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    request_id := "${schema}".wip_view_request(next_view);
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    failed_state := NULL;
    BEGIN
      PERFORM FROM "${schema}".wip_view_run(request_id);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
      GET STACKED DIAGNOSTICS failed_state = RETURNED_SQLSTATE, failed_error = MESSAGE_TEXT;
    END;

    IF failed_state IS NOT NULL THEN
      PERFORM FROM "${schema}".wip_view_fail(request_id, failed_state, failed_error);
      failures := failures || (next_view || ': ' || failed_error);
      first_state := coalesce(first_state, failed_state);
      -- Whoever cancelled, or set a limit, meant all of it.
      EXIT WHEN failed_state = '57014';
    END IF;
  END LOOP;

  IF first_state IS NOT NULL THEN
    COMMIT;
    RAISE EXCEPTION '%', array_to_string(failures, '; ')
      USING ERRCODE = first_state,
            HINT = format('%s of %s views were not refreshed; see %I.wip_view_refresh.',
                          cardinality(failures), cardinality(all_views), '${schema}');
  END IF;
END
$procedure$;

COMMENT ON PROCEDURE "${schema}".refresh_wip_views() IS
  'Refreshes every registered view in refresh order, each in a transaction of its own: a failure is on record in wip_view_refresh, the other views are refreshed all the same, and then the call raises. Not inside a transaction block.';

REVOKE ALL ON FUNCTION
  "${schema}".wip_view_request(text),
  "${schema}".wip_view_run(bigint, boolean),
  "${schema}".wip_view_fail(bigint, text, text),
  "${schema}".refresh_wip_view(text),
  "${schema}".refresh_all_wip_views(),
  "${schema}".refresh_wip_status_dashboard(),
  "${schema}".refresh_process_wip_queue()
FROM PUBLIC;
REVOKE ALL ON PROCEDURE "${schema}".refresh_wip_views() FROM PUBLIC;
