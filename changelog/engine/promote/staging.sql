-- The staging schema, in which a view is built beside the live one.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_drop_unused(
  schema_name name, name_pattern text DEFAULT '^(?!retired_[0-9]+$)')
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  unused text;
BEGIN
  -- by index; it is empty nearly always
  WHILE EXISTS (
    SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = to_regnamespace(quote_ident(schema_name)))
  LOOP
    SELECT 'DROP ' || o.described
    INTO unused
    FROM (
      SELECT c.oid, c.relname, c.relowner, "${schema}".wip_view_ddl_name(c.oid), ARRAY[c.oid, c.reltype, t.typarray]
      FROM pg_class AS c
      JOIN pg_type AS t ON t.oid = c.reltype
      WHERE c.relnamespace = to_regnamespace(quote_ident(schema_name))
        -- of tables only copies: another one is not ours
        AND (c.relkind IN ('v', 'm') OR c.relkind = 'r' AND starts_with(c.relname, 'wip_view_copy_'))
      UNION ALL
      SELECT p.oid, p.proname, p.proowner, format('ROUTINE %s', p.oid::regprocedure), ARRAY[p.oid]
      FROM pg_proc AS p
      WHERE p.pronamespace = to_regnamespace(quote_ident(schema_name)) AND p.prokind IN ('f', 'p')
    ) AS o (oid, name, owner, described, referenced)
    WHERE o.name ~ name_pattern
      AND pg_has_role(o.owner, 'USAGE')
      AND NOT EXISTS (
        SELECT
        FROM pg_depend AS d
        LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        WHERE d.refclassid IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass)
          AND d.refobjid = ANY (o.referenced) AND d.deptype = 'n' AND coalesce(r.ev_class, d.objid) <> o.oid
      )
    ORDER BY o.oid DESC
    LIMIT 1;
    EXIT WHEN NOT FOUND;
    EXECUTE unused;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_drop_unused(name, text) IS
  'Drops the views, copies and routines of a schema whose names match, and on which nothing else depends; by default all but what was retired.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_make_staging(schema_name name)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  strangers text;
BEGIN
  -- The comment marks it. A schema that was made beforehand, for a role that may not create schemas, has none and stays.
  IF to_regnamespace(quote_ident(schema_name)) IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', schema_name);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', schema_name, 'Made by wip-views while it builds a view');
  END IF;

  -- A role that may create objects there could put a relation or a function in the place of one that a view means.
  SELECT string_agg(DISTINCT coalesce(r.rolname::text, 'PUBLIC'), ', ')
  INTO strangers
  FROM pg_namespace AS n
  CROSS JOIN LATERAL (
    SELECT n.nspowner
    UNION
    SELECT e.grantee FROM aclexplode(n.nspacl) AS e WHERE e.privilege_type = 'CREATE'
  ) AS maker (oid)
  LEFT JOIN pg_roles AS r ON r.oid = maker.oid
  WHERE n.nspname = schema_name
    AND r.rolsuper IS NOT TRUE
    AND r.rolname IS DISTINCT FROM current_user
    AND maker.oid <> (SELECT d.datdba FROM pg_database AS d WHERE d.datname = current_database());
  IF strangers IS NOT NULL THEN
    RAISE EXCEPTION 'others may create in the schema %, where views are built: %', schema_name, strangers
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('Drop it, or ALTER SCHEMA %I OWNER TO %I, and REVOKE CREATE on it from others.', schema_name, current_user);
  END IF;

  -- what a script left that was run statement by statement and died
  PERFORM "${schema}".wip_view_drop_unused(schema_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_make_staging(name) IS
  'Creates a schema in which no other role may create objects, or removes what an earlier build left there.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_drop_staging(schema_name name)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF obj_description(to_regnamespace(quote_ident(schema_name)), 'pg_namespace') = 'Made by wip-views while it builds a view' THEN
    EXECUTE format('DROP SCHEMA %I', schema_name);
  END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
  -- the retired ones: wip_view_drop_retired()
  RETURN;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_drop_staging(name) IS
  'Drops a schema that wip_view_make_staging() made, if it is empty; one that was there before stays.';

-- The transaction must not end between stage and promote: a COMMIT in the view's file, or a script that is run statement by
-- statement, would leave a filled copy in the staging schema.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_refuse_commit()
  RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  staged text;
BEGIN
  SELECT s.view_name INTO staged FROM pg_temp.wip_staged AS s WHERE s.planned;
  IF FOUND THEN
    RAISE EXCEPTION 'COMMIT after % was planned: a plan is rolled back', staged
      USING ERRCODE = 'invalid_transaction_termination', HINT = 'End it with ROLLBACK. To deploy, call wip_view_promote() where wip_view_plan() was called.';
  END IF;
  SELECT s.view_name INTO staged FROM pg_temp.wip_staged AS s;
  IF FOUND THEN
    RAISE EXCEPTION 'COMMIT before % was promoted: its file must not end the transaction', staged
      USING ERRCODE = 'invalid_transaction_termination',
            HINT = 'Take BEGIN, COMMIT and END out of the file. By hand: BEGIN, wip_view_stage(), the file, wip_view_promote(), COMMIT.';
  END IF;
  RETURN NULL;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_refuse_commit() IS
  'Prevents a COMMIT between wip_view_stage() and wip_view_promote(), or after wip_view_plan().';

-- Nothing is looked up by name before the path is ours: that of the deploying role may have a schema where others create
-- objects. There is no SET clause, with which the path would end.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_enter_staging()
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_catalog.set_config('wip_views.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
  PERFORM "${schema}".wip_view_pin_settings();
  PERFORM "${schema}".wip_view_make_staging('wip_staging_${schema}');
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_enter_staging() IS
  'Notes the search_path, then sets a safe one, pins the settings and makes the staging schema.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_leave_staging()
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  -- not LOCAL: it outlives the SET clause of the function that calls this
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('wip_views.search_path'), false);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_leave_staging() IS
  'Restores the search_path that wip_view_enter_staging() noted.';
