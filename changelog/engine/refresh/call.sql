-- The functions for callers. The guide's own functions are in guide.sql.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_run_source(request "${schema}".wip_view_refresh, own_writes boolean, asked text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  failed_state text;
  failed_error text;
  failed_detail text;
  failed_hint text;
BEGIN
  PERFORM "${schema}".wip_view_run(request.refresh_id, own_writes);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS failed_state = RETURNED_SQLSTATE, failed_error = MESSAGE_TEXT,
    failed_detail = PG_EXCEPTION_DETAIL, failed_hint = PG_EXCEPTION_HINT;
  RAISE EXCEPTION '%, which % reads, could not be refreshed: %', request.view_name, asked, failed_error
    USING ERRCODE = failed_state, DETAIL = failed_detail,
          HINT = coalesce(nullif(failed_hint, ''), 'CALL refresh_wip_views() refreshes every view that it can.');
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_run_source("${schema}".wip_view_refresh, boolean, text) IS
  'wip_view_run() of a view that the one reads which was asked for: an error names both.';

-- It returns the row of the requested view, as the caller expects; the history has those of the views that it reads, as
-- parts of the same call.
CREATE OR REPLACE FUNCTION "${schema}".refresh_wip_view(view_name text)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- asked before the request itself writes
  own_writes CONSTANT boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
  -- by number: with a type of ours, a schema that was renamed would be no more than a syntax error
  requests bigint[];
  request_id bigint;
BEGIN
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;

  requests := ARRAY(SELECT r.refresh_id FROM "${schema}".wip_view_request_with_sources(view_name) AS r);
  FOREACH request_id IN ARRAY trim_array(requests, 1) LOOP
    PERFORM "${schema}".wip_view_run_source(r, own_writes, refresh_wip_view.view_name)
    FROM "${schema}".wip_view_refresh AS r
    WHERE r.refresh_id = request_id;
  END LOOP;
  RETURN QUERY SELECT * FROM "${schema}".wip_view_run(requests[cardinality(requests)], own_writes);
END
$function$;

COMMENT ON FUNCTION "${schema}".refresh_wip_view(text) IS
  'Refreshes one registered view in the caller''s transaction, after the registered views that it reads, so that all that it shows is at least as new as the call; returns its row of wip_view_refresh. Callers at the same moment share refreshes. An error is raised.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_try_run(request_id bigint)
  RETURNS SETOF "${schema}".wip_view_refresh
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  failed_state text;
  failed_error text;
  failed_detail text;
BEGIN
  RETURN QUERY SELECT * FROM "${schema}".wip_view_run(request_id);
-- OTHERS leaves out these two, of which a view's query can raise either
EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
  GET STACKED DIAGNOSTICS failed_state = RETURNED_SQLSTATE, failed_error = MESSAGE_TEXT,
    failed_detail = PG_EXCEPTION_DETAIL;
  RETURN QUERY SELECT * FROM "${schema}".wip_view_fail(
    -- the detail names the row, without which the message is of little use
    request_id, failed_state, failed_error || coalesce(' (' || nullif(rtrim(failed_detail, '.'), '') || ')', ''));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_try_run(bigint) IS
  'wip_view_run(), where an error is put on record and returned instead of raised.';

-- There is no SECURITY DEFINER and no SET clause, which would forbid COMMIT. It runs with the caller's rights, and the
-- caller may be a superuser with a schema on its path where others create: so the path is pinned again in each
-- transaction, before anything is looked up.
CREATE OR REPLACE PROCEDURE "${schema}".refresh_wip_views()
  LANGUAGE plpgsql
AS $procedure$
DECLARE
  requests pg_catalog.int8[];
  request_id pg_catalog.int8;
  done record;
  failures pg_catalog.text[];
  first_state pg_catalog.text;
  cancelled_at pg_catalog.text;
BEGIN
  -- Stops here, before anything was done, when called inside a transaction block.
  COMMIT;
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SET LOCAL search_path = pg_catalog, pg_temp;
  -- Requests alone need not wait for the disk.
  SET LOCAL synchronous_commit = off;
  IF to_regnamespace('"${schema}"') IS NULL THEN
    RAISE EXCEPTION 'the schema % was renamed since wip-views was deployed to it', '${schema}'
      USING ERRCODE = 'invalid_schema_name', HINT = 'Deploy again: wip-views update, with --schema and its new name.';
  END IF;
  requests := ARRAY(SELECT r.refresh_id FROM "${schema}".wip_view_request_all() AS r);
  failures := '{}';

  FOREACH request_id IN ARRAY requests LOOP
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET LOCAL search_path = pg_catalog, pg_temp;
    IF cancelled_at IS NULL THEN
      SELECT * INTO done FROM "${schema}".wip_view_try_run(request_id);
    ELSE
      -- A cancel ends all of it; and a statement_timeout does not fire again: the rest would run without a limit.
      SELECT * INTO done FROM "${schema}".wip_view_fail(request_id, '57014', format(
        'not tried: the call was cancelled, or ran into its statement_timeout, at %s', cancelled_at));
    END IF;
    IF done.outcome = 'failed' THEN
      failures := failures || (done.view_name || ': ' || done.error);
      first_state := coalesce(first_state, done.sqlstate);
      cancelled_at := coalesce(cancelled_at, CASE done.sqlstate WHEN '57014' THEN done.view_name END);
    END IF;
  END LOOP;

  -- The caller may be a block that continues: with its own search_path, and without our locks.
  COMMIT;
  IF first_state IS NOT NULL THEN
    SET LOCAL search_path = pg_catalog, pg_temp;
    RAISE EXCEPTION '%', array_to_string(failures, '; ')
      USING ERRCODE = first_state,
            HINT = format('%s of %s views were not refreshed; see %I.wip_view_history.',
                          cardinality(failures), cardinality(requests), '${schema}');
  END IF;
END
$procedure$;

COMMENT ON PROCEDURE "${schema}".refresh_wip_views() IS
  'Refreshes every registered view, each after those that it reads and in a transaction of its own: a failure is on record in wip_view_refresh, the other views are still refreshed, and then the call raises. A statement_timeout applies to the whole call: the views that it did not reach are on record as failed. Not inside a transaction block.';
