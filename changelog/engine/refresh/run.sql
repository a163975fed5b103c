-- Waiting for the turn.
--
-- A view is refreshed by one caller at a time, which holds the turn. Of the waiting callers, one holds the place of the next and
-- waits for the turn. The others wait together until the turn is free, so that all return when the refresh that serves them
-- ends. A caller that it does not serve competes for the place again, and is served by the next refresh at the latest. A caller
-- that must refresh by itself waits for the place, and goes before them.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_served_by(request "${schema}".wip_view_refresh)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT v.last_refresh_id
    FROM "${schema}".wip_view AS v
    WHERE v.view_name = request.view_name
      AND v.refresh_no >= request.served_from
      -- What the same call has refreshed before, or was served with: it may have started before that was there.
      AND NOT EXISTS (
        SELECT
        FROM "${schema}".wip_view_refresh AS source
        WHERE request.call_id IN (source.refresh_id, source.call_id)
          AND source.outcome IN ('refreshed', 'coalesced')
          AND (v.source_refresh_no ->> source.view_name)::bigint < source.served_from
      )
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_served_by("${schema}".wip_view_refresh) IS
  'The committed refresh that serves a request: it started after the request was made, and of the views that the same call has refreshed it shows rows that are as new. Null if there is none yet.';

-- One transaction that refreshes several views keeps a view that it refreshed plainly for itself, and then waits for the
-- turns of those that read it. So a caller that wants such a turn waits for the view first, not once it has the turn.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_await_sources(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  source regclass;
BEGIN
  FOR source IN
    SELECT c.oid
    FROM "${schema}".wip_view AS v
    CROSS JOIN LATERAL jsonb_object_keys(v.source_refresh_no) AS read (view_name)
    JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = read.view_name AND c.relkind = 'm'
    WHERE v.view_name = wip_view_await_sources.view_name
      AND "${schema}".wip_view_why_plain(c.oid) IS NOT NULL
  LOOP
    -- reads no row, so that it may be unpopulated, and locks it as a reader does
    EXECUTE format('SELECT FROM %s WHERE false', source);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_await_sources(text) IS
  'Waits for those registered views that the view reads and that can only be refreshed plainly, as a reader of them does.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_try_turn(request "${schema}".wip_view_refresh, alone boolean, in_line boolean)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  lock_class CONSTANT integer := '"${schema}".wip_view'::regclass::oid::integer;
  place CONSTANT integer := hashtext('next ' || request.view_name);
  turn CONSTANT integer := hashtext(request.view_name);
BEGIN
  PERFORM "${schema}".wip_view_await_sources(request.view_name);
  IF in_line THEN
    PERFORM pg_advisory_xact_lock(lock_class, place);
  ELSIF NOT pg_try_advisory_xact_lock(lock_class, place) THEN
    PERFORM pg_advisory_xact_lock_shared(lock_class, turn);
    RAISE EXCEPTION SQLSTATE 'WV003';
  END IF;

  PERFORM pg_advisory_xact_lock(lock_class, turn);
  IF NOT alone AND "${schema}".wip_view_served_by(request) IS NOT NULL
    OR "${schema}".wip_view_is_frozen(request.view_name)
    OR "${schema}".wip_view_current_name(request.view_name) <> request.view_name
  THEN
    RAISE EXCEPTION SQLSTATE 'WV003';
  END IF;
  RETURN true;
EXCEPTION WHEN SQLSTATE 'WV003' THEN
  -- Only a rolled-back subtransaction releases such a lock before the transaction ends, which may be long.
  RETURN false;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_try_turn("${schema}".wip_view_refresh, boolean, boolean) IS
  'Waits for the turn of a request''s view and keeps it: true; or releases it, where another one is next, or the request was served meanwhile, or the view was frozen or renamed: false. alone: no other refresh can serve the request. in_line: waits for the place of the next as well.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_await(
  request "${schema}".wip_view_refresh, alone boolean, OUT outcome text, OUT served_by bigint)
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  rounds integer := 0;
BEGIN
  WHILE outcome IS NULL LOOP
    request.view_name := coalesce("${schema}".wip_view_current_name(request.view_name), request.view_name);
    IF NOT alone THEN
      served_by := "${schema}".wip_view_served_by(request);
    END IF;
    -- After a few rounds it waits for the place, too: its holder may not want the turn at all (anybody can take an advisory
    -- lock), and then the turn is free each time, and lock_timeout would never count.
    rounds := rounds + 1;
    outcome := CASE
      WHEN served_by IS NOT NULL THEN 'coalesced'
      WHEN "${schema}".wip_view_is_frozen(request.view_name) THEN 'frozen'
      WHEN "${schema}".wip_view_try_turn(request, alone, alone OR rounds > 5) THEN 'refreshed'
    END;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_await("${schema}".wip_view_refresh, boolean) IS
  'Waits until the outcome of a request is known. coalesced: a refresh has served it, which is served_by; frozen: the view is frozen; either way it holds no lock. refreshed: it has its turn, which it holds until the transaction ends. alone: no other refresh can serve it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_open(request_id bigint)
  RETURNS "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  lock_class CONSTANT integer := '"${schema}".wip_view_refresh'::regclass::oid::integer;
  request "${schema}".wip_view_refresh;
