-- The history as people read it.

SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_history');

-- While a call is at work on one of its views, or waits for that one's turn, it holds an advisory lock in whose key is
-- the first request of the call: it stands for all of them. A call without it has died, or is between two of its
-- transactions: then the session that took the request is still there, or, behind a pooler, was a moment ago.
-- A standby knows neither the locks nor the sessions of its primary, and leaves 'running' as it is.
CREATE OR REPLACE VIEW "${schema}".wip_view_history AS
SELECT
  r.refresh_id,
  r.view_name,
  CASE WHEN state.died THEN 'failed' ELSE r.outcome END AS outcome,
  r.mode,
  r.mode_reason,
  r.requested_at,
  r.started_at,
  r.finished_at,
  r.duration,
  r.rows,
  r.bytes,
  r.served_by,
  CASE WHEN state.died THEN '57P01' ELSE r.sqlstate END AS sqlstate,
  CASE WHEN state.died THEN 'the session ended before the refresh did' ELSE r.error END AS error,
  r.role,
  r.application_name,
  r.call_id,
  r.pid,
  r.served_from,
  r.rows_as_of
FROM "${schema}".wip_view_refresh AS r
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN r.outcome <> 'running' OR pg_catalog.pg_is_in_recovery() THEN false
    ELSE
      NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_locks AS l
        WHERE l.locktype = 'advisory'
          -- databases cloned from one template have the same oids
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
          AND l.classid = '"${schema}".wip_view_refresh'::pg_catalog.regclass::oid
          AND l.objid = (coalesce(r.call_id, r.refresh_id) % 2147483647::bigint)::oid
          AND l.objsubid = 2::smallint
      )
      AND (
        NOT EXISTS (SELECT FROM pg_catalog.pg_stat_get_activity(r.pid))
        OR NOT EXISTS (
          SELECT
          FROM "${schema}".wip_view_refresh AS sign
          WHERE (sign.refresh_id = coalesce(r.call_id, r.refresh_id) OR sign.call_id = coalesce(r.call_id, r.refresh_id))
            AND coalesce(sign.finished_at, sign.requested_at)
              BETWEEN pg_catalog.clock_timestamp() - interval '1 minute' AND pg_catalog.clock_timestamp() + interval '1 minute'
        )
      )
  END AS died
) AS state;

COMMENT ON VIEW "${schema}".wip_view_history IS 'wip_view_refresh, where an attempt whose session died is failed at once. The next refresh of its view records that.';

-- Its columns are those of the table.
DO $comments$
DECLARE
  described record;
BEGIN
  FOR described IN
    SELECT a.attname::text AS name, pg_catalog.col_description(a.attrelid, a.attnum::integer) AS comment
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = '"${schema}".wip_view_refresh'::pg_catalog.regclass::oid
      AND a.attnum > 0::smallint
      AND NOT a.attisdropped
  LOOP
    EXECUTE 'COMMENT ON COLUMN "${schema}".wip_view_history.'::text || pg_catalog.quote_ident(described.name)
      || ' IS '::text || pg_catalog.quote_literal(described.comment);
  END LOOP;
END
$comments$;
