-- A session that others wait for, now. Those that wait for one that waits itself are counted.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_blocked()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH waits AS (
    SELECT
      b.*,
      row_number() OVER (ORDER BY b.blocked_for DESC NULLS LAST, b.blocked_pid, b.pid) AS place,
      CASE b.pid
        WHEN 0 THEN 'a prepared transaction'
        ELSE format('pid %s (%s)', b.pid, concat_ws(', ', b.role, nullif(b.application_name, '')))
      END AS blocker,
      format('pid %s (%s)', b.blocked_pid, concat_ws(', ', b.blocked_role, nullif(b.blocked_application_name, ''))) AS blocked,
      regexp_replace(btrim(b.query, E' \t\r\n'), '[[:space:]]+', ' ', 'g') AS line
    FROM "${schema}".wip_view_blockers AS b
    -- who waits for an advisory lock of a session that is at work waits for its turn
    WHERE NOT (b.lock_on = 'advisory' AND coalesce(b.state, 'active') = 'active')
  ),
  ends AS (
    SELECT
      w.*,
      row_number() OVER (PARTITION BY w.pid ORDER BY w.place) AS nth,
      count(*) OVER (PARTITION BY w.pid) AS behind,
      (SELECT count(DISTINCT others.blocked_pid) FROM waits AS others) AS waiting
    FROM waits AS w
    -- the server's own deadlock_timeout: below it, a wait is nothing but traffic
    WHERE w.blocked_for >= interval '1 second'
      AND NOT EXISTS (SELECT FROM waits AS others WHERE others.blocked_pid = w.pid)
  )
  SELECT
    3,
    e.lock_on,
    format('%s holds up %s%s, for %s now',
      e.blocker, e.blocked, ' and ' || nullif(e.behind - 1, 0) || ' more', "${schema}".wip_view_duration_text(e.blocked_for)),
    coalesce('It is ' || e.state, 'What it does is hidden from this role')
      || coalesce(', its transaction ' || "${schema}".wip_view_duration_text(e.transaction_age) || ' old', '')
      || coalesce(': ' || CASE WHEN length(e.line) > 120 THEN left(e.line, 120) || '...' ELSE e.line END, '')
      || CASE WHEN e.waiting > e.behind THEN format('. %s sessions wait in all.', e.waiting) ELSE '.' END,
    ARRAY[e.remedy],
    false
  FROM ends AS e
  WHERE e.nth = 1
  ORDER BY e.place;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_blocked() IS
  'Sessions that others have been waiting for, for a second or longer.';
