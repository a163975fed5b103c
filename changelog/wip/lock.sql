-- How a deploy takes relations from those who read them. A lock that waits makes every later reader wait behind it: so
-- each attempt is short, and lets go of all that it got before it waits for the next.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_lock(relations oid[], patience interval)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  deadline CONSTANT timestamptz := clock_timestamp() + patience;
  relation record;
BEGIN
  FOR relation IN
    SELECT c.oid::regclass AS name, c.relkind, c.relowner::regrole AS owner
    FROM unnest(relations) WITH ORDINALITY AS r (oid, position)
    JOIN pg_class AS c ON c.oid = r.oid
    ORDER BY r.position
  LOOP
    -- one deadline for all of them: a reader of the first waits as long as the last takes
    PERFORM set_config('lock_timeout', format('%s ms', greatest(1, extract(epoch FROM deadline - clock_timestamp()) * 1000)::integer), true);
    -- LOCK TABLE takes no materialized view, and of a view also what it reads.
    EXECUTE CASE
      WHEN relation.relkind IN ('v', 'm') THEN format('ALTER TABLE %s OWNER TO %s', relation.name, relation.owner)
      ELSE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', relation.name)
    END;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_lock(oid[], interval) IS
  'Locks relations against readers, in the order given, or fails with lock_not_available when that has taken the time given.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_take(
  purpose text, relations oid[], since timestamptz DEFAULT pg_catalog.clock_timestamp())
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  promote_limit CONSTANT interval := coalesce(nullif(current_setting('wip_views.promote_limit', true), ''), '60s');
  caller_lock_timeout CONSTANT text := current_setting('lock_timeout');
  attempt integer := 0;
BEGIN
  LOOP
    attempt := attempt + 1;
    BEGIN
      -- Far less than deadlock_timeout: giving up is how an attempt gets out of a reader's way.
      PERFORM "${schema}".wip_view_lock(relations, least(25 * (1 + attempt / 20), 200) * interval '1 ms');
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF clock_timestamp() - since > promote_limit THEN
        RAISE EXCEPTION 'could not % within %: %', purpose, promote_limit, coalesce(
            (SELECT string_agg(format('pid %s (%s) holds %s%s', l.pid, coalesce(nullif(a.application_name, ''), a.usename, '?'),
                      l.relation::regclass, ', its transaction is open for ' || date_trunc('second', clock_timestamp() - a.xact_start)), '; ')
             FROM pg_locks AS l
             LEFT JOIN pg_stat_activity AS a USING (pid)
             WHERE l.relation = ANY (relations) AND l.granted AND l.pid <> pg_backend_pid()), SQLERRM)
          USING ERRCODE = 'lock_not_available',
                HINT = 'The old one still serves. Try again when that has ended, or end it with SELECT pg_terminate_backend(pid).';
      END IF;
    END;
    PERFORM pg_sleep(least(0.02 * attempt, 0.5) * (0.5 + random()));
  END LOOP;
  PERFORM set_config('lock_timeout', caller_lock_timeout, true);
  RETURN attempt;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_take(text, oid[], timestamptz) IS
  'Locks relations against readers till the transaction ends, in attempts that each make a reader wait for a fraction of a second at most; returns how many it took. Names who holds them if that takes longer than the setting wip_views.promote_limit (60s), counted from the time given.';

REVOKE ALL ON FUNCTION
  "${schema}".wip_view_lock(oid[], interval),
  "${schema}".wip_view_take(text, oid[], timestamptz)
FROM PUBLIC;
