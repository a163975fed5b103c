-- A refresh that runs now, and has for longer than the view may be old, or for many times as long as the latest ones did.
-- Callers wait behind it, and the view gets no newer.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_running_refresh()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    3,
    f.view_name,
    format('a refresh by pid %s has been running for %s, since %s',
        f.running_pid, "${schema}".wip_view_duration_text(f.running_for), to_char(f.running_since, 'YYYY-MM-DD HH24:MI:SS TZ'))
      || coalesce('; the latest ones took ' || "${schema}".wip_view_duration_text(usual.duration), '')
      || coalesce('; ' || nullif(f.waiting_callers, 0) || ' behind it', ''),
    CASE
      WHEN blocker.pid IS NOT NULL THEN format('It waits for pid %s.', blocker.pid)
      WHEN a.wait_event IS NOT NULL THEN format('It waits for %s: %s.', a.wait_event_type, a.wait_event)
      ELSE 'It does not wait, it works.'
    END || ' The view gets no newer until it ends; one that is cancelled leaves the view its rows.',
    ARRAY[coalesce(blocker.remedy, format('SELECT pg_cancel_backend(%s);', f.running_pid))],
    false
  FROM "${schema}".wip_view_freshness AS f
  LEFT JOIN pg_stat_activity AS a ON a.pid = f.running_pid
  CROSS JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY latest.duration) AS duration
    FROM (
      SELECT r.duration
      FROM "${schema}".wip_view_refresh AS r
      WHERE r.view_name = f.view_name AND r.outcome = 'refreshed' AND r.mode <> 'rebuild'
      ORDER BY r.refresh_id DESC
      LIMIT 10
    ) AS latest
  ) AS usual
  LEFT JOIN LATERAL (
    SELECT b.pid, b.remedy FROM "${schema}".wip_view_blockers AS b WHERE b.blocked_pid = f.running_pid LIMIT 1
  ) AS blocker ON true
  -- one that is slow for once, and takes less than a minute, is no concern
  WHERE f.running_for > least(f.target, greatest(usual.duration * 10, interval '1 minute'))
  ORDER BY f.running_since, f.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_running_refresh() IS
  'Refreshes that have been running for longer than the view''s target, or for ten times as long as the latest ones.';
