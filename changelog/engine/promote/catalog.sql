-- Reads the catalog: what a view reads, what reads it, and its definition in forms that can be compared and run.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_reads(relation oid)
  RETURNS SETOF oid
  LANGUAGE sql
  STABLE
  -- of the thousand that the planner would expect, it would read all of the catalog
  ROWS 10
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

-- A view has security_invoker since PostgreSQL 15.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_is_invokers(relation oid)
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(bool_or(o.option_value::boolean), false)
  FROM pg_class AS c
  CROSS JOIN LATERAL pg_options_to_table(c.reloptions) AS o
  WHERE c.oid = relation AND o.option_name = 'security_invoker';
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_is_invokers(oid) IS
  'Whether a view reads with the rights of its reader instead of its owner.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_calls(relation oid)
  RETURNS SETOF oid
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT DISTINCT p.oid
  FROM pg_rewrite AS r
  JOIN pg_depend AS d
    ON d.classid = 'pg_rewrite'::regclass
    AND d.objid = r.oid
  LEFT JOIN pg_operator AS o
    ON d.refclassid = 'pg_operator'::regclass
    AND o.oid = d.refobjid
  JOIN pg_proc AS p
    ON p.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode END
  WHERE r.ev_class = relation;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_calls(oid) IS
  'The functions that the query of a view or materialized view calls, except those of the system.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_dependants(relation oid)
  RETURNS TABLE (dependant oid, depth integer)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE tree (oid, depth) AS (
    SELECT relation, 0
    UNION
    SELECT r.ev_class, tree.depth + 1
    FROM tree
    JOIN pg_depend AS d
      ON d.refclassid = 'pg_class'::regclass
      AND d.refobjid = tree.oid
      AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS r
      ON r.oid = d.objid
      AND r.rulename = '_RETURN'
      AND r.ev_class <> tree.oid
    -- two views can be made to read each other, and then neither can be queried
    WHERE tree.depth < 200
  )
  SELECT tree.oid, max(tree.depth)
  FROM tree
  WHERE tree.oid <> relation
  GROUP BY tree.oid
  ORDER BY max(tree.depth), tree.oid;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_dependants(oid) IS
  'The views and materialized views that read a relation, directly or through others; each after those that it reads.';

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

CREATE OR REPLACE FUNCTION "${schema}".wip_view_ddl(class oid, object oid, path text)
  RETURNS text
  LANGUAGE plpgsql
  STRICT
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN "${schema}".wip_view_evaluate(
    CASE class
      WHEN 'pg_class'::regclass THEN format('rtrim(pg_get_viewdef(%s), '';'')', object)
      WHEN 'pg_proc'::regclass THEN format('pg_get_functiondef(%s)', object)
      WHEN 'pg_rewrite'::regclass THEN
        format('regexp_replace(pg_get_ruledef(%s, true), ''^CREATE RULE'', ''CREATE OR REPLACE RULE'')', object)
      WHEN 'pg_policy'::regclass THEN format(
        $policy$
          concat(
            format('ALTER POLICY %%I ON %%s', p.polname, p.polrelid::regclass),
            ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
            ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
          FROM pg_policy AS p
          WHERE p.oid = %s
        $policy$, object)
    END,
    path);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_ddl(oid, oid, text) IS
  'The query of a view or materialized view, or the statement that defines a routine, rule or policy, as read with a search_path.';

-- At the swap readers wait while it is asked about every dependant: in PL/pgSQL, which keeps its plans.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_fingerprint(class oid, object oid)
  RETURNS text
  LANGUAGE plpgsql
  STRICT
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  ddl CONSTANT text := "${schema}".wip_view_ddl(class, object, 'pg_catalog, pg_temp');
BEGIN
  IF class <> 'pg_class'::regclass OR NOT EXISTS (
    SELECT FROM pg_class AS c WHERE c.oid = object AND (c.relhasindex OR c.relhastriggers))
  THEN
    RETURN ddl;
  END IF;
  RETURN concat_ws(E'\n',
    ddl,
    (SELECT string_agg(pg_get_indexdef(i.indexrelid), E'\n' ORDER BY i.indexrelid) FROM pg_index AS i WHERE i.indrelid = object),
    (SELECT string_agg(pg_get_triggerdef(t.oid), E'\n' ORDER BY t.oid)
     FROM pg_trigger AS t
     WHERE t.tgrelid = object AND NOT t.tgisinternal));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_fingerprint(oid, oid) IS
  'What a promotion reads of an object and recreates. It must be the same at the swap as it was when it was read.';
