-- What the other files do first and last: lock readers out of what they replace, and keep others out of what they create.

-- This comes first: from then on an older version leaves alone what this one creates. The changesets of every version read
-- it from the catalog, since the function may not exist yet.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_release()
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT '${wipViewsRelease}';
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_release() IS
  'The version of wip-views that deployed what is here. An older version leaves it alone and says so; of two builds of one version, the last one to deploy counts.';

-- A promotion leaves a frozen view as it is, except in a recovery, which takes nothing as done.
SET wip_views.thaw = '${recreate}';

-- A lock that waits makes every later reader wait behind it. So each attempt is short, and then releases all its locks.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_limit_lock_waits(patience interval)
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  -- 0 would be no limit
  SELECT set_config('lock_timeout', greatest(1, ceil(extract(epoch FROM patience) * 1000))::integer || ' ms', true);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_limit_lock_waits(interval) IS
  'Limits how long a statement waits for a lock, until the transaction ends, or the calling function that has a SET clause for lock_timeout.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_try_lock(relations oid[], patience interval)
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
    PERFORM "${schema}".wip_view_limit_lock_waits(deadline - clock_timestamp());
    -- LOCK TABLE rejects a materialized view, and of a view it also locks what that reads.
    EXECUTE CASE
      WHEN relation.relkind IN ('v', 'm') THEN format('ALTER TABLE %s OWNER TO %s', relation.name, relation.owner)
      ELSE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', relation.name)
    END;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_try_lock(oid[], interval) IS
  'Locks relations against readers, in the order given, or fails with lock_not_available after the given time.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_holders(relations oid[])
  RETURNS TABLE (transaction text, description text, remedy text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    l.virtualtransaction,
    CASE
      WHEN l.pid IS NULL THEN format('prepared transaction %s holds %s', p.gid, string_agg(DISTINCT l.relation::regclass::text, ', '))
      ELSE format('pid %s (%s) holds %s, its transaction is open for %s', l.pid, coalesce(nullif(a.application_name, ''), a.usename, '?'),
                  string_agg(DISTINCT l.relation::regclass::text, ', '), date_trunc('second', clock_timestamp() - a.xact_start))
    END,
    CASE
      WHEN l.pid IS NULL THEN format('ROLLBACK PREPARED %L', p.gid)
      ELSE format('SELECT pg_terminate_backend(%s)', l.pid)
    END
  FROM pg_locks AS l
  LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
  LEFT JOIN pg_prepared_xacts AS p ON l.pid IS NULL AND l.virtualtransaction = '-1/' || p.transaction
  WHERE l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    AND l.relation = ANY (relations)
    AND l.granted
    AND l.pid IS DISTINCT FROM pg_backend_pid()
    -- a parallel worker goes with its leader
    AND a.leader_pid IS NULL
  GROUP BY l.virtualtransaction, l.pid, p.gid, a.application_name, a.usename, a.xact_start
  ORDER BY a.xact_start;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_holders(oid[]) IS
  'The other transactions that hold a lock on one of these relations: virtual transaction, a description, and the statement that ends it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_acquire_exclusive(
  purpose text,
  relations oid[],
  since timestamptz DEFAULT pg_catalog.clock_timestamp(),
  limit_setting text DEFAULT 'wip_views.promote_limit')
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- '0' is no limit, as for lock_timeout
  patience CONSTANT interval := nullif(coalesce(nullif(current_setting(limit_setting, true), ''), '60s')::interval, interval '0');
  caller_lock_timeout CONSTANT text := current_setting('lock_timeout');
  attempt integer := 0;
  -- the transactions that have held it at every attempt: a later one holds up nothing
  holding text[];
  holders text;
  remedies text;
BEGIN
  LOOP
    attempt := attempt + 1;
    BEGIN
      -- Far less than deadlock_timeout: giving up is how an attempt gets out of a reader's way.
      PERFORM "${schema}".wip_view_try_lock(relations, least(25 * (1 + attempt / 20), 200) * interval '1 ms');
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      holding := ARRAY(
        SELECT h.transaction FROM "${schema}".wip_view_holders(relations) AS h WHERE attempt = 1 OR h.transaction = ANY (holding));
      IF clock_timestamp() - since > patience THEN
        SELECT string_agg(h.description, '; '), string_agg(h.remedy, '; ') INTO holders, remedies
        FROM "${schema}".wip_view_holders(relations) AS h
        WHERE h.transaction = ANY (holding);
        RAISE EXCEPTION 'could not % within %: %', purpose, patience, coalesce(holders, 'one reader after another held it')
          USING ERRCODE = 'lock_not_available',
                HINT = CASE
                  WHEN holders IS NULL THEN format('Nobody held it all that time. Try again when fewer read it, or allow more time with SET %s.', limit_setting)
                  ELSE format('Nothing was changed. Try again when that has ended, or end it with %s.', remedies)
                END;
      END IF;
    END;
    PERFORM pg_sleep(least(0.02 * attempt, 0.5) * (0.5 + random()));
  END LOOP;
  PERFORM set_config('lock_timeout', caller_lock_timeout, true);
  RETURN attempt;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_acquire_exclusive(text, oid[], timestamptz, text) IS
  'Locks relations against readers until the transaction ends, in attempts that each make a reader wait for a fraction of a second at most. Returns the number of attempts. After the time that the setting wip_views.promote_limit allows (60s), counted from the given start, it fails and names the transactions that have held the relations all along.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_acquire_exclusive(verb text, own_relation text)
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_acquire_exclusive(verb || ' ' || own_relation, ARRAY[to_regclass(format('%I.%I', '${schema}', own_relation))::oid]);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_acquire_exclusive(text, text) IS
  'The same for one relation of wip-views, to replace or drop it; does nothing where it is not there.';

