-- Which session waits for which, now, in this database. Each caller sees what its role may see in pg_stat_activity.

SELECT "${schema}".wip_view_snapshot_objects();
SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_blockers');

CREATE OR REPLACE VIEW "${schema}".wip_view_blockers AS
SELECT
  waits.pid AS blocked_pid,
  blocked.usename::text AS blocked_role,
  blocked.application_name AS blocked_application_name,
  -- what the server says instead of a query is not one
  CASE WHEN blocked.backend_start IS NOT NULL THEN blocked.query END AS blocked_query,
  pg_catalog.clock_timestamp() - waits.waitstart AS blocked_for,
  waits.mode AS lock_mode,
  CASE
    WHEN locked.relname IS NOT NULL
      THEN pg_catalog.quote_ident(n.nspname::text) || '.'::text || pg_catalog.quote_ident(locked.relname::text)
    ELSE waits.locktype
  END AS lock_on,
  blocking.pid,
  blocker.usename::text AS role,
  blocker.application_name,
  blocker.state,
  CASE WHEN blocker.backend_start IS NOT NULL THEN blocker.query END AS query,
  pg_catalog.clock_timestamp() - blocker.xact_start AS transaction_age,
  CASE
    -- it belongs to no session, and may be one of several
    WHEN blocking.pid = 0
      THEN 'SELECT owner, prepared, format(''ROLLBACK PREPARED %L;'', gid) AS remedy FROM pg_prepared_xacts WHERE database = current_database();'::text
    -- there is no query to cancel
    WHEN blocker.state IN ('idle in transaction', 'idle in transaction (aborted)')
      THEN 'SELECT pg_terminate_backend('::text || blocking.pid::text || ');'::text
    ELSE 'SELECT pg_cancel_backend('::text || blocking.pid::text || ');'::text
  END AS remedy
FROM pg_catalog.pg_locks AS waits
JOIN pg_catalog.pg_stat_activity AS blocked
  ON blocked.pid = waits.pid
  AND blocked.datname = pg_catalog.current_database()
CROSS JOIN LATERAL (SELECT DISTINCT b.pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(waits.pid)) AS b (pid)) AS blocking
LEFT JOIN pg_catalog.pg_stat_activity AS blocker ON blocker.pid = blocking.pid
-- Who waits for a row waits for its transaction, and says which table it is by the row's own lock.
LEFT JOIN pg_catalog.pg_class AS locked ON locked.oid = coalesce(waits.relation, (
  SELECT held.relation
  FROM pg_catalog.pg_locks AS held
  WHERE held.pid = waits.pid
    AND held.locktype = 'tuple'::text
    AND waits.locktype = 'transactionid'::text
  LIMIT 1
))
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = locked.relnamespace
WHERE NOT waits.granted
ORDER BY waits.waitstart, waits.pid, blocking.pid;

COMMENT ON VIEW "${schema}".wip_view_blockers IS 'Which session waits for which in this database, now: a row per waiting session and session that it waits for, the longest wait first. The queries, states and ages of other roles'' sessions are null to a role without pg_read_all_stats.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.blocked_pid IS 'Process of the session that waits.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.blocked_role IS 'Its role.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.blocked_application_name IS 'Its application_name.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.blocked_query IS 'The statement that waits; null if the caller may not see it.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.blocked_for IS 'How long it has waited; null in the first moment.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.lock_mode IS 'The lock that it wants, as in pg_locks.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.lock_on IS 'The relation, also where it waits for one of its rows; otherwise the kind of lock: advisory, transactionid, ...';
COMMENT ON COLUMN "${schema}".wip_view_blockers.pid IS 'Process of the session that it waits for, which holds the lock or requested it before; 0 for a prepared transaction.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.role IS 'Role of that session.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.application_name IS 'Its application_name.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.state IS 'Its state: active, idle in transaction and so on; null if the caller may not see it.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.query IS 'Its current or last statement; null if the caller may not see it.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.transaction_age IS 'How long ago its transaction began; null if the caller may not see it.';
COMMENT ON COLUMN "${schema}".wip_view_blockers.remedy IS 'The statement that ends the blocking: it cancels a query, or terminates a session that keeps its transaction open; for a prepared transaction, it lists the statements that would. If cancelling is not enough, use pg_terminate_backend().';

SELECT "${schema}".wip_view_revoke_default_privileges();
