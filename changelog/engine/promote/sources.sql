-- Which columns of its tables a view reads, by name and type, and how they have changed since. A view refers to a column by its
-- number: when one is renamed the view still works, but its file does not; while the view is frozen, columns may change freely.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_source_columns(relation oid)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'table', c.oid::regclass, 'oid', c.oid::bigint, 'number', a.attnum, 'column', a.attname,
    'type', format_type(a.atttypid, a.atttypmod)) ORDER BY c.oid, a.attnum), '[]')
  FROM (
    SELECT DISTINCT d.refobjid, d.refobjsubid
    FROM pg_rewrite AS r
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    WHERE r.ev_class = relation AND r.rulename = '_RETURN' AND d.refobjid <> relation
  ) AS d
  JOIN pg_class AS c ON c.oid = d.refobjid
  JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_source_columns(oid) IS
  'The columns that the query of a view names, for wip_view.source_columns.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_changed_columns(source_columns jsonb)
  RETURNS TABLE (column_name text, change text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT changed.column_name, changed.change
  FROM (
    SELECT
      was.position,
      format('%s.%I', was.table, was.column),
      CASE
        WHEN source.oid IS NULL
          THEN coalesce((SELECT 'is in ' || c.oid::regclass || ' now' FROM pg_class AS c WHERE c.oid = was.oid), 'is gone, with its table')
        WHEN a.attnum IS NULL
          -- a number means something in the database alone in which it was read
          THEN coalesce((
            SELECT format('is called %I now', b.attname)
            FROM pg_attribute AS b
            WHERE b.attrelid = source.oid AND source.oid = was.oid AND b.attnum = was.number AND NOT b.attisdropped), 'is gone')
        WHEN format_type(a.atttypid, a.atttypmod) <> was.type
          THEN format('is %s now, not %s', format_type(a.atttypid, a.atttypmod), was.type)
      END
    FROM ROWS FROM (
      jsonb_to_recordset(source_columns) AS ("table" text, oid bigint, number smallint, "column" name, type text)
    ) WITH ORDINALITY AS was ("table", oid, number, "column", type, position)
    CROSS JOIN LATERAL (SELECT to_regclass(was.table)::oid) AS source (oid)
    LEFT JOIN pg_attribute AS a
      ON a.attrelid = source.oid AND a.attname = was.column AND a.attnum > 0 AND NOT a.attisdropped
  ) AS changed (position, column_name, change)
  WHERE changed.change IS NOT NULL
  ORDER BY changed.position;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_changed_columns(jsonb) IS
  'Which of these columns were renamed, retyped or dropped since they were noted, and what each is now.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_changed_part(source_columns jsonb)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN EXISTS (SELECT FROM "${schema}".wip_view_changed_columns(source_columns)) THEN 'names' ELSE 'query' END;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_changed_part(jsonb) IS
  'Why the server prints a query differently than when it was deployed: the names of its columns have changed, or the query itself.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_supporting_sources(view_name text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT support.name
  FROM "${schema}".wip_view AS v
  CROSS JOIN "${schema}".wip_view_settings AS s
  CROSS JOIN LATERAL jsonb_object_keys(s.supporting_views) AS support (name)
  WHERE v.view_name = wip_view_supporting_sources.view_name
    AND v.source_columns @> jsonb_build_array(jsonb_build_object('table', format('%I.%I', '${schema}', support.name)));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_supporting_sources(text) IS
  'The ordinary views of wip_view_settings.supporting_views that a registered view reads, also while it is frozen.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_describe_changes(view_name text)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_agg(DISTINCT format('%s %s', c.column_name, c.change), ', ')
  FROM (
    SELECT v.source_columns FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_describe_changes.view_name
    UNION ALL
    SELECT s.supporting_columns -> source.view_name
    FROM "${schema}".wip_view_settings AS s
    CROSS JOIN LATERAL (
      SELECT wip_view_describe_changes.view_name UNION SELECT "${schema}".wip_view_supporting_sources(wip_view_describe_changes.view_name)
    ) AS source (view_name)
  ) AS read (columns)
  CROSS JOIN LATERAL "${schema}".wip_view_changed_columns(read.columns) AS c;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_describe_changes(text) IS
  'How the columns have changed that a view, or an ordinary one that it reads, was deployed with; null if they have not.';

-- An earlier version did not note them.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_note_source_columns()
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  UPDATE "${schema}".wip_view AS v
  SET source_columns = "${schema}".wip_view_source_columns(c.oid)
  FROM pg_class AS c
  WHERE v.source_columns IS NULL
    AND c.relnamespace = '"${schema}"'::regnamespace AND c.relname = v.view_name AND c.relkind = 'm';
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_note_source_columns() IS
  'Notes the columns that each registered view reads, where that is not known.';

-- The objects on whose account PostgreSQL refuses to change or drop a column.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_column_users(views text[] DEFAULT NULL)
  RETURNS TABLE (object text, table_name text, columns text[])
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE freezing AS (
    SELECT v.view_name, to_regclass(format('%I.%I', '${schema}', v.view_name))::oid AS oid, v.source_columns
    FROM "${schema}".wip_view AS v
    WHERE v.view_name = ANY (views) OR views IS NULL
    UNION ALL
    SELECT support.name, live.oid, s.supporting_columns -> support.name
    FROM "${schema}".wip_view_settings AS s
    CROSS JOIN LATERAL jsonb_object_keys(s.supporting_views) AS support (name)
    CROSS JOIN LATERAL (SELECT to_regclass(format('%I.%I', '${schema}', support.name))::oid) AS live (oid)
    WHERE NOT "${schema}".wip_view_is_invokers(live.oid)
  ),
  reached (oid) AS (
    SELECT freezing.oid FROM freezing WHERE freezing.oid IS NOT NULL
    UNION
    -- of one that is frozen already
    SELECT to_regclass(was ->> 'table')::oid
    FROM freezing
    CROSS JOIN LATERAL jsonb_array_elements(freezing.source_columns) AS was
    WHERE to_regclass(was ->> 'table') IS NOT NULL
    UNION
    SELECT read.*
    FROM reached
    JOIN pg_class AS c ON c.oid = reached.oid AND c.relkind IN ('v', 'm')
    CROSS JOIN LATERAL "${schema}".wip_view_reads(reached.oid) AS read
  ),
  used AS (
    SELECT
      -- a view depends by the rule that is its query; a computed column, from PostgreSQL 15 on, by its default
      CASE WHEN r.rulename = '_RETURN' OR def.oid IS NOT NULL THEN 'pg_class'::regclass::oid ELSE d.classid END AS class,
      CASE WHEN r.rulename = '_RETURN' THEN r.ev_class ELSE coalesce(def.adrelid, d.objid) END AS object,
      coalesce(def.adnum, d.objsubid) AS part,
      c.oid AS source,
      a.attnum,
      a.attname
    FROM reached
    JOIN pg_class AS c ON c.oid = reached.oid AND c.relkind IN ('r', 'p', 'f')
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_attrdef AS def ON d.classid = 'pg_attrdef'::regclass AND def.oid = d.objid
    -- the tables of others
    WHERE NOT (c.relnamespace = '"${schema}"'::regnamespace AND starts_with(c.relname, 'wip_view'))
      AND (
        d.classid IN (
          'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass, 'pg_trigger'::regclass, 'pg_attrdef'::regclass,
          'pg_publication_rel'::regclass)
        OR d.classid = 'pg_class'::regclass AND d.objsubid > 0)
  )
  SELECT pg_describe_object(used.class, used.object, used.part), used.source::regclass::text, array_agg(DISTINCT used.attname::text)
  FROM used
  WHERE (used.class <> 'pg_class'::regclass OR used.object NOT IN (SELECT freezing.oid FROM freezing WHERE freezing.oid IS NOT NULL))
    -- the default of a column goes with it
    AND (used.object, used.part) <> (used.source, used.attnum)
  GROUP BY used.class, used.object, used.part, used.source
  ORDER BY 1, 2;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_column_users(text[]) IS
  'What else uses columns of the tables that these registered views read (null for all of them): views, rules, policies, triggers, functions with a body of SQL, computed columns. While wip_view_freeze() has taken the views themselves out of the way, PostgreSQL refuses to retype or drop these columns on account of these objects, and no others.';