-- Only its owner has rights on what a file creates, until access.sql grants them. PostgreSQL grants EXECUTE to PUBLIC by
-- default, and default privileges may grant anything: a role with TRIGGER on a table of ours could run its own code with the
-- owner's rights. So a file first notes which objects exist, and at its end revokes the rights of others on the new ones.
-- Older objects keep their grants, which were made by hand.
DROP FUNCTION IF EXISTS "${schema}".wip_view_objects();

CREATE FUNCTION "${schema}".wip_view_objects()
  RETURNS SETOF oid
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT c.oid
  FROM pg_class AS c
  WHERE c.relnamespace = '"${schema}"'::regnamespace
    AND c.relname ~ '^wip_view'
    -- default privileges are meant to apply to a materialized view: swap.sql applies them
    AND c.relkind IN ('r', 'v', 'S')
  UNION ALL
  SELECT p.oid
  FROM pg_proc AS p
  WHERE p.pronamespace = '"${schema}"'::regnamespace
    AND p.proname ~ '^(wip_view|refresh)_';
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_objects() IS
  'The tables, views, sequences and routines of wip-views.';

-- A database or a role may have other settings, on which depends what is printed, parsed or compared here. A time limit of
-- this session counts; one that is set for all sessions of a database or role is not meant for a deploy.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_pin_settings()
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT set_config(pinned.name, pinned.value, true)
  FROM (VALUES
    ('array_nulls', 'on'),
    ('backslash_quote', 'safe_encoding'),
    ('bytea_output', 'hex'),
    ('datestyle', 'ISO, MDY'),
    ('extra_float_digits', '1'),
    ('intervalstyle', 'postgres'),
    ('plpgsql.extra_errors', 'none'),
    ('quote_all_identifiers', 'off'),
    ('standard_conforming_strings', 'on'),
    ('transform_null_equals', 'off'),
    ('xmlbinary', 'base64'),
    ('xmloption', 'content')
  ) AS pinned (name, value)
  UNION ALL
  SELECT set_config(s.name, '0', true)
  FROM pg_settings AS s
  WHERE s.name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
    AND s.source IN ('database', 'user', 'database user');
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_pin_settings() IS
  'Sets what a deploy depends on to known values, until the transaction ends.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_snapshot_objects()
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_pin_settings();
  SELECT set_config('wip_views.known', array_agg(o)::text, false) FROM "${schema}".wip_view_objects() AS o;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_snapshot_objects() IS
  'Pins the settings and notes which objects exist, for wip_view_revoke_default_privileges().';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_revoke_from_others(made oid[])
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  statement text;
BEGIN
  FOR statement IN
    SELECT DISTINCT format(
      'REVOKE ALL ON %s %s FROM %s',
      o.kind,
      CASE o.kind WHEN 'TABLE' THEN o.object::regclass::text ELSE o.object::regprocedure::text END,
      CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END)
    FROM (
      SELECT 'TABLE', c.oid, c.relowner, c.relacl FROM pg_class AS c
      UNION ALL
      SELECT 'ROUTINE', p.oid, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc AS p
    ) AS o (kind, object, owner, acl)
    CROSS JOIN LATERAL aclexplode(o.acl) AS e
    WHERE o.object = ANY (made)
      AND e.grantee <> o.owner
      AND pg_has_role(o.owner, 'USAGE')
  LOOP
    EXECUTE statement;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_revoke_from_others(oid[]) IS
  'Revokes all that other roles than their owner may do with these objects, which were just made: what default privileges gave.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_revoke_default_privileges()
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_revoke_from_others(ARRAY(
    SELECT o.*
    FROM "${schema}".wip_view_objects() AS o
    WHERE o <> ALL (current_setting('wip_views.known')::oid[])));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_revoke_default_privileges() IS
  'Revokes all that other roles than the owner may do with the objects that were made since wip_view_snapshot_objects().';

-- IF NOT EXISTS would lock a table before it looks, with every reader of the views behind it.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_has_column(own_relation text, column_name text)
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = column_name AND NOT a.attisdropped)
  FROM pg_class AS c
  WHERE c.oid = to_regclass(format('%I.%I', '${schema}', own_relation));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_has_column(text, text) IS
  'Whether a relation of wip-views has a column of this name; null where there is no such relation.';

REVOKE ALL ON FUNCTION
  "${schema}".wip_view_release(),
  "${schema}".wip_view_limit_lock_waits(interval),
  "${schema}".wip_view_try_lock(oid[], interval),
  "${schema}".wip_view_holders(oid[]),
  "${schema}".wip_view_acquire_exclusive(text, oid[], timestamptz, text),
  "${schema}".wip_view_acquire_exclusive(text, text),
  "${schema}".wip_view_objects(),
  "${schema}".wip_view_pin_settings(),
  "${schema}".wip_view_snapshot_objects(),
  "${schema}".wip_view_revoke_from_others(oid[]),
  "${schema}".wip_view_revoke_default_privileges(),
  "${schema}".wip_view_has_column(text, text)
FROM PUBLIC;
