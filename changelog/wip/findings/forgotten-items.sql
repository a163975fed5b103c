-- Items that were left IN_PROGRESS or FAILED in a lot that is closed. A lot may be closed a little before its last items
-- are done.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_forgotten_items()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  those CONSTANT text := format(
    $sql$FROM %1$I.wip_item_station AS s JOIN %1$I.lots AS l ON l.id = s.lot_id WHERE l.status::text = 'CLOSED' AND s.since < now() - interval '2 days'$sql$,
    '${schema}');
BEGIN
  IF "${schema}".wip_view_may_read('wip_item_station', 'lots', 'wip_items') THEN
    RETURN QUERY EXECUTE
      $sql$
        SELECT
          5,
          NULL::text,
          format('%s items of %s closed lots are still IN_PROGRESS or FAILED after 2 days',
            to_char(count(*), 'FM999,999,999,999,990'), to_char(count(DISTINCT s.lot_id), 'FM999,999,999,999,990')),
          'The queue counts them at their stations, which stay stuck for good, and each refresh reads their history.',
          ARRAY[$1],
          false
      $sql$ || those || ' HAVING count(*) > 0'
      USING 'SELECT l.lot_number, s.* ' || those || ' ORDER BY s.since;';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_forgotten_items() IS
  'Items that are not done in lots that have been closed for two days.';
