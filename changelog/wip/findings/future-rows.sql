-- Rows with a time that is yet to come: a clock that is wrong, or a zone that was left out. Clocks differ by less than five
-- minutes.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_future_rows()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  looked record;
  those text;
BEGIN
  IF NOT "${schema}".wip_view_may_read('wip_item_station', 'wip_process_history') THEN
    RETURN;
  END IF;
  FOR looked IN
    SELECT t.relation, t.clock, t.what, t.why
    FROM (VALUES
      ('wip_process_history', 'completed_at', 'executions ended in the future',
        'They count as the last hour''s when their time has come, and until then not at all.'),
      ('wip_item_station', 'since', 'items are at their station since a time in the future',
        'Their waits are negative, and lower the station''s mean.')
    ) AS t (relation, clock, what, why)
  LOOP
    those := format('FROM %I.%I WHERE %I > now() + interval ''5 minutes''', '${schema}', looked.relation, looked.clock);
    RETURN QUERY EXECUTE
      $sql$ SELECT 5, $1, to_char(count(*), 'FM999,999,999,999,990') || ' ' || $2, $3, ARRAY[$4], false $sql$ || those || ' HAVING count(*) > 0'
      USING looked.relation, looked.what, looked.why, format('SELECT * %s ORDER BY %I;', those, looked.clock);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_future_rows() IS
  'Rows of the MES with a time in the future.';
