-- A view that is gone, dropped by hand or with a table, gets back what its file does not say: its owner, grants,
-- comments, settings, and indexes that somebody made. The registry keeps the statements. A promotion of such a view
-- begins with a stand-in, an empty view of the same columns to which they are applied, and then continues as usual: the
-- attributes of the live view are kept, and the file comes first.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_bare_ddl(relation oid, bare_name text)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format(
    'CREATE MATERIALIZED VIEW %s AS SELECT %s WITH NO DATA',
    bare_name,
    string_agg(
      format('NULL::%s%s AS %I', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation END, a.attname),
      ', ' ORDER BY a.attnum))
  FROM pg_attribute AS a
  JOIN pg_type AS t ON t.oid = a.atttypid
  WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_bare_ddl(oid, text) IS
  'The statement that makes an empty materialized view with the columns of a relation, and nothing else of it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_index_statements(relation oid, target text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_index_on(pg_get_indexdef(i.indexrelid), c.oid::regclass::text, target)
  FROM pg_class AS c
  JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisvalid
  WHERE c.oid = relation
  ORDER BY i.indexrelid;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_index_statements(oid, text) IS
  'The statements that make the indexes of a view on another one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_attributes(relation oid, bare oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT i.* FROM "${schema}".wip_view_index_statements(relation, relation::regclass::text) AS i
  UNION ALL
  SELECT format('ALTER MATERIALIZED VIEW %s SET ACCESS METHOD %I', relation::regclass, m.amname)
  FROM pg_class AS c
  JOIN pg_am AS m ON m.oid = c.relam AND m.amname <> current_setting('default_table_access_method')
  WHERE c.oid = relation
  UNION ALL
  SELECT format('ALTER %s %s SET TABLESPACE %I', CASE c.relkind WHEN 'i' THEN 'INDEX' ELSE 'MATERIALIZED VIEW' END, c.oid::regclass, t.spcname)
  FROM pg_class AS c
  JOIN pg_tablespace AS t ON t.oid = c.reltablespace
  WHERE c.oid = relation OR c.oid IN (SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid = relation)
  UNION ALL
  SELECT format('ALTER TABLE %s OWNER TO %s', relation::regclass, c.relowner::regrole) FROM pg_class AS c WHERE c.oid = relation
  UNION ALL
  SELECT a.* FROM "${schema}".wip_view_attribute_ddl(relation, bare) AS a;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_attributes(oid, oid) IS
  'The statements that give a bare view all that a view has beside its query.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_make_bare(relation oid, scratch name)
  RETURNS oid
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  bare_name CONSTANT text := format('%I.%I', scratch, (SELECT c.relname FROM pg_class AS c WHERE c.oid = relation));
  statement text;
BEGIN
  PERFORM "${schema}".wip_view_make_staging(scratch);
  FOR statement IN
    SELECT "${schema}".wip_view_bare_ddl(relation, bare_name)
    UNION ALL
    SELECT i.* FROM "${schema}".wip_view_index_statements(relation, bare_name) AS i
  LOOP
    EXECUTE statement;
  END LOOP;
  RETURN to_regclass(bare_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_make_bare(oid, name) IS
  'Makes an empty view with the columns and indexes of another one, which shows what PostgreSQL sets by default: the difference was given to that one. scratch: a schema for it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_known_attributes(relation oid, scratch name)
  RETURNS text[]
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  bare oid;
  known text[];
BEGIN
  -- a statement of its own: the next one does not see what is made while it runs
  bare := "${schema}".wip_view_make_bare(relation, scratch);
  known := ARRAY(SELECT a.* FROM "${schema}".wip_view_attributes(relation, bare) AS a);
  -- undone, with all that was made for it
  RAISE EXCEPTION SQLSTATE 'WV003';
EXCEPTION WHEN SQLSTATE 'WV003' THEN
  RETURN known;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_known_attributes(oid, name) IS
  'The statements that give a bare view all that a view has beside its query. scratch: a schema where such a bare one is made, and undone.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_record_attributes(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  live CONSTANT oid := to_regclass(format('%I.%I', '${schema}', view_name));
  known text[];
BEGIN
  IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = live AND c.relkind = 'm') THEN
    RETURN;
  END IF;
  -- a name that is too long is truncated
  known := "${schema}".wip_view_known_attributes(live, 'wip_staging_${schema}'::name);
  -- a running refresh holds the row: the next deploy records it
  UPDATE "${schema}".wip_view AS v
  SET attributes = known
  FROM (
    SELECT w.view_name
    FROM "${schema}".wip_view AS w
    WHERE w.view_name = wip_view_record_attributes.view_name AND w.attributes IS DISTINCT FROM known
    FOR UPDATE SKIP LOCKED
  ) AS free
  WHERE v.view_name = free.view_name;
EXCEPTION WHEN insufficient_privilege THEN
  -- a view of others: the role that deploys that one may
  RETURN;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_record_attributes(text) IS
  'Puts on record what a registered view has beside its query: its owner, indexes, comments, settings and grants, in wip_view.attributes.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_apply_attributes(view_name text, attributes text[])
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  deployer CONSTANT text := current_setting('role');
  statement text;
BEGIN
  FOREACH statement IN ARRAY attributes LOOP
    BEGIN
      EXECUTE statement;
    EXCEPTION WHEN OTHERS THEN
      -- a role, a column or a tablespace may be gone as well
      RAISE WARNING '%: lost: % (%)', view_name, statement, SQLERRM;
    END;
    -- a grant is given by the role that gave it, and the way back was another's
    PERFORM set_config('role', deployer, true);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_apply_attributes(text, text[]) IS
  'Runs the statements that give a view the attributes in the registry. A warning names those that fail.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stand_in()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  gone record;
BEGIN
  SELECT p.view_name, p.live_name, p.built, v.attributes
  INTO gone
  FROM pg_temp.wip_plan AS p
  JOIN "${schema}".wip_view AS v ON v.view_name = p.view_name
  WHERE p.live IS NULL AND v.attributes IS NOT NULL;
  IF NOT FOUND THEN
    RETURN;
  END IF;

  EXECUTE "${schema}".wip_view_bare_ddl(gone.built, gone.live_name);
  PERFORM "${schema}".wip_view_apply_attributes(gone.view_name, gone.attributes);
  UPDATE pg_temp.wip_plan AS p SET live = to_regclass(p.live_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stand_in() IS
  'Where the live view is gone: makes an empty one in its place, with all that the registry knows of the old one, for the promotion to keep. A warning names what cannot be restored.';
