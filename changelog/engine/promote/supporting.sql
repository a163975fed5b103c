-- Ordinary views that registered views read and that come with a changelog: replaced in place while their columns stay, so
-- that their dependants are not touched.
--
--   wip_view_stage_supporting(view)     puts the staging schema in front, so that the view's file makes it there
--   (the view's file runs)              CREATE OR REPLACE VIEW, its comments, unqualified names
--   wip_view_promote_supporting(view)   puts it in the live one's place and registers it

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage_supporting(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_enter_staging();
  PERFORM set_config('search_path', '"wip_staging_${schema}", "${schema}", pg_temp', false);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage_supporting(text) IS
  'Puts the staging schema in front of the search_path, so that the file of an ordinary view, run next, makes it there. wip_view_promote_supporting() restores the path.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_replace_supporting(built oid, live oid)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  live_name CONSTANT text := format('%s.%I', '"${schema}"'::regnamespace, (SELECT c.relname FROM pg_class AS c WHERE c.oid = built));
  attributes text[];
  comments CONSTANT text[] := ARRAY(
    SELECT format('COMMENT ON %s %s IS %L', CASE d.objsubid WHEN 0 THEN 'VIEW' ELSE 'COLUMN' END,
                  live_name || coalesce('.' || quote_ident(a.attname), ''), d.description)
    FROM pg_description AS d
    LEFT JOIN pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
    WHERE d.classoid = 'pg_class'::regclass AND d.objoid = built);
  owner oid;
  dependants text;
  statement text;
BEGIN
  PERFORM "${schema}".wip_view_acquire_exclusive('replace ' || live_name, ARRAY[live]);
  IF live IS NULL OR "${schema}".wip_view_columns(built) = "${schema}".wip_view_columns(live) THEN
    EXECUTE format('CREATE OR REPLACE VIEW %s%s AS %s', live_name,
                   coalesce("${schema}".wip_view_with_clause(built), "${schema}".wip_view_with_clause(live)),
                   "${schema}".wip_view_ddl('pg_class'::regclass, built, 'pg_catalog, pg_temp'));
    EXECUTE format('DROP VIEW %s', built::regclass);
  ELSE
    owner := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = live);
    attributes := ARRAY(SELECT a.* FROM "${schema}".wip_view_attribute_ddl(live, built) AS a);
    BEGIN
      EXECUTE format('DROP VIEW %s', live::regclass);
    EXCEPTION WHEN dependent_objects_still_exist THEN
      GET STACKED DIAGNOSTICS dependants = PG_EXCEPTION_DETAIL;
      RAISE EXCEPTION 'cannot replace %, whose columns change: %', live_name, replace(dependants, E'\n', '; ')
        USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Drop these first, and create them again afterwards.';
    END;
    EXECUTE format('ALTER VIEW %s SET SCHEMA %I', built::regclass, '${schema}');
    EXECUTE format('ALTER VIEW %s OWNER TO %s', live_name, owner::regrole);
    FOREACH statement IN ARRAY attributes LOOP
      EXECUTE statement;
    END LOOP;
  END IF;
  FOREACH statement IN ARRAY comments LOOP
    EXECUTE statement;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_replace_supporting(oid, oid) IS
  'Puts an ordinary view that was made in the staging schema in the live one''s place: in place where its columns stay; otherwise it is dropped and created, with what it had, and stops where something depends on it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_promote_supporting(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  built CONSTANT oid := to_regclass(format('%I.%I', 'wip_staging_${schema}', view_name));
  frozen CONSTANT boolean := "${schema}".wip_view_is_frozen(view_name)
    AND current_setting('wip_views.thaw', true) IS DISTINCT FROM 'true';
BEGIN
  IF built IS NULL THEN
    RAISE EXCEPTION 'the file of % did not create it', view_name
      USING ERRCODE = 'undefined_table',
            HINT = format('Call wip_view_stage_supporting() first; the file then creates VIEW %I, without a schema.', view_name);
  END IF;
  IF current_setting('wip_views.plan', true) = 'on' THEN
    -- beside the live one, for the views that are planned after it
    PERFORM "${schema}".wip_view_keep_planned(built);
    PERFORM "${schema}".wip_view_leave_staging();
    RETURN;
  END IF;
  PERFORM "${schema}".wip_view_replace_supporting(built, to_regclass(format('%I.%I', '${schema}', view_name)));
  PERFORM "${schema}".wip_view_drop_staging('wip_staging_${schema}');
  PERFORM "${schema}".wip_view_register_supporting_view(view_name);
  IF frozen THEN
    -- what registered views will read of it is there, and the tables are free again
    PERFORM "${schema}".wip_view_freeze_supporting(view_name);
  END IF;
  PERFORM "${schema}".wip_view_drop_copies();
  PERFORM "${schema}".wip_view_leave_staging();
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_promote_supporting(text) IS
  'Puts an ordinary view that was made in the staging schema in the live one''s place, with its grants and comments, and registers it. One that is frozen is frozen again, over a new copy. In a plan, leaves it beside the live one for the views that are planned after it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_freeze_supporting(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation CONSTANT regclass := to_regclass(format('%I.%I', '${schema}', view_name));
  live_readers CONSTANT text := (
    SELECT string_agg(v.view_name, ', ' ORDER BY v.view_name)
    FROM "${schema}".wip_view_dependants(relation) AS d
    JOIN pg_class AS c ON c.oid = d.dependant AND c.relnamespace = '"${schema}"'::regnamespace
    JOIN "${schema}".wip_view AS v ON v.view_name = c.relname);
  copy regclass;
  filled text;
BEGIN
  IF "${schema}".wip_view_is_frozen(view_name) THEN
    RAISE NOTICE '% is frozen already', view_name;
    RETURN;
  ELSIF "${schema}".wip_view_is_invokers(relation) THEN
    -- the rights on a copy would be others: more rows than its readers may see, or none
    RAISE EXCEPTION 'cannot freeze %: it reads with the rights of its readers', view_name
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format('Migrate no column that it reads, or run ALTER VIEW %s RESET (security_invoker) first.', relation);
  ELSIF live_readers IS NOT NULL THEN
    RAISE EXCEPTION 'cannot freeze %: % would be refreshed from its copy', view_name, live_readers
      USING ERRCODE = 'object_in_use', HINT = 'Freeze these first.';
  END IF;

  copy := "${schema}".wip_view_make_copy(relation, view_name);
  -- A reader with an older snapshot sees the rows that a REFRESH writes, but none of a new table.
  filled := format('%I.%I', '${schema}', 'wip_view_copy_' || copy::oid);
  EXECUTE format('CREATE MATERIALIZED VIEW %s AS SELECT * FROM %s WITH NO DATA', filled, copy);
  PERFORM "${schema}".wip_view_revoke_from_others(ARRAY[to_regclass(filled)::oid]);
  EXECUTE format('REFRESH MATERIALIZED VIEW %s', filled);
  EXECUTE format('GRANT SELECT ON %s TO %s', filled, (SELECT c.relowner::regrole FROM pg_class AS c WHERE c.oid = relation));

  PERFORM "${schema}".wip_view_acquire_exclusive('freeze ' || view_name, ARRAY[relation::oid]);
  EXECUTE format('CREATE OR REPLACE VIEW %s%s AS SELECT * FROM %s', relation, "${schema}".wip_view_with_clause(relation), filled);
  RAISE NOTICE '% is frozen', view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_freeze_supporting(text) IS
  'Replaces an ordinary view that registered views read by one over a copy of its rows, once all these registered views are frozen.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_thaw_supporting(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  definition CONSTANT text := (SELECT s.supporting_views ->> view_name FROM "${schema}".wip_view_settings AS s);
  live CONSTANT oid := to_regclass(format('%I.%I', '${schema}', view_name));
BEGIN
  IF NOT "${schema}".wip_view_is_frozen(view_name) THEN
    RAISE NOTICE '% is not frozen', view_name;
    RETURN;
  END IF;
  PERFORM "${schema}".wip_view_make_staging('wip_staging_${schema}');
  -- its first line is the version of the server that printed it
  EXECUTE format('CREATE VIEW %I.%I%s AS%s', 'wip_staging_${schema}', view_name, "${schema}".wip_view_with_clause(live),
                 substr(definition, strpos(definition, E'\n')));
  PERFORM "${schema}".wip_view_replace_supporting(to_regclass(format('%I.%I', 'wip_staging_${schema}', view_name)), live);
  PERFORM "${schema}".wip_view_drop_staging('wip_staging_${schema}');
  PERFORM "${schema}".wip_view_register_supporting_view(view_name);
  PERFORM "${schema}".wip_view_drop_copies();
  RAISE NOTICE '% is thawed', view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_thaw_supporting(text) IS
  'Gives a frozen ordinary view back the query with which it was deployed.';
