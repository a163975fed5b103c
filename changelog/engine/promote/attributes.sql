-- Which attributes of the old view the new one gets. The view's file comes first: what it sets stays; what it does not mention
-- was given to the old view by hand, and is kept.
--
-- All attributes of what a promotion recreates, and where they are kept. Anything else is refused by wip_view_plan_refusals(),
-- or stops the DROP of the old one.
--
--   of a view or materialized view
--     owner, query, WITH options, data or none      successors.sql
--     access method, tablespace                     successors.sql
--     toast options, replica identity               wip_view_relation_ddl
--     grants and grant options, who gave them       grants.sql
--     comments; security labels; marks              labels.sql
--     extended statistics, with owner, target, ...  wip_view_statistics_ddl
--     rules and triggers, with comment, mark        successors.sql, labels.sql
--     row type: grants, comment, security label     grants.sql, labels.sql
--   of a column
--     statistics target, options, storage,          wip_view_column_ddl
--     compression, default (of a view)
--     grants; comments; security labels             grants.sql, labels.sql
--   of an index
--     definition, tablespace                        successors.sql, plan-indexes.sql
--     parameters, statistics targets, comment,      wip_view_index_ddl
--     CLUSTER ON; mark                              labels.sql
--   of a routine that takes or returns the row type
--     all that CREATE FUNCTION says                 pg_get_functiondef
--     owner, grants, comment, label, mark           wip_view_routine_ddl
--   refused: a member of an extension, a sequence that belongs to a column, what names the row type and is no routine
--   cannot be: a publication (of tables only), a policy, foreign key or inheritance (none of a view)

CREATE OR REPLACE FUNCTION "${schema}".wip_view_ddl_name(relation oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('%s %s.%I', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
                c.relnamespace::regnamespace, c.relname)
  FROM pg_class AS c
  WHERE c.oid = relation;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_ddl_name(oid) IS
  'A relation, as ALTER, DROP and COMMENT ON name it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_relation_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT statement
  FROM pg_class AS was
  JOIN pg_class AS is_now ON is_now.oid = new
  CROSS JOIN LATERAL "${schema}".wip_view_ddl_name(old) AS target (name)
  CROSS JOIN LATERAL (
    SELECT format('ALTER %s SET (%s = %L)', target.name, o.option_name, o.option_value)
    FROM pg_options_to_table(was.reloptions) AS o
    WHERE o.option_name NOT IN (SELECT n.option_name FROM pg_options_to_table(is_now.reloptions) AS n)
    UNION ALL
    SELECT format('ALTER %s SET (toast.%s = %L)', target.name, o.option_name, o.option_value)
    FROM pg_class AS t
    CROSS JOIN LATERAL pg_options_to_table(t.reloptions) AS o
    WHERE t.oid = was.reltoastrelid
      AND o.option_name NOT IN (
        SELECT n.option_name
        FROM pg_class AS u
        CROSS JOIN LATERAL pg_options_to_table(u.reloptions) AS n
        WHERE u.oid = is_now.reltoastrelid)
    UNION ALL
    SELECT format('ALTER %s REPLICA IDENTITY %s', target.name, CASE was.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
    WHERE was.relreplident IN ('f', 'n') AND is_now.relreplident = 'd'
  ) AS kept (statement)
  WHERE was.oid = old;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_relation_ddl(oid, oid) IS
  'The statements that give a new view the storage parameters and the replica identity of an old one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_column_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('ALTER %s ALTER COLUMN %I %s', target.name, a.attname, kept.clause)
  FROM "${schema}".wip_view_ddl_name(old) AS target (name)
  JOIN pg_class AS is_now ON is_now.oid = new
  JOIN pg_attribute AS a ON a.attrelid = old AND a.attnum > 0
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
  JOIN pg_type AS t ON t.oid = a.atttypid
  CROSS JOIN LATERAL (
    SELECT format('SET STATISTICS %s', a.attstattarget), 'm'
    WHERE coalesce(a.attstattarget, -1) <> -1 AND coalesce(b.attstattarget, -1) = -1
    UNION ALL
    SELECT format('SET (%s = %L)', o.option_name, o.option_value), 'm'
    FROM pg_options_to_table(a.attoptions) AS o
    UNION ALL
    SELECT 'SET STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END, 'm'
    WHERE b.atttypid = a.atttypid AND a.attstorage <> b.attstorage AND b.attstorage = t.typstorage
    UNION ALL
    SELECT 'SET COMPRESSION ' || CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END, 'm'
    WHERE b.atttypid = a.atttypid AND a.attcompression <> b.attcompression AND b.attcompression = ''
    UNION ALL
    SELECT 'SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), 'v'
    FROM pg_attrdef AS d
    WHERE d.adrelid = old AND d.adnum = a.attnum
  ) AS kept (clause, relkind)
  WHERE is_now.relkind::text = kept.relkind;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_column_ddl(oid, oid) IS
  'The statements that give the columns of a new view the statistics targets, options, storage and defaults of an old one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_index_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  -- an index is known by its name
  SELECT kept.statement
  FROM pg_class AS was
  JOIN pg_index AS i ON i.indrelid = was.oid
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
    SELECT format('ALTER %s CLUSTER ON %I', "${schema}".wip_view_ddl_name(old), a.relname)
    WHERE i.indisclustered AND NOT j.indisclustered
  ) AS kept (statement)
  WHERE was.oid = old;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_index_ddl(oid, oid) IS
  'The statements that give the indexes of a new view the parameters, statistics targets and comments of the old ones of the same names.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_statistics_ddl(old oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT kept.statement
  FROM pg_statistic_ext AS s
  CROSS JOIN LATERAL (SELECT format('%s.%I', s.stxnamespace::regnamespace, s.stxname)) AS statistics (name)
  CROSS JOIN LATERAL (VALUES
    (pg_get_statisticsobjdef(s.oid)),
    (format('ALTER STATISTICS %s OWNER TO %s', statistics.name, s.stxowner::regrole)),
    (CASE WHEN coalesce(s.stxstattarget, -1) <> -1 THEN format('ALTER STATISTICS %s SET STATISTICS %s', statistics.name, s.stxstattarget) END),
    (format('COMMENT ON STATISTICS %s IS %L', statistics.name, obj_description(s.oid, 'pg_statistic_ext')))
  ) AS kept (statement)
  WHERE s.stxrelid = old AND kept.statement IS NOT NULL;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_statistics_ddl(oid) IS
  'The statements that recreate the extended statistics of an old view.';
