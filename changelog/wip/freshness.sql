-- How fresh each registered view is. Reads only the registry, the history and the catalog, never the views
-- themselves: it answers whatever state they are in, and waits for none of their locks.

SELECT "${schema}".wip_view_note();
SELECT "${schema}".wip_view_take('replace', 'wip_view_freshness');

-- Replaced, not dropped: others may have made views on it.
CREATE OR REPLACE VIEW "${schema}".wip_view_freshness AS
SELECT
  v.view_name,
  CASE
    WHEN c.oid IS NULL THEN 'missing'
    WHEN NOT c.relispopulated THEN 'unpopulated'
    WHEN since.age <= v.freshness_target THEN 'fresh'
    ELSE 'stale'
  END AS state,
  refresh.started_at AS last_refreshed_at,
  since.age,
  v.freshness_target AS target,
  attempt.requested_at AS last_attempt_at,
  attempt.outcome AS last_outcome,
  attempt.error AS last_error,
  refresh.duration AS last_duration,
  refresh.rows AS rows,
  -- as it was after that refresh: asking for its size now would wait for whoever has locked it
  CASE WHEN c.oid IS NOT NULL THEN refresh.bytes END AS bytes,
  failed.in_a_row AS failures_in_a_row,
  -- from the statistics, which nobody locks
  pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows
FROM "${schema}".wip_view AS v
LEFT JOIN pg_catalog.pg_class AS c
  ON c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
  AND c.relname = v.view_name
  AND c.relkind = 'm'
LEFT JOIN "${schema}".wip_view_refresh AS refresh
  ON refresh.refresh_id = v.last_refresh_id
-- A start in the future means that the clock was set back since: the distance is then the least that is known to be
-- uncertain, and saying zero would keep a view fresh until the clock has caught up.
CROSS JOIN LATERAL (
  SELECT greatest(clock.now - refresh.started_at, refresh.started_at - clock.now) AS age
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
ORDER BY v.refresh_order, v.view_name;

COMMENT ON VIEW "${schema}".wip_view_freshness IS 'How fresh each registered view is: a row per view in refresh order. Answers in every state, also when a view was dropped or never populated.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.view_name IS 'The view, as registered in wip_view.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.state IS 'fresh: not older than its target; stale: older; unpopulated: there, but it cannot be read until it is refreshed; missing: no such materialized view.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_refreshed_at IS 'When the refresh started that made its rows: they are at least as new as this.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.age IS 'Time since last_refreshed_at, or until it if the clock was set back since.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.target IS 'The age above which the view is stale; wip_view.freshness_target.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_attempt_at IS 'When a refresh was last asked for.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_outcome IS 'What became of that attempt: refreshed, coalesced, failed (also when its session died), or running.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_error IS 'Why that attempt failed.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.last_duration IS 'How long the last successful refresh took.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.rows IS 'Rows in the view after the last successful refresh.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.bytes IS 'Size of the view on disk, with its indexes, after the last successful refresh.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.failures_in_a_row IS 'Attempts that failed (also when their session died) since the last one that was refreshed or coalesced.';
COMMENT ON COLUMN "${schema}".wip_view_freshness.dead_rows IS 'Rows that refreshes replaced and no vacuum has cleared away yet, as the statistics know.';

SELECT "${schema}".wip_view_own();
