-- Stages a view, the first time and at each change.
--
--   wip_view_stage(view)        puts the staging schema in front, so that the view's file builds it there
--   (the view's file runs)      CREATE MATERIALIZED VIEW, its indexes, its comments, unqualified names
--   wip_view_promote(view, ...)   puts it in the live one's place, with all that hangs on it, and registers it
--
-- All of it is one transaction, Liquibase's changeset: nothing is visible before it is complete, and a deploy that dies leaves
-- nothing behind. Readers continue to read the live view; they wait only for the swap, which changes nothing but the catalog.

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

CREATE OR REPLACE FUNCTION "${schema}".wip_view_begin_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regclass('pg_temp.wip_staged') IS NULL THEN
    CREATE TEMPORARY TABLE wip_staged (view_name text NOT NULL, planned boolean NOT NULL DEFAULT false) ON COMMIT DROP;
    CREATE CONSTRAINT TRIGGER refuse_commit AFTER INSERT ON pg_temp.wip_staged
      DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION "${schema}".wip_view_refuse_commit();
    ALTER TABLE pg_temp.wip_staged ENABLE ALWAYS TRIGGER refuse_commit;
  END IF;
  DELETE FROM pg_temp.wip_staged AS s WHERE NOT s.planned;
  INSERT INTO pg_temp.wip_staged (view_name) VALUES (view_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_begin_stage(text) IS
  'Notes which view is being built, and prevents a COMMIT before it is promoted.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_end_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regclass('pg_temp.wip_staged') IS NOT NULL THEN
    DELETE FROM pg_temp.wip_staged AS s WHERE s.view_name = wip_view_end_stage.view_name AND NOT s.planned;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  RAISE EXCEPTION 'ROLLBACK before % was promoted, or no wip_view_stage() before its file', view_name
    USING ERRCODE = 'invalid_transaction_termination',
          HINT = 'Take ROLLBACK out of the file. By hand: BEGIN, wip_view_stage(), the file, wip_view_promote(), COMMIT.';
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_end_stage(text) IS
  'Allows the transaction to commit again; stops if it is not the one in which the view was staged.';

-- Two changelogs with a view of one name would replace each other's definition with every deploy.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_claim(view_name text, changelog text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  kept_by text;
BEGIN
  SELECT v.changelog INTO kept_by FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_claim.view_name;
  IF kept_by <> changelog THEN
    RAISE EXCEPTION '% is a view of %; % cannot keep one of this name too', view_name, kept_by, changelog
      USING ERRCODE = 'duplicate_object',
            HINT = format('Give one of the two another name. If it is the same view, whose changelog has another name now: UPDATE %I.wip_view SET changelog = %L WHERE view_name = %L;',
                          '${schema}', changelog, view_name);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_claim(text, text) IS
  'Stops if the view belongs to another changelog.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_claim_promoted(changelog text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- the transaction, then its views
  promoted CONSTANT text[] := current_setting('wip_views.promoted')::text[];
  promoted_view text;
BEGIN
  PERFORM set_config('wip_views.promoted', '', false);
  FOREACH promoted_view IN ARRAY promoted[2:] LOOP
    PERFORM "${schema}".wip_view_claim(promoted_view, changelog);
    UPDATE "${schema}".wip_view AS v
    SET changelog = wip_view_claim_promoted.changelog
    WHERE v.view_name = promoted_view AND v.changelog IS NULL;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_claim_promoted(text) IS
  'Notes the changelog of the views that this session has promoted since, whose entries do not name it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_owner(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  owner text;
BEGIN
  SELECT c.relowner::regrole INTO owner
  FROM pg_class AS c
  WHERE c.oid = to_regclass(format('%I.%I', '${schema}', view_name)) AND NOT pg_has_role(c.relowner, 'USAGE');
  IF FOUND THEN
    RAISE EXCEPTION '% is there already, and belongs to role %', format('%I.%I', '${schema}', view_name), owner
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('Give the view another name, or deploy as that role, or GRANT %s TO %I.', owner, current_user);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_owner(text) IS
  'Stops if the object of the view''s name belongs to a role of which the caller is not a member.';

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

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage(view_name text, changelog text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_enter_staging();
  PERFORM "${schema}".wip_view_claim(view_name, changelog);
  PERFORM "${schema}".wip_view_check_owner(view_name);
  PERFORM set_config('wip_views.changelog', changelog, true);
  PERFORM "${schema}".wip_view_begin_stage(view_name);
  PERFORM "${schema}".wip_view_make_decoy(view_name);
  PERFORM "${schema}".wip_view_snapshot_catalog();
  -- in a form that means the same under every DateStyle and time zone
  PERFORM set_config('wip_views.staged_at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), false);
  PERFORM set_config('search_path', concat(
    '"wip_staging_${schema}", "wip_decoy_${schema}", ',
    -- the views that were planned before it
    CASE WHEN "${schema}".wip_view_has_planned_schema() THEN '"wip_planned_${schema}", ' END,
    '"${schema}", pg_temp'), false);
  RAISE NOTICE '%: building', view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage(text, text) IS
  'Stops if the view belongs to another changelog than the one given, unless that is null. Puts the staging schema in front of the search_path, so that the view''s file, run next, builds the view there. wip_view_promote() restores the path.';

-- A function, not a default: an earlier version, which has only this one, can be deployed again beside the other.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_stage(view_name, NULL::pg_catalog.text);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage(text) IS
  'wip_view_stage(view_name, NULL): Liquibase''s log then tells which changelog the view belongs to.';
