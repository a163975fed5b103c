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
-- Who is served by whom is decided by numbers from one sequence, never by a clock: a refresh draws a number when it
-- starts, and serves every request with a lower one once it is committed.
--
-- The functions run with their owner's rights (before PostgreSQL 17 only the owner of a view can refresh it), so
-- their search_path is pinned to the system's own schema and every other name is qualified: nothing that a caller
-- puts on its path, not even in a schema where everybody may create, is ever looked at.

-- A function may have been made by hand before, returning void: its type can only change by DROP. The DROP is in the
-- same transaction as the CREATE, and what was granted to a role is granted again at the end of this file.
DO $take_over$
DECLARE
  -- whoever deploys may have a schema on the path where others create
  path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
  old record;
  grants pg_catalog.text;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;
  grants := '';

  FOR old IN
    SELECT p.proname, p.proowner, p.proacl
    FROM pg_proc AS p
    WHERE p.pronamespace = '"${schema}"'::regnamespace
      AND p.proname IN ('refresh_wip_status_dashboard', 'refresh_process_wip_queue', 'refresh_all_wip_views')
      AND p.pronargs = 0
      AND p.prorettype = 'void'::regtype
  LOOP
    grants := grants || coalesce((
      SELECT string_agg(format('GRANT EXECUTE ON FUNCTION "${schema}".%I() TO %I%s;', old.proname, r.rolname,
                               CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' ')
      FROM aclexplode(old.proacl) AS acl
      JOIN pg_roles AS r ON r.oid = acl.grantee
      WHERE acl.grantee <> old.proowner
    ), '');
    EXECUTE format('DROP FUNCTION "${schema}".%I()', old.proname);
  END LOOP;

  PERFORM set_config('wip_views.take_over', grants, true);
  PERFORM set_config('search_path', path, true);
END
$take_over$;

SELECT "${schema}".wip_view_note();
SELECT "${schema}".wip_view_take('replace', 'wip_view_history');

-- ---------------------------------------------------------------------------------------------------------------
-- The history as people read it
-- ---------------------------------------------------------------------------------------------------------------

-- An attempt that is running holds an advisory lock. One without it has either died, or is between the commit of its
-- request and its run: then the session that took the request is still there, or, behind a pooler, was a moment ago.
-- A standby knows neither the locks nor the sessions of its primary, and leaves 'running' as it is.
CREATE OR REPLACE VIEW "${schema}".wip_view_history AS
SELECT
  r.refresh_id,
  r.view_name,
  CASE WHEN state.died THEN 'failed' ELSE r.outcome END AS outcome,
  r.mode,
  r.mode_reason,
  r.requested_at,
  r.started_at,
  r.finished_at,
  r.duration,
  r.rows,
  r.bytes,
  r.served_by,
  CASE WHEN state.died THEN '57P01' ELSE r.sqlstate END AS sqlstate,
  CASE WHEN state.died THEN 'the session ended before the refresh did' ELSE r.error END AS error,
  r.role,
  r.application_name,
  r.call_id,
  r.pid
FROM "${schema}".wip_view_refresh AS r
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN r.outcome <> 'running' OR pg_catalog.pg_is_in_recovery() THEN false
    ELSE
      NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_locks AS l
        WHERE l.locktype = 'advisory'
          -- databases cloned from one template have the same oids
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
          AND l.classid = '"${schema}".wip_view_refresh'::pg_catalog.regclass::oid
          AND l.objid = (r.refresh_id % 2147483647::bigint)::oid
          AND l.objsubid = 2::smallint
      )
      AND (
        NOT EXISTS (SELECT FROM pg_catalog.pg_stat_get_activity(r.pid))
        OR r.requested_at NOT BETWEEN pg_catalog.clock_timestamp() - interval '1 minute'
                                  AND pg_catalog.clock_timestamp() + interval '1 minute'
      )
  END AS died
) AS state;

COMMENT ON VIEW "${schema}".wip_view_history IS 'wip_view_refresh, where an attempt whose session died shows as failed at once. The next refresh of its view writes that down.';

