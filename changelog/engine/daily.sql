-- The timing of refreshes, day by day: what the guide reads by \timing is on record for every attempt. From
-- wip_view_history, so that an attempt whose session died counts as failed.

SELECT "${schema}".wip_view_snapshot_objects();
SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_daily');

-- Replaced, not dropped: others may have created views on it.
CREATE OR REPLACE VIEW "${schema}".wip_view_daily AS
SELECT
  h.view_name,
  h.requested_at::date AS day,
  pg_catalog.count(*) AS attempts,
  pg_catalog.count(*) FILTER (WHERE h.outcome = 'refreshed') AS refreshed,
  pg_catalog.count(*) FILTER (WHERE h.outcome = 'coalesced') AS coalesced,
  pg_catalog.count(*) FILTER (WHERE h.outcome = 'failed') AS failed,
  -- only what refreshed the rows has a duration
  pg_catalog.percentile_cont(0.5::double precision) WITHIN GROUP (ORDER BY h.duration) AS p50_duration,
  pg_catalog.percentile_cont(0.95::double precision) WITHIN GROUP (ORDER BY h.duration) AS p95_duration,
  pg_catalog.max(h.duration) AS max_duration,
  pg_catalog.count(*) FILTER (WHERE h.outcome = 'frozen') AS frozen
FROM "${schema}".wip_view_history AS h
GROUP BY h.view_name, h.requested_at::date;

COMMENT ON VIEW "${schema}".wip_view_daily IS 'Attempts and durations by view and day, for as long as the history goes back. Days are those of the session''s time zone.';
COMMENT ON COLUMN "${schema}".wip_view_daily.view_name IS 'The view, as registered in wip_view.';
COMMENT ON COLUMN "${schema}".wip_view_daily.day IS 'The day on which the refreshes were requested, in the session''s time zone. The oldest may be cut short by the history''s retention.';
COMMENT ON COLUMN "${schema}".wip_view_daily.attempts IS 'How often a refresh was requested, including those that are still running.';
COMMENT ON COLUMN "${schema}".wip_view_daily.refreshed IS 'Attempts that refreshed the rows.';
COMMENT ON COLUMN "${schema}".wip_view_daily.coalesced IS 'Attempts that were served by another refresh.';
COMMENT ON COLUMN "${schema}".wip_view_daily.failed IS 'Attempts that failed, also because their session died.';
COMMENT ON COLUMN "${schema}".wip_view_daily.p50_duration IS 'The median duration. Null on a day without a refresh.';
COMMENT ON COLUMN "${schema}".wip_view_daily.p95_duration IS 'The 95th percentile of the durations. Null on a day without a refresh.';
COMMENT ON COLUMN "${schema}".wip_view_daily.max_duration IS 'The longest duration. Null on a day without a refresh.';
COMMENT ON COLUMN "${schema}".wip_view_daily.frozen IS 'Attempts that did nothing, because the view was frozen.';

SELECT "${schema}".wip_view_revoke_default_privileges();
