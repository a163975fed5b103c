-- How fresh each registered view is. Reads only the registry, the history and the catalog, never the views
-- themselves: it answers whatever state they are in, and waits for none of their locks.

SELECT "${schema}".wip_view_snapshot_objects();
SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_freshness');

-- Replaced, not dropped: others may have created views on it.
CREATE OR REPLACE VIEW "${schema}".wip_view_freshness AS
SELECT
  v.view_name,
  CASE
    WHEN c.oid IS NULL THEN 'missing'
    WHEN NOT c.relispopulated THEN 'unpopulated'
    WHEN frozen.view_name IS NOT NULL THEN 'frozen'
    WHEN since.age <= v.freshness_target THEN 'fresh'
    ELSE 'stale'
  END AS state,
  refresh.rows_as_of AS last_refreshed_at,
  since.age,
  v.freshness_target AS target,
  attempt.requested_at AS last_attempt_at,
  attempt.outcome AS last_outcome,
  attempt.error AS last_error,
  refresh.duration AS last_duration,
  refresh.rows AS rows,
  -- as it was after that refresh: asking for its size now would wait for a session that has locked it
  CASE WHEN c.oid IS NOT NULL THEN refresh.bytes END AS bytes,
  failed.in_a_row AS failures_in_a_row,
  -- from the statistics, which nobody locks
  pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows,
  running.since AS running_since,
  pg_catalog.clock_timestamp() - running.since AS running_for,
  running.pid AS running_pid,
  coalesce(running.waiting, 0::bigint) AS waiting_callers,
  frozen.frozen_at AS frozen_since
FROM "${schema}".wip_view_order AS o
JOIN "${schema}".wip_view AS v
  ON v.view_name = o.view_name
LEFT JOIN "${schema}".wip_view_running AS running
  ON running.view_name = v.view_name
LEFT JOIN "${schema}".wip_view_frozen AS frozen
  ON frozen.view_name = v.view_name
LEFT JOIN pg_catalog.pg_class AS c
  ON c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
  AND c.relname = v.view_name
  AND c.relkind = 'm'
LEFT JOIN "${schema}".wip_view_refresh AS refresh
  ON refresh.refresh_id = v.last_refresh_id
  AND (c.oid IS NULL OR c.oid = v.last_relation)
  -- the number may be another attempt's by now, where the history was emptied and numbered from 1 again
  AND refresh.view_name = v.view_name
  AND refresh.outcome = 'refreshed'
-- A start in the future means that the clock was set back since: the distance is then the least that is known to be
-- uncertain, and saying zero would keep a view fresh until the clock has caught up.
CROSS JOIN LATERAL (
  SELECT greatest(clock.now - refresh.rows_as_of, refresh.rows_as_of - clock.now) AS age
  FROM (SELECT pg_catalog.clock_timestamp()) AS clock (now)
) AS since
LEFT JOIN LATERAL (
  SELECT h.requested_at, h.outcome, h.error
  FROM "${schema}".wip_view_history AS h
  WHERE h.view_name = v.view_name
  ORDER BY h.refresh_id DESC
  LIMIT 1
) AS attempt ON true
-- Backwards by index to the last attempt that came to something: as many rows as there are failures.
CROSS JOIN LATERAL (
  SELECT pg_catalog.count(*) AS in_a_row
  FROM "${schema}".wip_view_history AS h
  WHERE h.view_name = v.view_name
    AND h.outcome = 'failed'
    AND h.refresh_id > coalesce((
      SELECT done.refresh_id
      FROM "${schema}".wip_view_refresh AS done
      WHERE done.view_name = v.view_name
        AND done.outcome IN ('refreshed', 'coalesced')
      ORDER BY done.refresh_id DESC
      LIMIT 1
    ), 0::bigint)
) AS failed
ORDER BY o.position;

COMMENT ON VIEW "${schema}".wip_view_freshness IS 'How fresh each registered view is: a row per view, each after those that it reads (wip_view_order). Answers in every state, also when a view was dropped or never populated.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.view_name IS 'The view, as registered in wip_view.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.state IS 'fresh: not older than its target; stale: older; unpopulated: there, but it cannot be read until it is refreshed; missing: no such materialized view; frozen: it keeps its rows while the tables underneath are migrated, until wip_view_thaw().';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_refreshed_at IS 'Its rows are at least as new as this: the start of the refresh that made them, or, if the view reads other registered views, the time of the oldest rows that it read. wip_view_history has when the refresh itself was.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.age IS 'Time since last_refreshed_at, or until it if the clock was set back since: the age of the oldest rows that the view shows. Null, and the view stale, where that is not known.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.target IS 'The age above which the view is stale; wip_view.freshness_target.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_attempt_at IS 'When a refresh was last requested.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_outcome IS 'What became of that attempt: refreshed, coalesced, failed (also when its session died), frozen, or running.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_error IS 'Why that attempt failed.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_duration IS 'How long the last successful refresh took.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.rows IS 'Rows in the view after the last successful refresh.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.bytes IS 'Size of the view on disk, with its indexes, after the last successful refresh.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.failures_in_a_row IS 'Attempts that failed (also when their session died) since the last one that was refreshed or coalesced.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.dead_rows IS 'Rows that refreshes replaced and no vacuum has removed yet, by the statistics.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.running_since IS 'When the current refresh began, to the second; null if none is running.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.running_for IS 'How long it has been running. A refresh that hangs is ended by SELECT pg_cancel_backend(running_pid), or, if that is not enough, pg_terminate_backend(running_pid): the view keeps its rows, and the next in line refreshes. wip_view_blockers says what it waits for.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.running_pid IS 'Process of the session that refreshes the view, or puts a new one in its place (then running_since is null), or has done so and not ended its transaction.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.waiting_callers IS 'How many sessions wait for it to end.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.frozen_since IS 'Since when the view is frozen; null if it is not.';

SELECT "${schema}".wip_view_revoke_default_privileges();
