-- Successors: relations in the staging schema that will take the place of a view or materialized view which depends on the
-- one that is promoted.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_storage_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  -- before PostgreSQL 15 it can only be given when a view is created, by its file
  SELECT format('ALTER MATERIALIZED VIEW %s SET ACCESS METHOD %I', new::regclass, m.amname)
  FROM pg_class AS a
  JOIN pg_class AS b ON b.oid = new AND b.relkind = 'm' AND b.relam <> a.relam
  JOIN pg_am AS m ON m.oid = a.relam
  JOIN pg_am AS n ON n.oid = b.relam AND n.amname = current_setting('default_table_access_method')
  WHERE a.oid = old
  UNION ALL
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

COMMENT ON FUNCTION "${schema}".wip_view_storage_ddl(oid, oid) IS
  'The statements that move a new view and its indexes, while they are still in the staging schema, to the access method and the tablespaces of an old one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_assign_owner(relation oid, owner oid)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  staging CONSTANT name := 'wip_staging_${schema}';
  may_use CONSTANT boolean := has_schema_privilege(owner, staging, 'USAGE');
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
    SELECT format('GRANT SELECT ON %s TO %s', o.successor::regclass, owner::regrole)
    FROM pg_temp.wip_plan_object AS o
    WHERE o.successor IN (SELECT r.* FROM "${schema}".wip_view_reads(relation) AS r)
      AND has_any_column_privilege(owner, o.object, 'SELECT')
      AND NOT has_table_privilege(owner, o.successor, 'SELECT')
  LOOP
    EXECUTE statement;
  END LOOP;
  IF NOT may_use THEN
    PERFORM "${schema}".wip_view_plan_step('finish', format('REVOKE USAGE ON SCHEMA %I FROM %s', staging, owner::regrole));
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_assign_owner(oid, oid) IS
  'Gives a relation in the staging schema to its future owner, with the right to read what it reads there: filling it then runs with the rights of that role, not of the role that deploys.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_with_clause(relation oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ' WITH (' || string_agg(format('%s = %L', o.option_name, o.option_value), ', ') || ')'
  FROM pg_class AS c
  CROSS JOIN LATERAL pg_options_to_table(c.reloptions) AS o
  WHERE c.oid = relation;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_with_clause(oid) IS
  'The WITH clause that a view or materialized view was made with; null without one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_create_successor(relation oid, temporary_name name)
  RETURNS oid
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  node pg_class;
  successor oid;
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  SELECT * INTO node FROM pg_class AS c WHERE c.oid = relation;
  PERFORM "${schema}".wip_view_execute(
    format(
      CASE node.relkind
        WHEN 'm' THEN 'CREATE MATERIALIZED VIEW %I.%I USING %I%s AS %s WITH NO DATA'
        ELSE 'CREATE VIEW %I.%I%4$s AS %5$s'
      END,
      'wip_staging_${schema}', temporary_name, (SELECT am.amname FROM pg_am AS am WHERE am.oid = node.relam),
      "${schema}".wip_view_with_clause(relation),
      "${schema}".wip_view_ddl('pg_class'::regclass, relation, plan.live_path)),
    plan.build_path);
  successor := to_regclass(format('%I.%I', 'wip_staging_${schema}', temporary_name));

  IF (SELECT array_agg(r ORDER BY r) FROM "${schema}".wip_view_reads(successor) AS r)
    IS DISTINCT FROM
     (SELECT array_agg(coalesce(o.successor, r) ORDER BY coalesce(o.successor, r))
      FROM "${schema}".wip_view_reads(relation) AS r
      LEFT JOIN pg_temp.wip_plan_object AS o ON o.class = 'pg_class'::regclass AND o.object = r)
  THEN
    RAISE EXCEPTION 'a name in it means another relation while the new view is built';
  END IF;
  RETURN successor;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_create_successor(oid, name) IS
  'Makes a view or materialized view, without data, in the staging schema, that reads what another one reads, or what takes the place of that.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_complete_successor(relation oid, successor oid)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  node pg_class;
  live_schema text;
  statement text;
BEGIN
  SELECT * INTO node FROM pg_class AS c WHERE c.oid = relation;
  live_schema := node.relnamespace::regnamespace;
  PERFORM "${schema}".wip_view_assign_owner(successor, node.relowner);
  -- Rules and triggers name the relation: they are read with its schema on the path, and run with staging before it.
  FOR statement IN
    SELECT "${schema}".wip_view_evaluate(format('pg_get_indexdef(%s, 0, true)', i.indexrelid), live_schema)
    FROM pg_index AS i
    WHERE i.indrelid = relation
    UNION ALL
    SELECT "${schema}".wip_view_ddl('pg_rewrite'::regclass, r.oid, live_schema)
    FROM pg_rewrite AS r
    WHERE r.ev_class = relation AND r.rulename <> '_RETURN'
    UNION ALL
    SELECT "${schema}".wip_view_evaluate(format('pg_get_triggerdef(%s, true)', t.oid), live_schema)
    FROM pg_trigger AS t
    WHERE t.tgrelid = relation AND NOT t.tgisinternal
  LOOP
    PERFORM "${schema}".wip_view_execute(statement, format('%I, %s', 'wip_staging_${schema}', live_schema));
  END LOOP;
  FOR statement IN SELECT t.* FROM "${schema}".wip_view_storage_ddl(relation, successor) AS t LOOP
    EXECUTE statement;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_complete_successor(oid, oid) IS
  'Gives a successor the owner, indexes, rules, triggers and tablespaces of the relation whose place it takes.';
