-- Making a view, the first time and ever after.
--
--   wip_view_stage(view)        puts the staging schema in front, so that the view's file builds it there
--   (the view's file runs)      CREATE MATERIALIZED VIEW, its indexes, its comments, unqualified names
--   wip_view_promote(view, …)   puts it in the live one's place, with all that hangs on it, and registers it
--
-- In one transaction, as Liquibase runs a changeset, nothing of this is seen before it is all there, and a deploy that
-- dies leaves nothing behind. Readers go on reading the live view; they wait for the swap alone, which only changes
-- the catalog.

SELECT "${schema}".wip_view_note();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_make_staging(schema_name name)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  strangers text;
  left_over text;
BEGIN
  -- The comment tells it from one that was made beforehand, for a role that may not create schemas: that one stays.
  IF to_regnamespace(quote_ident(schema_name)) IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', schema_name);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', schema_name, 'Made by wip-views while it builds a view');
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
  WHERE n.nspname = schema_name
    AND r.rolsuper IS NOT TRUE
    AND r.rolname IS DISTINCT FROM current_user
    AND maker.oid <> (SELECT d.datdba FROM pg_database AS d WHERE d.datname = current_database());
  IF strangers IS NOT NULL THEN
    RAISE EXCEPTION 'others may create in the schema %, where views are built: %', schema_name, strangers
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('Drop it, or ALTER SCHEMA %I OWNER TO %I, and REVOKE CREATE on it from others.', schema_name, current_user);
  END IF;

  -- left by a script that was run statement by statement and died; what was made last first
  FOR left_over IN
    SELECT format('DROP %s %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, c.oid::regclass)
    FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace(quote_ident(schema_name)) AND c.relkind IN ('v', 'm')
    ORDER BY c.oid DESC
  LOOP
    EXECUTE left_over;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_make_staging(name) IS
  'Makes a schema in which nobody else may create, or empties it of what an earlier build left there.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_drop_staging(schema_name name)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF obj_description(to_regnamespace(quote_ident(schema_name)), 'pg_namespace') = 'Made by wip-views while it builds a view' THEN
    EXECUTE format('DROP SCHEMA %I', schema_name);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_drop_staging(name) IS
  'Drops a schema that wip_view_make_staging() made; one that was there before stays.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  -- Nothing is looked up by a name before the path is ours: the one who deploys may have a schema on it where others create.
  PERFORM pg_catalog.set_config('wip_views.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);

  PERFORM "${schema}".wip_view_make_staging('wip_staging_${schema}');
  -- in a form that means the same under every DateStyle and time zone
  PERFORM set_config('wip_views.staged_at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), false);
  PERFORM set_config('search_path', '"wip_staging_${schema}", "${schema}", pg_temp', false);
  RAISE NOTICE '%: building', view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage(text) IS
  'Puts the staging schema in front of the search_path, so that the view''s file, run next, builds the view there. wip_view_promote() puts the path back.';

SELECT "${schema}".wip_view_own();
