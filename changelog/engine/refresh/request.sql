-- Requests, and which refresh may serve one.
--
-- A request is served by any refresh that starts after it was made. The registry counts the refreshes of a view
-- (wip_view.refresh_no); a refresh counts itself when it starts, which others see once it has committed. So a request notes
-- the count, and whether a refresh was running, which does not serve it. This depends on no clock, which may be set back, and on
-- no sequence, which a restore may leave behind the rows that it numbered.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_one_snapshot()
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted');
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_one_snapshot() IS
  'Whether this transaction sees the database as it was when it began: under REPEATABLE READ and SERIALIZABLE.';

-- Asked by each of many callers at once, for whom reading pg_locks would cost more than all the rest. It is read where somebody
-- has the turn who has not said that it began: a deploy, or a refresh that began before this version was deployed.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_is_under_way(view_name text)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  lock_class CONSTANT integer := '"${schema}".wip_view'::regclass::oid::integer;
  under_way boolean;
BEGIN
  IF NOT pg_try_advisory_xact_lock_shared(lock_class, hashtext('began ' || view_name)) THEN
    under_way := true;
  ELSIF pg_try_advisory_xact_lock_shared(lock_class, hashtext(view_name)) THEN
    under_way := false;
  ELSE
    under_way := EXISTS (
      SELECT FROM "${schema}".wip_view_running AS r WHERE r.view_name = wip_view_is_under_way.view_name AND r.since IS NOT NULL);
  END IF;
  -- releases the locks
  RAISE EXCEPTION SQLSTATE 'WV003';
EXCEPTION WHEN SQLSTATE 'WV003' THEN
  RETURN under_way;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_is_under_way(text) IS
  'Whether another transaction has begun to refresh a view.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_served_from(view_name text)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  counted bigint;
  under_way boolean;
  counted_then bigint;
BEGIN
  -- It does not see what was committed since, so it cannot tell what serves it.
  IF "${schema}".wip_view_one_snapshot() THEN
    RETURN NULL;
  END IF;

  -- until no refresh ended while it looked
  LOOP
    counted := (SELECT v.refresh_no FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_served_from.view_name);
    under_way := "${schema}".wip_view_is_under_way(view_name);
    counted_then := (SELECT v.refresh_no FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_served_from.view_name);
    EXIT WHEN counted_then IS NOT DISTINCT FROM counted;
  END LOOP;

  RETURN counted + CASE WHEN under_way THEN 2 ELSE 1 END;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_served_from(text) IS
  'The wip_view.refresh_no of the first refresh of a view that starts after now; null where no refresh can serve this transaction.';

-- Rows may come without the sequence that numbered them (a restore, logical replication), or the sequence may be set
-- back. The next number must still be the highest, since it gives the order of the attempts in the history.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_advance_numbers()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  numbers CONSTANT regclass := pg_get_serial_sequence('"${schema}".wip_view_refresh', 'refresh_id');
BEGIN
  IF coalesce(pg_sequence_last_value(numbers), 0) < (SELECT max(r.refresh_id) FROM "${schema}".wip_view_refresh AS r) THEN
    -- one at a time, or the second would set back what the first has drawn since
    PERFORM pg_advisory_xact_lock('"${schema}".wip_view_refresh'::regclass::oid::integer, -1);
    PERFORM setval(numbers, r.highest)
    FROM (SELECT max(r.refresh_id) FROM "${schema}".wip_view_refresh AS r) AS r (highest)
    WHERE coalesce(pg_sequence_last_value(numbers), 0) < r.highest;
    -- releases the lock; a sequence is not rolled back
    RAISE EXCEPTION SQLSTATE 'WV003';
  END IF;
EXCEPTION WHEN SQLSTATE 'WV003' THEN
  RETURN;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_advance_numbers() IS
  'Sets the sequence that numbers the attempts above the highest number, if it is not.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_current_name(view_name text)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT v.view_name
    FROM "${schema}".wip_view AS v
    WHERE v.view_name = wip_view_current_name.view_name OR wip_view_current_name.view_name = ANY (v.former_names)
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_current_name(text) IS
  'The name of a registered view by that name, or by one that it had before it was renamed. Null if there is none.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_registered(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_check_registered.view_name) THEN
    RAISE EXCEPTION 'unknown view "%"', view_name
      USING ERRCODE = 'undefined_object',
            HINT = format('Registered in %I.wip_view: %s.', '${schema}', coalesce(
              (SELECT string_agg(o.view_name, ', ' ORDER BY o.position) FROM "${schema}".wip_view_order AS o),
              'none'));
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_registered(text) IS
  'Stops if no view of that name is registered, and names those that are.';