-- Its columns are those of the table.
DO $comments$
DECLARE
  described record;
BEGIN
  FOR described IN
    SELECT a.attname::text AS name, pg_catalog.col_description(a.attrelid, a.attnum::integer) AS comment
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = '"${schema}".wip_view_refresh'::pg_catalog.regclass::oid
      AND a.attnum > 0::smallint
      AND NOT a.attisdropped
  LOOP
    EXECUTE 'COMMENT ON COLUMN "${schema}".wip_view_history.'::text || pg_catalog.quote_ident(described.name)
      || ' IS '::text || pg_catalog.quote_literal(described.comment);
  END LOOP;
END
$comments$;

-- ---------------------------------------------------------------------------------------------------------------
-- The three steps
-- ---------------------------------------------------------------------------------------------------------------

-- call_id: a call for several views draws its number once, with the request for the first; what is refreshed for
-- somebody else while it works on the first serves it for the others.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_request(view_name text, call_id bigint DEFAULT NULL)
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

  INSERT INTO "${schema}".wip_view_refresh AS r (view_name, call_id, requested_at)
  VALUES (
    wip_view_request.view_name,
    wip_view_request.call_id,
    coalesce(
      (SELECT first.requested_at FROM "${schema}".wip_view_refresh AS first WHERE first.refresh_id = wip_view_request.call_id),
      clock_timestamp())
  )
  RETURNING r.refresh_id INTO request_id;

  RETURN request_id;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_request(text, bigint) IS
  'Puts an attempt to refresh a registered view on record and returns its refresh_id, for wip_view_run(). call_id: the refresh_id of the first attempt of the same call, if this is not the first. Refuses a name that is not registered.';

