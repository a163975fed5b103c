-- A process that is none of the stations 1 to 6 and holds items that are not done: of the items at no station, not those
-- that have passed the last one.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_no_station()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  those CONSTANT text := format(
    'FROM %1$I.wip_item_station AS s JOIN %1$I.wip_items AS i ON i.id = s.wip_item_id'
    ' LEFT JOIN LATERAL (SELECT h.process_id FROM (SELECT * FROM %1$I.wip_process_history WHERE wip_item_id = i.id OFFSET 0) AS h'
    ' ORDER BY h.started_at DESC, h.id DESC LIMIT 1) AS newest ON true'
    ' JOIN %1$I.processes AS p ON p.id = coalesce(newest.process_id, i.current_process_id)'
    ' WHERE s.process_id IS NULL AND p.process_number NOT BETWEEN 1 AND 6',
    '${schema}');
BEGIN
  IF "${schema}".wip_view_may_read('wip_item_station', 'wip_items', 'wip_process_history', 'processes') THEN
    RETURN QUERY EXECUTE
      $sql$
        SELECT
          5,
          p.process_code::text,
          to_char(count(*), 'FM999,999,999,999,990') || ' items that are not done are at this process, which is none of the stations 1 to 6',
          'The queue has no row for them, and no lot shows them at a station.',
          ARRAY[$1],
          false
      $sql$ || those || ' GROUP BY p.process_code::text ORDER BY count(*) DESC, p.process_code::text'
      USING 'SELECT p.process_code, i.wip_id, i.status, s.since ' || those || ' ORDER BY 1, s.since;';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_no_station() IS
  'Processes that are no station and hold items that are not done.';