-- call_id: the requests of a call for several views are all made before the first of them is run.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_request(view_name text, call_id bigint DEFAULT NULL)
  RETURNS bigint
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  current_name text;
  request_id bigint;
BEGIN
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;

  IF pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean THEN
    RAISE EXCEPTION 'cannot refresh the view: this is a read-only standby or transaction'
      USING ERRCODE = 'read_only_sql_transaction',
            HINT = 'Refresh on the primary; a standby gets the rows by replication.';
  END IF;

  current_name := coalesce("${schema}".wip_view_current_name(view_name), view_name);
  PERFORM "${schema}".wip_view_check_registered(current_name);

  -- The number may still be taken, by a transaction that has not ended yet.
  WHILE request_id IS NULL LOOP
    PERFORM "${schema}".wip_view_advance_numbers();
    INSERT INTO "${schema}".wip_view_refresh AS r (view_name, call_id, requested_at, served_from)
    VALUES (
      current_name,
      wip_view_request.call_id,
      coalesce(
        (SELECT first.requested_at FROM "${schema}".wip_view_refresh AS first WHERE first.refresh_id = wip_view_request.call_id),
        clock_timestamp()),
      "${schema}".wip_view_served_from(current_name)
    )
    ON CONFLICT ON CONSTRAINT wip_view_refresh_pkey DO NOTHING
    RETURNING r.refresh_id INTO request_id;
  END LOOP;

  RETURN request_id;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_request(text, bigint) IS
  'Puts an attempt to refresh a registered view on record and returns its refresh_id, for wip_view_run(). call_id: the refresh_id of the first attempt of the same call, if this is not the first. Refuses a name that is not registered.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_request_each(views text[])
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  next_view text;
  request_id bigint;
  call_id bigint;
BEGIN
  FOREACH next_view IN ARRAY views LOOP
    request_id := "${schema}".wip_view_request(next_view, call_id);
    call_id := coalesce(call_id, request_id);
    RETURN QUERY SELECT * FROM "${schema}".wip_view_refresh AS r WHERE r.refresh_id = request_id;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_request_each(text[]) IS
  'Puts an attempt to refresh each of these views on record, as one call.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_request_all()
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN QUERY
  SELECT * FROM "${schema}".wip_view_request_each(
    ARRAY(SELECT o.view_name FROM "${schema}".wip_view_order AS o ORDER BY o.position));

  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is nothing to refresh: no view is registered in %.wip_view', quote_ident('${schema}')
      USING ERRCODE = 'WV001',
            HINT = 'Register the views: wip-views recreate';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_request_all() IS
  'Puts an attempt to refresh each registered view on record, as one call, and returns them in the order in which wip_view_run() is to run them. Fails with SQLSTATE WV001 where no view is registered.';

-- A view that reads another one is as new as the call only if that one is.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_request_with_sources(view_name text, max_age interval DEFAULT NULL)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  sources text[];
BEGIN
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;

  sources := "${schema}".wip_view_sources("${schema}".wip_view_current_name(view_name));
  -- with 64 callers at once, the order of all views would be felt
  IF sources <> '{}' THEN
    sources := ARRAY(
      SELECT source.view_name
      FROM "${schema}".wip_view_order AS source
      WHERE source.view_name = ANY (sources)
        AND NOT EXISTS (
          SELECT FROM "${schema}".wip_view_freshness AS f
          -- in this order: freshness is read only where it matters
          WHERE max_age IS NOT NULL AND f.view_name = source.view_name AND f.state IN ('fresh', 'stale') AND f.age <= max_age)
      ORDER BY source.position);
  END IF;
  RETURN QUERY SELECT * FROM "${schema}".wip_view_request_each(sources || view_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_request_with_sources(text, interval) IS
  'Puts an attempt to refresh a registered view on record, and before it one for each registered view that it reads, as one call; returns them in the order in which wip_view_run() is to run them. max_age: views that are not older are skipped.';
