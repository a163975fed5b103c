-- A refresh that takes longer than there is between two.
--
-- Nobody but the scheduler knows the interval that was meant, so it is read from the history, as the share of the time that
-- is spent refreshing. A caller that waits for the end of a refresh starts the next one at the first time after it: of a
-- refresh that takes d, every t, there is one in ceil(d / t) ticks, and while d is longer than t its share is above one half.
-- A caller that does not wait queues them up, and its share is nearly all. Either way: more than half.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_slow_refresh()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    3,
    v.view_name,
    'a refresh takes ' || "${schema}".wip_view_duration_text(took.typical) || CASE
      WHEN late.is_so THEN ', longer than its target of ' || "${schema}".wip_view_duration_text(v.freshness_target)
      ELSE ' and one begins every ' || "${schema}".wip_view_duration_text(took.every)
    END,
    CASE WHEN late.is_so THEN 'Its rows are stale before they are there.' ELSE 'The server does little else, and callers wait for their turn.' END
      || CASE WHEN analyzing.tables IS NULL THEN ' ' ELSE ' If analyzing its tables does not help, ' END
      || CASE
        WHEN late.is_so AND analyzing.tables IS NULL THEN 'Give it a target that it can keep, by UPDATE of wip_view.freshness_target.'
        WHEN late.is_so THEN 'give it a target that it can keep, by UPDATE of wip_view.freshness_target.'
        WHEN analyzing.tables IS NULL THEN 'Refresh it less often than every ' || "${schema}".wip_view_duration_text(2 * took.typical) || '.'
        ELSE 'refresh it less often than every ' || "${schema}".wip_view_duration_text(2 * took.typical) || '.'
      END,
    CASE WHEN analyzing.tables IS NULL THEN '{}' ELSE ARRAY[format('ANALYZE %s;', analyzing.tables)] END,
    true
  FROM "${schema}".wip_view AS v
  CROSS JOIN LATERAL (
    SELECT
      percentile_cont(0.5) WITHIN GROUP (ORDER BY latest.duration) AS typical,
      (max(latest.started_at) - min(latest.started_at)) / (count(*) - 1) AS every,
      -- the last one is not within the time that is measured
      extract(epoch FROM sum(latest.duration) FILTER (WHERE latest.place > 1))
        / nullif(extract(epoch FROM max(latest.started_at) - min(latest.started_at)), 0) AS share
    FROM (
      SELECT r.started_at, r.duration, row_number() OVER (ORDER BY r.refresh_id DESC) AS place
      FROM "${schema}".wip_view_refresh AS r
      WHERE r.view_name = v.view_name AND r.outcome = 'refreshed' AND r.mode <> 'rebuild'
      ORDER BY r.refresh_id DESC
      LIMIT 10
    ) AS latest
    -- with fewer than this there is no interval to speak of
    HAVING count(*) >= 4
  ) AS took
  CROSS JOIN LATERAL (SELECT took.typical > v.freshness_target) AS late (is_so)
  CROSS JOIN LATERAL (
    SELECT string_agg(t.table_name, ', ' ORDER BY t.table_name)
    FROM "${schema}".wip_view_source_tables() AS t
    WHERE t.view_name = v.view_name
  ) AS analyzing (tables)
  -- a view that takes less and is refreshed all the time is refreshed so on purpose
  WHERE took.typical >= interval '1 second'
    AND (took.share > 0.5 OR late.is_so)
  ORDER BY v.refresh_order, v.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_slow_refresh() IS
  'Views whose refresh takes longer than there is between two, or than the view may be old.';
