-- Keeping the history: attempts of the view that died are recorded as such, and what is older than the retention is
-- deleted. Every refresh does it for views that are no longer registered, too, since no other one would. Both look at a
-- bounded number of rows, by index, however long the history is. Rows that lie as far ahead of the clock are deleted
-- too: the clock was wrong when it dated them, and they would come before all later ones.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_prune(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  dead bigint[];
  old bigint[];
BEGIN
  -- With one snapshot for the whole transaction, a row that another session pruned meanwhile would be an error.
  IF "${schema}".wip_view_one_snapshot() THEN
    RETURN;
  END IF;

  -- SKIP LOCKED: a row that another session has locked is pruned by that one; nobody waits to prune.
  dead := ARRAY(
    SELECT r.refresh_id
    FROM "${schema}".wip_view_refresh AS r
    JOIN "${schema}".wip_view_history AS h ON h.refresh_id = r.refresh_id
    WHERE r.outcome = 'running'
      AND (r.view_name = wip_view_prune.view_name
        OR NOT EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = r.view_name))
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
    -- as an age, since a long retention goes back to before the first timestamp
    WHERE clock_timestamp() - oldest.requested_at NOT BETWEEN - s.history_retention AND s.history_retention
      AND oldest.outcome <> 'running'
      -- wip_view_freshness reads this one
      AND NOT EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.last_refresh_id = oldest.refresh_id)
  );

  IF old <> '{}' THEN
    old := ARRAY(
      SELECT r.refresh_id FROM "${schema}".wip_view_refresh AS r WHERE r.refresh_id = ANY (old) FOR UPDATE SKIP LOCKED);
    DELETE FROM "${schema}".wip_view_refresh AS r WHERE r.refresh_id = ANY (old);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_prune(text) IS
  'Keeps the history: marks attempts of this view that died as failed, and prunes those of any view that are older than wip_view_settings.history_retention. Called by wip_view_run() and wip_view_fail().';

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
    PERFORM "${schema}".wip_view_prune(failed.view_name);
    RETURN NEXT failed;
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_fail(bigint, text, text) IS
  'Completes the record of a request of the same role whose run was rolled back by an error. Does nothing to a request that has ended.';
