-- A view that consists mostly of dead rows, and what keeps a vacuum from removing them.

-- Who may still read rows that are dead to all others. Only what began before the last refresh ended keeps what that left.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_keeper_of_dead_rows(view_name text, OUT what text, OUT remedy text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT h.what, h.remedy
  FROM (
    SELECT
      format('the session of pid %s (%s)', a.pid, concat_ws(', ', a.usename, nullif(a.application_name, '')))
        || ', whose transaction is ' || date_trunc('second', clock_timestamp() - a.xact_start) || ' old',
      format('SELECT pg_terminate_backend(%s, 10000);', a.pid),
      greatest(age(a.backend_xmin), age(a.backend_xid))
    FROM pg_stat_activity AS a
    WHERE a.datname = current_database()
      AND a.pid <> pg_backend_pid()
      AND a.backend_type = 'client backend'
    UNION ALL
    SELECT format('the replication slot %s', s.slot_name), format('SELECT pg_drop_replication_slot(%L);', s.slot_name), age(s.xmin)
    FROM pg_replication_slots AS s
    UNION ALL
    SELECT format('the prepared transaction %s of %s', p.gid, p.owner), format('ROLLBACK PREPARED %L;', p.gid), age(p.transaction)
    FROM pg_prepared_xacts AS p
    WHERE p.database = current_database()
    UNION ALL
    SELECT format('a query on the standby %s (hot_standby_feedback)', concat_ws(' at ', r.application_name, r.client_addr)), NULL, age(r.backend_xmin)
    FROM pg_stat_replication AS r
  ) AS h (what, remedy, age)
  WHERE h.age >= (SELECT min(age(v.xmin)) FROM "${schema}".wip_view AS v WHERE v.view_name = $1)
  ORDER BY h.age DESC
  LIMIT 1;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_keeper_of_dead_rows(text) IS
  'What has kept dead rows of a view from being vacuumed for longest, and the statement that ends it, if there is one; null where nothing does.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_dead_rows()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    4,
    f.view_name,
    format('%s dead rows beside %s live ones',
        to_char(f.dead_rows, 'FM999,999,999,999,990'), to_char(f.rows, 'FM999,999,999,999,990'))
      || coalesce(', which no vacuum can clear: ' || keeper.what || ' keeps them', ''),
    'Reading and refreshing it gets slower and slower'
      || CASE WHEN keeper.what IS NULL THEN ': autovacuum does not keep up.' ELSE '. End what keeps them, then clear them.' END,
    array_remove(ARRAY[
      keeper.remedy,
      -- as Java does it after a refresh: without the truncation, for which readers would have to wait
      format('VACUUM (SKIP_LOCKED, ANALYZE, TRUNCATE false) %I.%I;', '${schema}', f.view_name)], NULL),
    keeper.what IS NULL
  FROM "${schema}".wip_view_freshness AS f
  CROSS JOIN LATERAL "${schema}".wip_view_keeper_of_dead_rows(f.view_name) AS keeper
  -- A refresh leaves as many as there are rows; autovacuum, or Java's vacuum, comes before this.
  WHERE f.dead_rows >= greatest(5000, f.rows * 5);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_dead_rows() IS
  'Views that are mostly dead rows, and what keeps those.';