-- Keeps the history: writes down which attempts of the view died, and prunes what is older than the retention, of
-- whatever view, since one that is registered no more has nobody else. Both look at a bounded number of rows, by index,
-- however long the history is. Rows that lie as far ahead of the clock are pruned as well: it was wrong when it dated
-- them, and they would stand before all that comes after.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_tidy(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  dead bigint[];
  old bigint[];
BEGIN
  -- With one snapshot for the whole transaction, a row that somebody else tidied meanwhile would be an error.
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RETURN;
  END IF;

  -- SKIP LOCKED: what another session is at is done by that one; nobody waits to tidy.
  dead := ARRAY(
    SELECT r.refresh_id
    FROM "${schema}".wip_view_refresh AS r
    JOIN "${schema}".wip_view_history AS h ON h.refresh_id = r.refresh_id
    WHERE r.view_name = wip_view_tidy.view_name
      AND r.outcome = 'running'
      AND h.outcome = 'failed'
    FOR UPDATE OF r SKIP LOCKED
  );

  IF dead <> '{}' THEN
    UPDATE "${schema}".wip_view_refresh AS r
    SET outcome = h.outcome, sqlstate = h.sqlstate, error = h.error, finished_at = clock_timestamp()
    FROM "${schema}".wip_view_history AS h
    WHERE r.refresh_id = ANY (dead)
      AND h.refresh_id = r.refresh_id
      AND h.outcome = 'failed';
  END IF;

  old := ARRAY(
    SELECT oldest.refresh_id
    FROM (
      SELECT r.refresh_id, r.requested_at, r.outcome
      FROM "${schema}".wip_view_refresh AS r
      ORDER BY r.refresh_id
      LIMIT 500
    ) AS oldest
    CROSS JOIN "${schema}".wip_view_settings AS s
    -- an age, since a long retention goes back to before there were timestamps
    WHERE clock_timestamp() - oldest.requested_at NOT BETWEEN - s.history_retention AND s.history_retention
      AND oldest.outcome <> 'running'
      -- how fresh a view is, is read from this one
      AND NOT EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.last_refresh_id = oldest.refresh_id)
  );

  IF old <> '{}' THEN
    old := ARRAY(
      SELECT r.refresh_id FROM "${schema}".wip_view_refresh AS r WHERE r.refresh_id = ANY (old) FOR UPDATE SKIP LOCKED);
    DELETE FROM "${schema}".wip_view_refresh AS r WHERE r.refresh_id = ANY (old);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_tidy(text) IS
  'Keeps the history: marks attempts of this view that died as failed, and prunes those of any view that are older than wip_view_settings.history_retention. Called by wip_view_run() and wip_view_fail().';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_why_plain(relation oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
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
  WHERE c.oid = relation;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_why_plain(oid) IS
  'Why a refresh of this materialized view would not be concurrent; null if it would.';

-- own_writes: the caller's transaction has changed something that the refresh must see, so no other will do.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_run(request_id bigint, own_writes boolean DEFAULT false)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  -- compiling costs more than these queries take
  SET jit = off
  -- with it on, REFRESH CONCURRENTLY itself stumbles over the names of its temporary tables
  SET quote_all_identifiers = off
AS $function$
DECLARE
  one_snapshot CONSTANT boolean :=
    current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted');
  lock_class CONSTANT integer := '"${schema}".wip_view'::regclass::oid::integer;
  request "${schema}".wip_view_refresh;
  is_next boolean;
  round integer := 0;
  view_oid oid;
  last_id bigint;
  last_no bigint;
  this_no bigint;
  this_start timestamptz;
  why_plain text;
  view_rows bigint;
BEGIN
  -- Held while the attempt is alive: how wip_view_history tells a running attempt from one whose session died.
  IF NOT pg_try_advisory_xact_lock('"${schema}".wip_view_refresh'::regclass::oid::integer, (request_id % 2147483647)::integer) THEN
    RAISE EXCEPTION 'another session is running request %', request_id
      USING ERRCODE = 'object_in_use', HINT = 'Call wip_view_request() for a request of your own.';
  END IF;

  -- An attempt that was taken for dead, because its request waited long for a connection, is alive after all.
  SELECT * INTO request
  FROM "${schema}".wip_view_refresh AS r
  WHERE r.refresh_id = request_id
    AND r.role = session_user
    AND (r.outcome = 'running' OR r.outcome = 'failed' AND r.sqlstate = '57P01');

  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no open request % of role "%"', request_id, session_user
      USING ERRCODE = 'no_data_found', HINT = 'Call wip_view_request() first; each request is run once.';
  END IF;

  -- One refresh of a view at a time: whoever refreshes holds two locks, the place of the next and the turn.
  --
  -- Of those who wait, one takes the place of the next, and waits for the turn. The others only wait until the turn
  -- is free, all together, so that a refresh that ends sends them all home at the same moment; who was not served by
  -- it competes for the place again, and is served by the next refresh at the latest. Who must refresh itself stands
  -- in line for the place, and goes before them.
  --
  -- Whoever is served, or not the next, lets go of its locks at once, by rolling the block back: nobody needs to wait
  -- for its transaction to end.
  --
  -- After a few rounds it stands in line for the place, too: who holds it may not be after the turn at all (anybody can
  -- take an advisory lock), and then the turn is free each time, and lock_timeout would never count.
  LOOP
    BEGIN
      is_next := true;
      round := round + 1;
      IF own_writes OR one_snapshot OR round > 5 THEN
        PERFORM pg_advisory_xact_lock(lock_class, hashtext('next ' || request.view_name));
      ELSE
        is_next := pg_try_advisory_xact_lock(lock_class, hashtext('next ' || request.view_name));
      END IF;

      IF is_next THEN
        PERFORM pg_advisory_xact_lock(lock_class, hashtext(request.view_name));
      ELSE
        PERFORM pg_advisory_xact_lock_shared(lock_class, hashtext(request.view_name));
      END IF;

      SELECT v.last_refresh_id, v.last_started_no INTO last_id, last_no
      FROM "${schema}".wip_view AS v
      WHERE v.view_name = request.view_name;

      IF NOT own_writes AND last_no > coalesce(request.call_id, request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'WV001';
      ELSIF NOT is_next THEN
        RAISE EXCEPTION USING ERRCODE = 'WV002';
      END IF;
    EXCEPTION
      WHEN SQLSTATE 'WV001' THEN
        RETURN QUERY
        UPDATE "${schema}".wip_view_refresh AS r
        SET outcome = 'coalesced', served_by = last_id, finished_at = clock_timestamp(), sqlstate = NULL, error = NULL,
            rows = (SELECT s.rows FROM "${schema}".wip_view_refresh AS s WHERE s.refresh_id = last_id)
        WHERE r.refresh_id = request_id
        RETURNING r.*;
        RETURN;
      WHEN SQLSTATE 'WV002' THEN
        CONTINUE;
    END;
    EXIT;
  END LOOP;

  this_no := nextval(pg_get_serial_sequence('"${schema}".wip_view_refresh', 'refresh_id'));
  -- A transaction with one snapshot reads what was there when that was taken, not before the transaction began.
  this_start := CASE WHEN one_snapshot THEN transaction_timestamp() ELSE clock_timestamp() END;

  -- First of all, so that a transaction whose snapshot is older than the last refresh stops here: it could only put
  -- older rows over newer ones. And since its snapshot may be older than any request, it serves nobody but itself.
  BEGIN
    UPDATE "${schema}".wip_view AS v
    SET last_refresh_id = request_id,
        last_started_no = CASE WHEN one_snapshot THEN v.last_started_no ELSE this_no END
    WHERE v.view_name = request.view_name;
  EXCEPTION WHEN serialization_failure THEN
    RAISE EXCEPTION 'cannot refresh %: it was refreshed after this % transaction took its snapshot',
        request.view_name, upper(current_setting('transaction_isolation'))
      USING ERRCODE = 'serialization_failure',
            HINT = 'Try again in a new transaction, or refresh in a READ COMMITTED one, which can share a refresh.';
  END;

  IF NOT FOUND THEN
    RAISE EXCEPTION 'view "%" is no longer registered', request.view_name
      USING ERRCODE = 'undefined_object',
            HINT = format('Registered views are in %I.wip_view.', '${schema}');
  END IF;

  SELECT c.oid, "${schema}".wip_view_why_plain(c.oid) INTO view_oid, why_plain
  FROM pg_class AS c
  WHERE c.relnamespace = '"${schema}"'::regnamespace
    AND c.relname = request.view_name
    AND c.relkind = 'm';

  IF NOT FOUND THEN
    RAISE EXCEPTION 'materialized view "%" is missing from schema "%"', request.view_name, '${schema}'
      USING ERRCODE = 'undefined_table',
            HINT = 'Bring it back: ' || "${schema}".wip_view_recreate_command(request.view_name);
  END IF;

  EXECUTE format('REFRESH MATERIALIZED VIEW %s %I.%I',
                 CASE WHEN why_plain IS NULL THEN 'CONCURRENTLY' ELSE '' END, '${schema}', request.view_name);
  EXECUTE format('SELECT count(*) FROM %I.%I', '${schema}', request.view_name) INTO view_rows;

  RETURN QUERY
  UPDATE "${schema}".wip_view_refresh AS r
  SET outcome = 'refreshed', started_at = this_start, finished_at = greatest(clock_timestamp(), this_start),
      rows = view_rows, bytes = pg_total_relation_size(view_oid), sqlstate = NULL, error = NULL,
      mode = CASE WHEN why_plain IS NULL THEN 'concurrent' ELSE 'plain' END, mode_reason = why_plain
  WHERE r.refresh_id = request_id
  RETURNING r.*;

  PERFORM "${schema}".wip_view_tidy(request.view_name);

  PERFORM pg_notify('wip_view_refreshed', json_build_object(
    'schema', '${schema}', 'view', request.view_name, 'refresh_id', request_id, 'rows', view_rows,
    'started_at', this_start)::text);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_run(bigint, boolean) IS
  'Runs a request of the same role: waits for the view''s turn, then refreshes it, or returns at once if a refresh that started after the request has been committed meanwhile. own_writes: the caller''s transaction wrote before, so it must refresh itself. Returns the completed row of wip_view_refresh.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_fail(request_id bigint, failed_sqlstate text, failed_error text)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  failed "${schema}".wip_view_refresh;
BEGIN
  UPDATE "${schema}".wip_view_refresh AS r
  SET outcome = 'failed', sqlstate = failed_sqlstate, error = failed_error, finished_at = clock_timestamp()
  WHERE r.refresh_id = request_id
    AND r.role = session_user
    AND (r.outcome = 'running' OR r.outcome = 'failed' AND r.sqlstate = '57P01')
  RETURNING r.* INTO failed;

  IF FOUND THEN
    PERFORM "${schema}".wip_view_tidy(failed.view_name);
    RETURN NEXT failed;
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_fail(bigint, text, text) IS
  'Completes the record of a request of the same role whose run was rolled back by an error. Does nothing to a request that has ended.';

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
  request_id bigint;
  call_id bigint;
BEGIN
  FOR next_view IN SELECT v.view_name FROM "${schema}".wip_view AS v ORDER BY v.refresh_order, v.view_name LOOP
    request_id := "${schema}".wip_view_request(next_view, call_id);
    call_id := coalesce(call_id, request_id);
    RETURN QUERY SELECT * FROM "${schema}".wip_view_run(request_id, own_writes);
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

-- No SECURITY DEFINER and no SET clause here: either would forbid COMMIT. It runs with the caller's rights, and the
-- caller may be a superuser with a schema on its path where others create: so the path is pinned again in each
-- transaction, before anything is looked up.
CREATE OR REPLACE PROCEDURE "${schema}".refresh_wip_views()
  LANGUAGE plpgsql
AS $procedure$
DECLARE
  all_views pg_catalog.text[];
  next_view pg_catalog.text;
  request_id pg_catalog.int8;
  call_id pg_catalog.int8;
  failed_state pg_catalog.text;
  failed_error pg_catalog.text;
  failures pg_catalog.text[];
  first_state pg_catalog.text;
BEGIN
  -- Stops here, before anything was done, when called inside a transaction block.
  COMMIT;
  SET LOCAL search_path = pg_catalog, pg_temp;
  all_views := ARRAY(SELECT v.view_name FROM "${schema}".wip_view AS v ORDER BY v.refresh_order, v.view_name);
  failures := '{}';

  FOREACH next_view IN ARRAY all_views LOOP
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET LOCAL search_path = pg_catalog, pg_temp;
    -- The request alone is nothing worth waiting for the disk.
    SET LOCAL synchronous_commit = off;
    request_id := "${schema}".wip_view_request(next_view, call_id);
    call_id := coalesce(call_id, request_id);
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET LOCAL search_path = pg_catalog, pg_temp;

    failed_state := NULL;
    BEGIN
      PERFORM FROM "${schema}".wip_view_run(request_id);
    -- OTHERS leaves out these two, of which a view's query can raise either
    EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
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

  -- The caller may be a block that goes on: with its own search_path, and without our locks.
  COMMIT;
  IF first_state IS NOT NULL THEN
    SET LOCAL search_path = pg_catalog, pg_temp;
    RAISE EXCEPTION '%', array_to_string(failures, '; ')
      USING ERRCODE = first_state,
            HINT = format('%s of %s views were not refreshed; see %I.wip_view_history.',
                          cardinality(failures), cardinality(all_views), '${schema}');
  END IF;
END
$procedure$;

COMMENT ON PROCEDURE "${schema}".refresh_wip_views() IS
  'Refreshes every registered view in refresh order, each in a transaction of its own: a failure is on record in wip_view_refresh, the other views are refreshed all the same, and then the call raises. Not inside a transaction block.';

SELECT "${schema}".wip_view_own();

DO $take_over$
BEGIN
  IF pg_catalog.current_setting('wip_views.take_over') <> '' THEN
    EXECUTE pg_catalog.current_setting('wip_views.take_over');
  END IF;
END
$take_over$;