BEGIN
  -- This attempt was taken for dead, because its request waited long for a connection.
  SELECT * INTO request
  FROM "${schema}".wip_view_refresh AS r
  WHERE r.refresh_id = request_id
    AND r.role = session_user
    AND (r.outcome = 'running' OR r.outcome = 'failed' AND r.sqlstate = '57P01');

  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no open request % of role "%"', request_id, session_user
      USING ERRCODE = 'no_data_found', HINT = 'Call wip_view_request() first; each request is run once.';
  END IF;

  -- The first is held while the call is alive: how wip_view_history tells its attempts from those of a session that died;
  -- shared, since a call may run several of its requests at once. The second is the request's own; below -1, which is the
  -- key of wip_view_advance_numbers().
  IF NOT pg_try_advisory_xact_lock_shared(lock_class, (coalesce(request.call_id, request_id) % 2147483647)::integer)
    OR NOT pg_try_advisory_xact_lock(lock_class, (-2 - request_id % 2147483646)::integer)
  THEN
    RAISE EXCEPTION 'another session is running request %', request_id
      USING ERRCODE = 'object_in_use', HINT = 'Call wip_view_request() for a request of your own.';
  END IF;
  RETURN request;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_open(bigint) IS
  'A request of the same role that is still to be run, which this transaction then runs alone.';

-- own_writes: the caller's transaction has changed something that the refresh must see, so no other will do.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_run(request_id bigint, own_writes boolean DEFAULT false)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  -- compiling costs more than these queries take
  SET jit = off
  -- with this setting on, REFRESH CONCURRENTLY fails on the names of its temporary tables
  SET quote_all_identifiers = off
AS $function$
DECLARE
  request "${schema}".wip_view_refresh := "${schema}".wip_view_open(request_id);
  waited record;
BEGIN
  SELECT * INTO waited
  FROM "${schema}".wip_view_await(request, own_writes OR request.served_from IS NULL OR "${schema}".wip_view_one_snapshot());
  -- it may have been renamed while the request waited
  request.view_name := coalesce("${schema}".wip_view_current_name(request.view_name), request.view_name);
  IF waited.outcome = 'refreshed' THEN
    RETURN QUERY SELECT * FROM "${schema}".wip_view_perform(request);
  ELSE
    RETURN QUERY
    UPDATE "${schema}".wip_view_refresh AS r
    SET view_name = request.view_name, outcome = waited.outcome, served_by = waited.served_by, finished_at = clock_timestamp(),
        sqlstate = NULL, error = NULL,
        rows = (
          SELECT s.rows
          FROM "${schema}".wip_view_refresh AS s
          WHERE s.refresh_id = coalesce(waited.served_by, (
            SELECT v.last_refresh_id FROM "${schema}".wip_view AS v WHERE v.view_name = request.view_name)))
    WHERE r.refresh_id = request_id
    RETURNING r.*;
  END IF;
  -- a refresh that served others has done it for them
  IF waited.outcome <> 'coalesced' THEN
    PERFORM "${schema}".wip_view_prune(request.view_name);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_run(bigint, boolean) IS
  'Runs a request of the same role: waits for the view''s turn, then refreshes it, or returns at once if a refresh that started after the request has been committed meanwhile, or the view is frozen. own_writes: the caller''s transaction wrote before, so it must refresh itself. Returns the completed row of wip_view_refresh.';
