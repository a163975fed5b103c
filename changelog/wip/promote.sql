-- Making a view, the first time and ever after.
--
--   wip_view_stage(view)        puts the staging schema in front, so that the view's file builds it there
--   (the view's file runs)      CREATE MATERIALIZED VIEW, its indexes, its comments, unqualified names
--   wip_view_promote(view, …)   puts it in the live one's place, with all that hangs on it, and registers it
--
-- In one transaction, as Liquibase runs a changeset, nothing of this is seen before it is all there, and a deploy that
-- dies leaves nothing behind. Readers go on reading the live view; they wait for the swap alone, which only changes
-- the catalog.
--
-- How what hangs on the live view is kept. Everything refers to a relation by its oid, and the new view has another:
--
--   a view whose columns stay as they are     is replaced in place (CREATE OR REPLACE VIEW), so that whatever it has
--                                             and whatever depends on it is not even touched
--   a materialized view, or a view whose      is built beside the live one too, given what that one has
--   columns change                            (wip_view_attributes), and put in its place; then its own dependants turn
--   functions, rules and policies             are made again in place
--   anything else                             stops the promotion, by name, before anything was changed
--
-- Definitions are read with the live schemas on the search_path and run with the staging schema in front of them: a
-- name means the new relation where there is one. What a new definition really reads is then compared, by oid, with
-- what the old one read. Nothing uses CASCADE: what was overlooked stops the DROP of the old view, and with it all.

SELECT "${schema}".wip_view_note();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  staging CONSTANT name := 'wip_staging_${schema}';
  caller_path CONSTANT text := pg_catalog.current_setting('search_path');
  left_over text;
  strangers text;
BEGIN
  -- whoever deploys may have a schema on the path where others create
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
  PERFORM set_config('wip_views.search_path', caller_path, false);

  -- The comment tells it from one that was made beforehand, for a role that may not create schemas: that one stays.
  IF to_regnamespace(quote_ident(staging)) IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', staging);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', staging, 'Made by wip-views while it builds a view');
  END IF;

  -- Who may create there could put a relation or a function in the place of one that a view means.
  SELECT string_agg(DISTINCT coalesce(r.rolname::text, 'PUBLIC'), ', ')
  INTO strangers
  FROM pg_namespace AS n
  CROSS JOIN LATERAL (
    SELECT n.nspowner
    UNION
    SELECT e.grantee FROM aclexplode(n.nspacl) AS e WHERE e.privilege_type = 'CREATE'
  ) AS maker (oid)
  LEFT JOIN pg_roles AS r ON r.oid = maker.oid
  WHERE n.nspname = staging
    AND r.rolsuper IS NOT TRUE
    AND r.rolname IS DISTINCT FROM current_user
    AND maker.oid <> (SELECT d.datdba FROM pg_database AS d WHERE d.datname = current_database());
  IF strangers IS NOT NULL THEN
    RAISE EXCEPTION 'others may create in the schema %, where views are built: %', staging, strangers
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('Drop it, or ALTER SCHEMA %I OWNER TO %I, and REVOKE CREATE on it from others.', staging, current_user);
  END IF;

  -- left by a script that was run statement by statement and died; what was made last first
  FOR left_over IN
    SELECT format('DROP %s %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, c.oid::regclass)
    FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace(quote_ident(staging)) AND c.relkind IN ('v', 'm')
    ORDER BY c.oid DESC
  LOOP
    EXECUTE left_over;
  END LOOP;

  -- in a form that means the same under every DateStyle and time zone
  PERFORM set_config('wip_views.staged_at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), false);
  PERFORM set_config('wip_views.staged_no', nextval(pg_get_serial_sequence('"${schema}".wip_view_refresh', 'refresh_id'))::text, false);
  PERFORM set_config('search_path', format('%I, "${schema}", pg_temp', staging), false);
  RAISE NOTICE '%: building', view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage(text) IS
  'Puts the staging schema in front of the search_path, so that the view''s file, run next, builds the view there. wip_view_promote() puts the path back.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_reads(relation oid)
  RETURNS SETOF oid
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT DISTINCT d.refobjid
  FROM pg_rewrite AS r
  JOIN pg_depend AS d
    ON d.classid = 'pg_rewrite'::regclass
    AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass
  WHERE r.ev_class = relation
    AND r.rulename = '_RETURN'
    AND d.refobjid <> relation;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_reads(oid) IS
  'The relations that the query of a view or materialized view reads.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_columns(relation oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_agg(format('%I %s %s %s', a.attname, a.atttypid, a.atttypmod, a.attcollation), ', ' ORDER BY a.attnum)
  FROM pg_attribute AS a
  WHERE a.attrelid = relation
    AND a.attnum > 0
    AND NOT a.attisdropped;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_columns(oid) IS
  'Names, types and collations of a relation''s columns, to compare: a view can be replaced in place while they stay.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_definition(relation oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
  SET quote_all_identifiers = off
AS $function$
  -- Another major version prints a query in another way: what differs in the first line is not compared.
  SELECT concat_ws(E'\n',
    'PostgreSQL ' || current_setting('server_version_num')::integer / 10000,
    pg_get_viewdef(relation),
    (SELECT string_agg(pg_get_indexdef(i.indexrelid), E'\n' ORDER BY i.indexrelid::regclass::text)
     FROM pg_index AS i
     WHERE i.indrelid = relation));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_definition(oid) IS
  'A view''s query and indexes in the server''s own normal form.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_source(class oid, object oid, path text)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  source text;
BEGIN
  PERFORM set_config('search_path', path, true);
  source := CASE class
    WHEN 'pg_class'::regclass THEN rtrim(pg_get_viewdef(object), ';')
    WHEN 'pg_proc'::regclass THEN pg_get_functiondef(object)
    WHEN 'pg_rewrite'::regclass THEN regexp_replace(pg_get_ruledef(object, true), '^CREATE RULE', 'CREATE OR REPLACE RULE')
    WHEN 'pg_policy'::regclass THEN (
      SELECT concat(
        format('ALTER POLICY %I ON %s', p.polname, p.polrelid::regclass),
        ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
      FROM pg_policy AS p
      WHERE p.oid = object)
  END;
  -- To print a query locks what it reads till the transaction ends, and the live view could not be refreshed plainly all
  -- that time. Undoing the subtransaction lets go of it.
  RAISE EXCEPTION SQLSTATE 'WV003';
EXCEPTION WHEN SQLSTATE 'WV003' THEN
  RETURN source;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_source(oid, oid, text) IS
  'The query of a view or materialized view, or the statement that makes a routine, rule or policy what it is, as read with a search_path. Keeps no lock.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_state(class oid, object oid)
  RETURNS text
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT concat_ws(E'\n',
    "${schema}".wip_view_source(class, object, 'pg_catalog, pg_temp'),
    (SELECT string_agg(pg_get_indexdef(i.indexrelid), E'\n' ORDER BY i.indexrelid)
     FROM pg_index AS i
     WHERE i.indrelid = object AND class = 'pg_class'::regclass),
    (SELECT string_agg(pg_get_triggerdef(t.oid), E'\n' ORDER BY t.oid)
     FROM pg_trigger AS t
     WHERE t.tgrelid = object AND class = 'pg_class'::regclass AND NOT t.tgisinternal),
    (SELECT c.relfilenode FROM pg_class AS c WHERE c.oid = object AND class = 'pg_class'::regclass));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_state(oid, oid) IS
  'What of a dependant is made anew: it must be the same when the new one takes its place as when it was read.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_drift()
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT v.view_name
  FROM "${schema}".wip_view AS v
  JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = v.view_name AND c.relkind = 'm'
  CROSS JOIN LATERAL "${schema}".wip_view_definition(c.oid) AS now_is (definition)
  WHERE now_is.definition <> v.definition
    AND split_part(now_is.definition, E'\n', 1) = split_part(v.definition, E'\n', 1)
  ORDER BY v.refresh_order, v.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_drift() IS
  'The registered views whose query or indexes are not what was deployed: somebody changed them by hand.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_grants(acl aclitem[], owner oid, target text, columns text DEFAULT '')
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE item AS (
    SELECT a.position, e.*
    FROM unnest(acl) WITH ORDINALITY AS a (item, position),
      LATERAL aclexplode(ARRAY[a.item]) AS e
  ),
  -- A grant option has to be there before it is used: how many hands each has gone through from the owner.
  grantor (oid, privilege_type, distance) AS (
    SELECT DISTINCT owner, i.privilege_type, 0 FROM item AS i
    UNION
    SELECT i.grantee, i.privilege_type, g.distance + 1
    FROM grantor AS g
    JOIN item AS i ON i.grantor = g.oid AND i.privilege_type = g.privilege_type AND i.is_grantable
    WHERE g.distance < 100
  ),
  given AS (
    SELECT item.*, (
      SELECT min(g.distance)
      FROM grantor AS g
      WHERE g.oid = item.grantor AND g.privilege_type = item.privilege_type
    ) AS distance
    FROM item
  )
  SELECT
    CASE step.number
      WHEN 1 THEN format('SET LOCAL ROLE %s', g.grantor::regrole)
      WHEN 2 THEN format(
        'GRANT %s ON %s TO %s%s',
        string_agg(g.privilege_type || columns, ', ' ORDER BY g.privilege_type),
        target,
        CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      -- not RESET ROLE: who deploys may have become what it is by SET ROLE
      ELSE format('SET LOCAL ROLE %I', current_user)
    END
  FROM given AS g
  CROSS JOIN generate_series(1, 3) AS step (number)
  -- The owner's grants are given as whoever deploys; another's only by becoming that role, where that is possible.
  WHERE step.number = 2
    OR g.grantor <> owner
      AND pg_has_role(g.grantor, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)
  GROUP BY g.distance, g.position, g.is_grantable, step.number, g.grantor, g.grantee
  ORDER BY g.distance, g.position, g.is_grantable, step.number;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_grants(aclitem[], oid, text, text) IS
  'The statements that give a target the grants of an access control list.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_attributes(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  was pg_class;
  is_now pg_class;
  -- the name it is going to have, and the same with the keyword for ALTER and COMMENT
  target text;
  what text;
BEGIN
  SELECT * INTO was FROM pg_class WHERE oid = old;
  SELECT * INTO is_now FROM pg_class WHERE oid = new;
  target := format('%s.%I', was.relnamespace::regnamespace, was.relname);
  what := CASE is_now.relkind WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'VIEW ' END || target;

  RETURN QUERY
  SELECT format('ALTER %s SET (%s = %L)', what, o.option_name, o.option_value)
  FROM pg_options_to_table(was.reloptions) AS o
  WHERE o.option_name NOT IN (SELECT n.option_name FROM pg_options_to_table(is_now.reloptions) AS n);

  RETURN QUERY
  SELECT format('ALTER %s SET (toast.%s = %L)', what, o.option_name, o.option_value)
  FROM pg_class AS t
  CROSS JOIN LATERAL pg_options_to_table(t.reloptions) AS o
  WHERE t.oid = was.reltoastrelid
    AND o.option_name NOT IN (
      SELECT n.option_name FROM pg_class AS u CROSS JOIN LATERAL pg_options_to_table(u.reloptions) AS n WHERE u.oid = is_now.reltoastrelid);

  IF was.relowner <> is_now.relowner THEN
    RETURN NEXT format('ALTER %s OWNER TO %s', what, was.relowner::regrole);
  END IF;

  RETURN QUERY
  SELECT format('ALTER %s ALTER COLUMN %I SET STATISTICS %s', what, a.attname, a.attstattarget)
  FROM pg_attribute AS a
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
  WHERE a.attrelid = old AND a.attnum > 0 AND is_now.relkind = 'm'
    AND coalesce(a.attstattarget, -1) <> -1
    AND coalesce(b.attstattarget, -1) = -1;

  RETURN QUERY
  SELECT format('ALTER %s ALTER COLUMN %I SET (%s = %L)', what, a.attname, o.option_name, o.option_value)
  FROM pg_attribute AS a
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
  CROSS JOIN LATERAL pg_options_to_table(a.attoptions) AS o
  WHERE a.attrelid = old AND a.attnum > 0 AND is_now.relkind = 'm';

  RETURN QUERY
  SELECT format('ALTER %s ALTER COLUMN %I SET %s', what, a.attname, setting.clause)
  FROM pg_attribute AS a
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0 AND b.atttypid = a.atttypid
  JOIN pg_type AS t ON t.oid = a.atttypid
  CROSS JOIN LATERAL (VALUES
    (CASE WHEN a.attstorage <> b.attstorage AND b.attstorage = t.typstorage THEN 'STORAGE '
       || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END),
    (CASE WHEN a.attcompression <> b.attcompression AND b.attcompression = '' THEN 'COMPRESSION '
       || CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END END)
  ) AS setting (clause)
  WHERE a.attrelid = old AND a.attnum > 0 AND is_now.relkind = 'm' AND setting.clause IS NOT NULL;

  -- An index goes by its name. The view's file speaks first here, too.
  RETURN QUERY
  SELECT statement
  FROM pg_index AS i
  JOIN pg_class AS a ON a.oid = i.indexrelid
  JOIN pg_index AS j ON j.indrelid = new
  JOIN pg_class AS b ON b.oid = j.indexrelid AND b.relname = a.relname
  CROSS JOIN LATERAL (SELECT format('%s.%I', was.relnamespace::regnamespace, a.relname)) AS index (name)
  CROSS JOIN LATERAL (
    SELECT format('ALTER INDEX %s SET (%s = %L)', index.name, o.option_name, o.option_value)
    FROM pg_options_to_table(a.reloptions) AS o
    WHERE o.option_name NOT IN (SELECT n.option_name FROM pg_options_to_table(b.reloptions) AS n)
    UNION ALL
    SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', index.name, c.attnum, c.attstattarget)
    FROM pg_attribute AS c
    JOIN pg_attribute AS d ON d.attrelid = b.oid AND d.attnum = c.attnum
    WHERE c.attrelid = a.oid AND coalesce(c.attstattarget, -1) <> -1 AND coalesce(d.attstattarget, -1) = -1
    UNION ALL
    SELECT format('COMMENT ON INDEX %s IS %L', index.name, obj_description(a.oid, 'pg_class'))
    WHERE obj_description(a.oid, 'pg_class') IS NOT NULL AND obj_description(b.oid, 'pg_class') IS NULL
    UNION ALL
    SELECT format('ALTER %s CLUSTER ON %I', what, a.relname)
    WHERE i.indisclustered AND NOT j.indisclustered
  ) AS kept (statement)
  WHERE i.indrelid = old;

  RETURN QUERY
  SELECT statement
  FROM pg_statistic_ext AS s
  CROSS JOIN LATERAL (SELECT format('%s.%I', s.stxnamespace::regnamespace, s.stxname)) AS statistics (name)
  CROSS JOIN LATERAL (VALUES
    (pg_get_statisticsobjdef(s.oid)),
    (format('ALTER STATISTICS %s OWNER TO %s', statistics.name, s.stxowner::regrole)),
    (CASE WHEN coalesce(s.stxstattarget, -1) <> -1 THEN format('ALTER STATISTICS %s SET STATISTICS %s', statistics.name, s.stxstattarget) END),
    (format('COMMENT ON STATISTICS %s IS %L', statistics.name, obj_description(s.oid, 'pg_statistic_ext')))
  ) AS kept (statement)
  WHERE s.stxrelid = old AND statement IS NOT NULL;

  RETURN QUERY
  SELECT format('COMMENT ON RULE %I ON %s IS %L', r.rulename, target, obj_description(r.oid, 'pg_rewrite'))
  FROM pg_rewrite AS r
  WHERE r.ev_class = old AND r.rulename <> '_RETURN' AND obj_description(r.oid, 'pg_rewrite') IS NOT NULL
  UNION ALL
  SELECT format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, target, obj_description(t.oid, 'pg_trigger'))
  FROM pg_trigger AS t
  WHERE t.tgrelid = old AND NOT t.tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NOT NULL;

  RETURN QUERY
  SELECT format('ALTER %s ALTER COLUMN %I SET DEFAULT %s', what, a.attname, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attrdef AS d
  JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
  WHERE d.adrelid = old AND is_now.relkind = 'v';

  -- The view's file speaks first; what it does not mention keeps the comment that somebody gave it.
  RETURN QUERY
  SELECT format('COMMENT ON %s IS %L', CASE WHEN d.objsubid = 0 THEN what ELSE format('COLUMN %s.%I', target, b.attname) END, d.description)
  FROM pg_description AS d
  LEFT JOIN pg_attribute AS a ON a.attrelid = old AND a.attnum = d.objsubid
  LEFT JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
  WHERE d.classoid = 'pg_class'::regclass AND d.objoid = old
    AND (d.objsubid = 0 OR b.attname IS NOT NULL)
    AND NOT EXISTS (
      SELECT
      FROM pg_description AS n
      WHERE n.classoid = d.classoid AND n.objoid = new AND n.objsubid = coalesce(b.attnum, 0)
    );

  -- Default privileges have given the new one what the old one may not have: what the old one has, exactly.
  IF was.relacl IS NOT NULL THEN
    RETURN NEXT format('REVOKE ALL ON %s FROM %s', target, was.relowner::regrole);
  END IF;
  RETURN QUERY
  SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', target, CASE WHEN e.grantee = 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END)
  FROM aclexplode(is_now.relacl) AS e
  WHERE e.grantee NOT IN (was.relowner, is_now.relowner);
  RETURN QUERY
  SELECT * FROM "${schema}".wip_view_grants(was.relacl, was.relowner, target);
  RETURN QUERY
  SELECT g.*
  FROM pg_attribute AS a
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
  CROSS JOIN LATERAL "${schema}".wip_view_grants(a.attacl, was.relowner, target, format(' (%I)', a.attname)) AS g
  WHERE a.attrelid = old AND a.attnum > 0;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_attributes(oid, oid) IS
  'The statements that give a new view, once it has the name of an old one, what the old one has: owner, grants and column grants, comments, storage parameters, statistics and their targets, defaults.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_settle(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('ALTER MATERIALIZED VIEW %s SET TABLESPACE %I', new::regclass, t.spcname)
  FROM pg_class AS a
  JOIN pg_class AS b ON b.oid = new AND b.relkind = 'm' AND b.reltablespace = 0
  JOIN pg_tablespace AS t ON t.oid = a.reltablespace
  WHERE a.oid = old
  UNION ALL
  SELECT format('ALTER INDEX %s SET TABLESPACE %I', b.oid::regclass, t.spcname)
  FROM pg_index AS i
  JOIN pg_class AS a ON a.oid = i.indexrelid
  JOIN pg_index AS j ON j.indrelid = new
  JOIN pg_class AS b ON b.oid = j.indexrelid AND b.relname = a.relname AND b.reltablespace = 0
  JOIN pg_tablespace AS t ON t.oid = a.reltablespace
  WHERE i.indrelid = old;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_settle(oid, oid) IS
  'The statements that move a new view and its indexes, while they are in the staging schema still, to the tablespaces of an old one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_give(relation oid, owner oid, old_ones oid[], new_ones oid[])
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  staging CONSTANT name := 'wip_staging_${schema}';
  may_create CONSTANT boolean := has_schema_privilege(owner, staging, 'CREATE');
  statement text;
BEGIN
  FOR statement IN
    SELECT format('GRANT USAGE, CREATE ON SCHEMA %I TO %s', staging, owner::regrole) WHERE NOT may_create
    UNION ALL
    SELECT format('ALTER TABLE %s OWNER TO %s', relation::regclass, owner::regrole)
    UNION ALL
    SELECT format('REVOKE CREATE ON SCHEMA %I FROM %s', staging, owner::regrole) WHERE NOT may_create
    UNION ALL
    -- it may read of the new one what it may read of the old; the exact grants come with the swap
    SELECT format('GRANT SELECT ON %s TO %s', replaced.new_one::regclass, owner::regrole)
    FROM unnest(old_ones, new_ones) AS replaced (old_one, new_one)
    WHERE replaced.new_one IN (SELECT r.* FROM "${schema}".wip_view_reads(relation) AS r)
      AND has_any_column_privilege(owner, replaced.old_one, 'SELECT')
      AND NOT has_table_privilege(owner, replaced.new_one, 'SELECT')
  LOOP
    EXECUTE statement;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_give(oid, oid, oid[], oid[]) IS
  'Gives a relation in the staging schema to the role that it is for, with the right to read what it reads there: what fills it then runs with the rights of that role, not of the one that deploys.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_promote(view_name text, refresh_order integer, freshness_target interval)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  staging CONSTANT name := 'wip_staging_${schema}';
  live_name text;
  built oid;
  live oid;
  live_kind "char";
  staged_at timestamptz;
  staged_no bigint;
  last_no bigint;
  request_id bigint;
  built_rows bigint;
  promote_limit interval;
  caller_lock_timeout text;
  caller_check_bodies CONSTANT text := current_setting('check_function_bodies');

  -- the search_path for reading definitions, and for running them
  live_path text;
  build_path text;
  -- relations that get a new one in their place, in the order in which they depend on each other, and the new ones
  old_ones oid[];
  new_ones oid[];
  -- what is made anew from what it was when that was decided
  seen_classes oid[] := '{}';
  seen_objects oid[] := '{}';
  seen_states text[] := '{}';
  -- dependants that are not decided upon yet
  undecided oid[];
  node pg_class;
  node_name text;
  definition text;
  state text;
  options text;
  -- indexes, rules and triggers of one
  own text[];
  trial oid;
  -- whose locks the swap takes, the one that the others read last, as readers do
  to_lock oid[] := '{}';
  -- roles that may use the staging schema meanwhile
  given oid[] := '{}';
  dropped oid[] := '{}';
  before_swap text[] := '{}';
  in_place text[] := '{}';
  attributes text[];
  problems text[] := '{}';
  kept text[] := '{}';
  dependant record;
  statement text;
  changed text;
  started timestamptz;
  attempts integer := 1;
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
  live_name := format('%I.%I', '${schema}', view_name);
  staged_at := current_setting('wip_views.staged_at');
  staged_no := current_setting('wip_views.staged_no');
  promote_limit := coalesce(nullif(current_setting('wip_views.promote_limit', true), ''), '60s');
  caller_lock_timeout := current_setting('lock_timeout');

  built := to_regclass(format('%I.%I', staging, view_name));
  IF built IS NULL THEN
    RAISE EXCEPTION 'the file of % did not create it', view_name
      USING ERRCODE = 'undefined_table',
            HINT = format('Call wip_view_stage() first; the file then creates MATERIALIZED VIEW %I, without a schema.', view_name);
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = built AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  ) THEN
    RAISE EXCEPTION 'the file of % gives it no plain unique index', view_name
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'A view without one could only be refreshed while its readers wait.';
  END IF;

  -- It would run with the owner's rights at every refresh. A file keeps such a thing from being found by casting where
  -- no operator of the system's fits exactly.
  SELECT string_agg(DISTINCT format('%s, owned by %s', pg_describe_object(d.refclassid, d.refobjid, 0), owner.oid::regrole), '; ')
  INTO changed
  FROM pg_rewrite AS r
  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
  LEFT JOIN pg_proc AS p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
  LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
  JOIN pg_roles AS owner ON owner.oid = coalesce(p.proowner, o.oprowner) AND NOT owner.rolsuper AND owner.rolname <> current_user
  WHERE r.ev_class = built;
  IF changed IS NOT NULL THEN
    RAISE EXCEPTION 'the query of % uses what another role may change: %', view_name, changed
      USING ERRCODE = 'insufficient_privilege',
            HINT = 'Cast or qualify what it was meant to use, or give these to the role that deploys.';
  END IF;

  SELECT c.oid, c.relkind INTO live, live_kind FROM pg_class AS c WHERE c.oid = to_regclass(live_name);
  IF live_kind <> 'm' THEN
    RAISE EXCEPTION '% is there already, and is not a materialized view', live_name
      USING ERRCODE = 'wrong_object_type',
            HINT = format('Rename it, then deploy again: ALTER TABLE %s RENAME TO %I;', live_name, left(view_name, 50) || '_' || live);
  END IF;

  SELECT string_agg(DISTINCT read::regclass::text, ', ') INTO changed
  FROM "${schema}".wip_view_reads(built) AS read
  JOIN pg_class AS c ON c.oid = read AND c.relnamespace = to_regnamespace(quote_ident(staging));
  IF changed IS NOT NULL THEN
    RAISE EXCEPTION 'the query of % reads what is in the schema where it is built: %', view_name, changed
      USING ERRCODE = 'insufficient_privilege', HINT = 'Drop that, then deploy again.';
  END IF;

  FOR statement IN SELECT m.* FROM "${schema}".wip_view_settle(live, built) AS m LOOP
    EXECUTE statement;
  END LOOP;
  EXECUTE format('ANALYZE %s', built::regclass);
  EXECUTE format('SELECT count(*) FROM %s', built::regclass) INTO built_rows;
  RAISE NOTICE '%: built, % rows in % ms', view_name, built_rows,
    round(extract(epoch FROM clock_timestamp() - staged_at) * 1000);

  -- -------------------------------------------------------------------------------------------------------------
  -- Beside the live view: decide what becomes of each dependant, and build what has to be built
  -- -------------------------------------------------------------------------------------------------------------

  old_ones := ARRAY[live];
  new_ones := ARRAY[built];

  IF live IS NOT NULL THEN
    WITH RECURSIVE tree (oid) AS (
      SELECT live
      UNION
      SELECT r.ev_class
      FROM tree
      JOIN pg_depend AS d
        ON d.refclassid = 'pg_class'::regclass AND d.refobjid = tree.oid AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite AS r ON r.oid = d.objid AND r.rulename = '_RETURN'
    )
    SELECT
      array_agg(tree.oid) FILTER (WHERE tree.oid <> live),
      concat_ws(', ', quote_ident('${schema}'),
                string_agg(DISTINCT quote_ident(n.nspname), ', ') FILTER (WHERE n.nspname <> '${schema}'))
    INTO undecided, live_path
    FROM tree
    JOIN pg_class AS c ON c.oid = tree.oid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace;
    live_path := live_path || ', pg_temp';
    build_path := quote_ident(staging) || ', ' || live_path;
  END IF;

  WHILE cardinality(undecided) > 0 LOOP
    SELECT c.* INTO STRICT node
    FROM pg_class AS c
    WHERE c.oid = ANY (undecided)
      AND NOT EXISTS (SELECT FROM "${schema}".wip_view_reads(c.oid) AS reads (oid) WHERE reads.oid = ANY (undecided))
    ORDER BY c.oid
    LIMIT 1;
    undecided := array_remove(undecided, node.oid);
    CONTINUE WHEN NOT EXISTS (SELECT FROM "${schema}".wip_view_reads(node.oid) AS reads (oid) WHERE reads.oid = ANY (old_ones));

    node_name := format('%s.%I', node.relnamespace::regnamespace, node.relname);
    options := coalesce((SELECT ' WITH (' || string_agg(format('%s = %L', o.option_name, o.option_value), ', ') || ')'
                         FROM pg_options_to_table(node.reloptions) AS o), '');

    BEGIN
      IF pg_is_other_temp_schema(node.relnamespace) THEN
        RAISE EXCEPTION 'another session made it for itself; it goes when that session ends';
      ELSIF NOT pg_has_role(node.relowner, 'USAGE') THEN
        RAISE EXCEPTION 'it belongs to %, which % is no member of', node.relowner::regrole, current_user;
      END IF;
      definition := "${schema}".wip_view_source('pg_class'::regclass, node.oid, live_path);
      state := "${schema}".wip_view_state('pg_class'::regclass, node.oid);

      PERFORM set_config('search_path', build_path, false);
      IF node.relkind = 'm' THEN
        RAISE NOTICE '%: building dependant %', view_name, node_name;
        IF to_regclass(format('%I.%I', staging, node.relname)) IS NOT NULL THEN
          RAISE EXCEPTION 'another one of the same name is made anew, too: rename one of them';
        END IF;
        EXECUTE format('CREATE MATERIALIZED VIEW %I.%I USING %I%s AS %s WITH NO DATA', staging, node.relname,
                       (SELECT am.amname FROM pg_am AS am WHERE am.oid = node.relam), options, definition);
        trial := to_regclass(format('%I.%I', staging, node.relname));
      ELSE
        EXECUTE format('CREATE VIEW %I.%I%s AS %s', staging, 'trial_' || node.oid, options, definition);
        trial := to_regclass(format('%I.%I', staging, 'trial_' || node.oid));
      END IF;
      PERFORM set_config('search_path', 'pg_catalog, pg_temp', false);

      IF (SELECT array_agg(x ORDER BY x) FROM "${schema}".wip_view_reads(trial) AS x)
        IS DISTINCT FROM
         (SELECT array_agg(y ORDER BY y)
          FROM "${schema}".wip_view_reads(node.oid) AS x,
            LATERAL (SELECT coalesce(new_ones[array_position(old_ones, x)], x)) AS mapped (y))
      THEN
        RAISE EXCEPTION 'a name in it means another relation while the new view is built';
      END IF;

      IF node.relkind = 'v' AND "${schema}".wip_view_columns(trial) = "${schema}".wip_view_columns(node.oid) THEN
        EXECUTE format('DROP VIEW %s', trial::regclass);
        in_place := in_place || format('CREATE OR REPLACE VIEW %s%s AS %s', node_name, options, definition);
        trial := NULL;
      ELSE
        IF node.relkind = 'v' THEN
          EXECUTE format('ALTER VIEW %s RENAME TO %I', trial::regclass, node.relname);
        END IF;
        IF NOT has_schema_privilege(node.relowner, staging, 'USAGE') THEN
          given := given || node.relowner;
        END IF;
        PERFORM "${schema}".wip_view_give(trial, node.relowner, old_ones, new_ones);
        -- Its query and its indexes may call anything that its owner chose.
        IF node.relkind = 'm' AND node.relispopulated THEN
          EXECUTE format('REFRESH MATERIALIZED VIEW %s', trial::regclass);
        END IF;
        -- What was made for this relation and names it: read with its schema on the path, run with staging before that.
        PERFORM set_config('search_path', node.relnamespace::regnamespace::text, false);
        own := ARRAY(
          SELECT pg_get_indexdef(i.indexrelid, 0, true)
          FROM pg_index AS i WHERE i.indrelid = node.oid
          UNION ALL
          SELECT "${schema}".wip_view_source('pg_rewrite'::regclass, r.oid, node.relnamespace::regnamespace::text)
          FROM pg_rewrite AS r WHERE r.ev_class = node.oid AND r.rulename <> '_RETURN'
          UNION ALL
          SELECT pg_get_triggerdef(t.oid, true)
          FROM pg_trigger AS t WHERE t.tgrelid = node.oid AND NOT t.tgisinternal);
        PERFORM set_config('search_path', format('%I, %s', staging, node.relnamespace::regnamespace::text), false);
        FOREACH statement IN ARRAY own LOOP
          EXECUTE statement;
        END LOOP;
        PERFORM set_config('search_path', 'pg_catalog, pg_temp', false);
        FOR statement IN SELECT m.* FROM "${schema}".wip_view_settle(node.oid, trial) AS m LOOP
          EXECUTE statement;
        END LOOP;
        IF node.relkind = 'm' AND node.relispopulated THEN
          EXECUTE format('ANALYZE %s', trial::regclass);
        END IF;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      problems := problems || format('%s %s: %s',
        CASE node.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, node_name, SQLERRM);
      -- what reads it cannot be decided either
      undecided := ARRAY(
        SELECT u FROM unnest(undecided) AS u
        WHERE node.oid NOT IN (SELECT x FROM "${schema}".wip_view_reads(u) AS x));
      CONTINUE;
    END;

    to_lock := node.oid || to_lock;
    seen_classes := seen_classes || 'pg_class'::regclass::oid;
    seen_objects := seen_objects || node.oid;
    seen_states := seen_states || state;
    kept := kept || node_name;
    IF trial IS NOT NULL THEN
      old_ones := old_ones || node.oid;
      new_ones := new_ones || trial;
    END IF;
  END LOOP;

  -- What is no view: functions that read or return rows of a relation that is replaced, rules and policies of others.
  PERFORM set_config('search_path', live_path, false);
  FOR dependant IN
    SELECT d.classid, d.objid, max(d.objsubid) AS objsubid, bool_or(d.refclassid = 'pg_type'::regclass) AS by_type,
           regexp_replace(pg_describe_object(d.classid, d.objid, max(d.objsubid)), '^rule _RETURN on ', '') AS description,
           min(coalesce(r.ev_class, policy.polrelid)::bigint)::oid AS of_relation,
           -- null for what cannot be made anew in its place
           min(coalesce(routine.proowner, relation.relowner)::bigint)::oid AS owner
    FROM pg_depend AS d
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_policy AS policy ON d.classid = 'pg_policy'::regclass AND policy.oid = d.objid
    LEFT JOIN pg_proc AS routine ON d.classid = 'pg_proc'::regclass AND routine.oid = d.objid AND routine.prokind IN ('f', 'p')
    LEFT JOIN pg_class AS relation
      ON relation.oid = coalesce(policy.polrelid, CASE WHEN r.rulename <> '_RETURN' THEN r.ev_class END)
    WHERE live IS NOT NULL
      AND d.deptype = 'n'
      AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (old_ones)
        OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (
             SELECT unnest(ARRAY[t.oid, t.typarray]) FROM pg_type AS t WHERE t.typrelid = ANY (old_ones)))
      -- views were decided upon above, but for one that only names the type; a rule of a relation that is replaced
      -- goes along with it
      AND (r.oid IS NULL OR r.ev_class <> ALL (old_ones)
        AND (r.rulename <> '_RETURN' OR d.refclassid = 'pg_type'::regclass AND r.ev_class <> ALL (seen_objects)))
      AND NOT (d.classid = 'pg_class'::regclass
        AND (SELECT c.relkind FROM pg_class AS c WHERE c.oid = d.objid) IN ('v', 'm'))
    GROUP BY d.classid, d.objid
  LOOP
    IF dependant.owner IS NULL THEN
      problems := problems || (dependant.description || ': it cannot be pointed at another relation');
      CONTINUE;
    ELSIF NOT pg_has_role(dependant.owner, 'USAGE') THEN
      problems := problems || format('%s: it belongs to %s, which %s is no member of',
        dependant.description, dependant.owner::regrole, current_user);
      CONTINUE;
    END IF;
    IF dependant.classid = 'pg_proc'::regclass AND dependant.by_type THEN
      -- Its type changes with the relation, which only DROP and CREATE can do.
      dropped := dropped || dependant.objid;
      before_swap := before_swap || format('DROP ROUTINE %s', dependant.objid::regprocedure);
    END IF;
    in_place := in_place || "${schema}".wip_view_source(dependant.classid, dependant.objid, live_path);
    IF dependant.classid = 'pg_proc'::regclass AND dependant.by_type THEN
      SELECT in_place
        || format('ALTER ROUTINE %1$s OWNER TO %2$s', f.signature, p.proowner::regrole)
        || format('REVOKE ALL ON ROUTINE %1$s FROM PUBLIC, %2$s', f.signature, p.proowner::regrole)
        || ARRAY(SELECT "${schema}".wip_view_grants(
             coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner, 'ROUTINE ' || f.signature))
        || coalesce(format('COMMENT ON ROUTINE %s IS %L', f.signature, obj_description(p.oid, 'pg_proc')), '')
      INTO in_place
      FROM pg_proc AS p,
        LATERAL (SELECT format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname,
                               pg_get_function_identity_arguments(p.oid))) AS f (signature)
      WHERE p.oid = dependant.objid;
    ELSIF dependant.classid <> 'pg_proc'::regclass THEN
      to_lock := dependant.of_relation || to_lock;
    END IF;
    seen_classes := seen_classes || dependant.classid;
    seen_objects := seen_objects || dependant.objid;
    seen_states := seen_states || "${schema}".wip_view_state(dependant.classid, dependant.objid);
    kept := kept || dependant.description;
  END LOOP;

  SELECT problems || coalesce(array_agg(DISTINCT hindrance), '{}') INTO problems
  FROM (
    SELECT format('%s: it uses %s, which is made anew',
                  regexp_replace(pg_describe_object(d.classid, d.objid, d.objsubid), '^rule _RETURN on ', ''), d.refobjid::regprocedure)
    FROM pg_depend AS d
    WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (dropped) AND d.deptype = 'n'
    UNION ALL
    SELECT format('extension %I: %s is a member of it', e.extname, pg_describe_object(d.classid, d.objid, 0))
    FROM pg_depend AS d
    JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = ANY (old_ones) AND d.deptype = 'e'
  ) AS h (hindrance);
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', false);

  IF problems <> '{}' THEN
    RAISE EXCEPTION 'cannot put the new % in place, because of what depends on the old one: %',
        live_name, array_to_string(problems, '; ')
      USING ERRCODE = 'dependent_objects_still_exist',
            HINT = 'Nothing was changed. Change or drop these first, then deploy again.';
  END IF;

  -- -------------------------------------------------------------------------------------------------------------
  -- The swap
  -- -------------------------------------------------------------------------------------------------------------

  -- Its turn, as a refresh has it: from here on nobody refreshes the live view. If somebody has since the build began,
  -- the build is the older of the two, and is refreshed before it is shown to anybody.
  started := clock_timestamp();
  PERFORM set_config('lock_timeout', format('%s ms', ceil(extract(epoch FROM promote_limit) * 1000)), true);
  BEGIN
    PERFORM pg_advisory_xact_lock('"${schema}".wip_view'::regclass::oid::integer, hashtext(view_name));
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION 'could not put the new % in place within %: the old one is being refreshed all that time', live_name, promote_limit
      USING ERRCODE = 'lock_not_available',
            HINT = 'Nothing was changed. Deploy again when that has ended, or allow more time with SET wip_views.promote_limit.';
  END;
  SELECT v.last_started_no INTO last_no FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_promote.view_name;
  IF last_no > staged_no THEN
    RAISE NOTICE '%: refreshed meanwhile, catching up', view_name;
    staged_no := nextval(pg_get_serial_sequence('"${schema}".wip_view_refresh', 'refresh_id'));
    staged_at := clock_timestamp();
    FOR statement IN
      SELECT format(c.command, n.oid::regclass)
      FROM unnest(new_ones) WITH ORDINALITY AS n (oid, position)
      JOIN pg_class AS m ON m.oid = n.oid AND m.relkind = 'm' AND m.relispopulated
      CROSS JOIN (VALUES (1, 'REFRESH MATERIALIZED VIEW %s'), (2, 'ANALYZE %s')) AS c (number, command)
      ORDER BY n.position, c.number
    LOOP
      EXECUTE statement;
    END LOOP;
    EXECUTE format('SELECT count(*) FROM %s', built::regclass) INTO built_rows;
  END IF;

  -- A name that a view which was renamed away still has for its index.
  FOR dependant IN
    SELECT c.oid::regclass AS index_name, c.relname
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS other ON other.relname = c.relname AND other.relnamespace = '"${schema}"'::regnamespace
    LEFT JOIN pg_index AS other_index ON other_index.indexrelid = other.oid
    WHERE i.indrelid = built
      AND other_index.indrelid IS DISTINCT FROM live
  LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', dependant.index_name,
                   left(dependant.relname, 63 - length('_' || built::text)) || '_' || built);
  END LOOP;

  RAISE NOTICE '%: promoting', view_name;
  IF live IS NOT NULL THEN
    attempts := "${schema}".wip_view_take(format('put the new %s in place', live_name), to_lock || live, started);

    -- From here on readers wait. All that it takes is locked, but for what a definition may need a moment to be read.
    PERFORM set_config('lock_timeout', '200 ms', true);
    -- a body is its owner's, and is not to be looked at now
    PERFORM set_config('check_function_bodies', 'off', true);
    SELECT string_agg(pg_describe_object(was.class, was.object, 0), ', ') INTO changed
    FROM unnest(seen_classes, seen_objects, seen_states) AS was (class, object, state)
    WHERE "${schema}".wip_view_state(was.class, was.object) IS DISTINCT FROM was.state;
    IF changed IS NOT NULL THEN
      RAISE EXCEPTION 'meanwhile somebody changed what depends on %: %', live_name, changed
        USING ERRCODE = 'object_in_use', HINT = 'Nothing was changed. Deploy again.';
    END IF;

    attributes := ARRAY(
      SELECT a.*
      FROM unnest(old_ones, new_ones) AS pair (old_one, new_one),
        LATERAL "${schema}".wip_view_attributes(pair.old_one, pair.new_one) AS a);
    BEGIN
      PERFORM set_config('search_path', live_path, true);
      FOREACH statement IN ARRAY before_swap LOOP
        EXECUTE statement;
      END LOOP;
      PERFORM set_config('search_path', build_path, true);
      FOREACH statement IN ARRAY array_remove(in_place, '') LOOP
        EXECUTE statement;
      END LOOP;
      PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);

      FOR i IN REVERSE cardinality(old_ones) .. 1 LOOP
        SELECT c.* INTO node FROM pg_class AS c WHERE c.oid = old_ones[i];
        EXECUTE format('DROP %s %s', CASE node.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, node.oid::regclass);
        EXECUTE format('ALTER TABLE %s SET SCHEMA %s', new_ones[i]::regclass, node.relnamespace::regnamespace);
      END LOOP;
      -- Not before: whoever gave a grant on may not use the staging schema.
      FOREACH statement IN ARRAY attributes LOOP
        EXECUTE statement;
      END LOOP;
    EXCEPTION WHEN dependent_objects_still_exist THEN
      GET STACKED DIAGNOSTICS changed = PG_EXCEPTION_DETAIL;
      RAISE EXCEPTION 'cannot put the new % in place, because of what came to depend on the old one, or cannot be made anew: %',
          live_name, replace(changed, E'\n', '; ')
        USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Nothing was changed. Deploy again, or change or drop these first.';
    END;
    PERFORM set_config('check_function_bodies', caller_check_bodies, true);
  ELSE
    EXECUTE format('ALTER MATERIALIZED VIEW %s SET SCHEMA "${schema}"', built::regclass);
    -- what ALTER DEFAULT PRIVILEGES promises in this schema, which the view was not made in
    FOR statement IN
      SELECT g.*
      FROM pg_default_acl AS a,
        LATERAL "${schema}".wip_view_grants(a.defaclacl, a.defaclrole, live_name) AS g
      WHERE a.defaclnamespace = '"${schema}"'::regnamespace AND a.defaclrole = current_user::regrole AND a.defaclobjtype = 'r'
    LOOP
      EXECUTE statement;
    END LOOP;
  END IF;
  PERFORM set_config('lock_timeout', caller_lock_timeout, true);

  IF obj_description(to_regnamespace(quote_ident(staging)), 'pg_namespace') = 'Made by wip-views while it builds a view' THEN
    EXECUTE format('DROP SCHEMA %I', staging);
  ELSE
    FOR statement IN
      SELECT DISTINCT format('REVOKE USAGE ON SCHEMA %I FROM %s', staging, g::regrole) FROM unnest(given) AS g
    LOOP
      EXECUTE statement;
    END LOOP;
  END IF;

  INSERT INTO "${schema}".wip_view_refresh AS r
    (view_name, outcome, mode, requested_at, started_at, finished_at, rows, bytes)
  VALUES
    (view_name, 'refreshed', 'rebuild', staged_at, staged_at, greatest(clock_timestamp(), staged_at), built_rows,
     pg_total_relation_size(built))
  RETURNING r.refresh_id INTO request_id;

  INSERT INTO "${schema}".wip_view AS v
    (view_name, refresh_order, freshness_target, deployed_target, definition, last_refresh_id, last_started_no)
  VALUES
    (view_name, refresh_order, freshness_target, freshness_target, "${schema}".wip_view_definition(built), request_id, staged_no)
  ON CONFLICT ON CONSTRAINT wip_view_pkey DO UPDATE
  SET refresh_order = excluded.refresh_order,
      -- what an operator has set stays, until the changelog says something new
      freshness_target = CASE WHEN v.deployed_target = excluded.deployed_target THEN v.freshness_target ELSE excluded.freshness_target END,
      deployed_target = excluded.deployed_target,
      definition = excluded.definition,
      last_refresh_id = excluded.last_refresh_id,
      last_started_no = excluded.last_started_no;

  PERFORM pg_notify('wip_view_refreshed', json_build_object(
    'schema', '${schema}', 'view', view_name, 'refresh_id', request_id, 'rows', built_rows, 'started_at', staged_at)::text);

  RAISE NOTICE '%: promoted in % ms, attempt %, kept %', view_name,
    round(extract(epoch FROM clock_timestamp() - started) * 1000), attempts,
    CASE WHEN kept = '{}' THEN 'no dependants' ELSE array_to_string(kept, ', ') END;
  PERFORM set_config('search_path', current_setting('wip_views.search_path'), false);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_promote(text, integer, interval) IS
  'Puts the view that was built in the staging schema in the live one''s place, with the owner, grants, comments and settings of that one and with everything that depends on it, and registers it. Readers wait for milliseconds. Stops, having changed nothing, where something cannot be kept, or where the live view is held for longer than the setting wip_views.promote_limit (60s).';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_remove(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  dependants text;
BEGIN
  IF to_regclass(format('%I.%I', '${schema}', view_name)) IS NOT NULL THEN
    PERFORM "${schema}".wip_view_take('remove', view_name);
    BEGIN
      EXECUTE format('DROP MATERIALIZED VIEW %I.%I', '${schema}', view_name);
    EXCEPTION WHEN dependent_objects_still_exist THEN
      GET STACKED DIAGNOSTICS dependants = PG_EXCEPTION_DETAIL;
      RAISE EXCEPTION 'cannot remove %: %', view_name, replace(dependants, E'\n', '; ')
        USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Drop these first.';
    END;
  END IF;
  DELETE FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_remove.view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_remove(text) IS
  'Drops a view and takes it off the registry; its history stays. Stops where something else depends on it.';

SELECT "${schema}".wip_view_own();
