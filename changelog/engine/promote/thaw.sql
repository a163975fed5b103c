-- How a frozen view comes back: wip_view_thaw() promotes the definition that is registered.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_thawable(views text[] DEFAULT NULL)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT f.view_name
  FROM "${schema}".wip_view_frozen AS f
  WHERE views IS NULL
    OR f.view_name = ANY (views)
    OR f.view_name IN (SELECT "${schema}".wip_view_supporting_sources(v.view_name) FROM unnest(views) AS v (view_name))
  -- ordinary views first; then what was frozen last, which nothing reads that was frozen before
  ORDER BY f.frozen_at DESC NULLS FIRST, f.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_thawable(text[]) IS
  'What wip_view_thaw() is to be called for, in this order and each in a transaction of its own, to thaw these views (null for all).';

-- In a deploy a frozen view stays frozen. Its file has built the new one beside it, whose definition and attributes are
-- registered for the thaw.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_defer(refresh_order integer, freshness_target interval, version text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  frozen record;
  bare regclass;
  said text[];
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  SELECT * INTO frozen FROM "${schema}".wip_view_frozen AS f WHERE f.view_name = plan.view_name;
  PERFORM "${schema}".wip_view_check_built();
  PERFORM "${schema}".wip_view_check_side_effects();
  EXECUTE "${schema}".wip_view_bare_ddl(plan.built, format('%I.wip_view_bare', 'wip_staging_${schema}'));
  bare := to_regclass(format('%I.wip_view_bare', 'wip_staging_${schema}'));
  said := ARRAY(
    SELECT "${schema}".wip_view_relation_ddl(plan.built, bare)
    UNION ALL
    SELECT "${schema}".wip_view_column_ddl(plan.built, bare)
    UNION ALL
    SELECT "${schema}".wip_view_comment_ddl(plan.built, bare));
  PERFORM "${schema}".wip_view_register(refresh_order, freshness_target, version);
  UPDATE "${schema}".wip_view AS v
  SET frozen_at = frozen.frozen_at,
      frozen_attributes = said
  WHERE v.view_name = plan.view_name;
  EXECUTE format('DROP MATERIALIZED VIEW %s', bare);
  PERFORM "${schema}".wip_view_clear_staging();
  RAISE WARNING '% is frozen: it keeps its rows, and gets the definition that was deployed when it is thawed', plan.view_name
    USING HINT = "${schema}".wip_view_command('thaw', plan.view_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_defer(integer, interval, text) IS
  'Registers the definition that was built for a frozen view, without touching the view.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_begin_thaw(view_name text)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF (SELECT s.supporting_views ? view_name FROM "${schema}".wip_view_settings AS s) THEN
    PERFORM "${schema}".wip_view_thaw_supporting(view_name);
    RETURN false;
  END IF;
  PERFORM "${schema}".wip_view_check_registered(view_name);
  IF NOT "${schema}".wip_view_is_frozen(view_name) THEN
    RAISE NOTICE '% is not frozen', view_name;
    RETURN false;
  END IF;
  PERFORM "${schema}".wip_view_thaw_supporting(f.view_name)
  FROM "${schema}".wip_view_frozen AS f
  WHERE f.view_name IN (SELECT "${schema}".wip_view_supporting_sources(wip_view_begin_thaw.view_name));
  PERFORM set_config('wip_views.thaw', 'true', true);
  RETURN true;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_begin_thaw(text) IS
  'Thaws what a frozen view reads, and lets a promotion replace it: true; false where there is nothing left to do.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_thaw(view_name text, failed_sqlstate text, failed_error text)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  changes CONSTANT text := "${schema}".wip_view_describe_changes(view_name);
BEGIN
  -- only where the query does not suit the tables: a lock, a right or a dependant is another matter
  IF changes IS NOT NULL AND failed_sqlstate ~ '^(0A|22|42)' AND failed_sqlstate <> '42501' THEN
    RAISE EXCEPTION 'cannot thaw %: %; since it was deployed, %', view_name, failed_error, changes
      USING ERRCODE = failed_sqlstate,
            HINT = 'The frozen view still serves its readers. Change its file to suit the tables, deploy it, then thaw the view.';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_thaw(text, text, text) IS
  'Stops where a view cannot be thawed because its columns were renamed, retyped or dropped meanwhile, and names them.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_thaw(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  failed_sqlstate pg_catalog.text;
  failed_error pg_catalog.text;
BEGIN
  IF "${schema}".wip_view_begin_thaw(view_name) THEN
    PERFORM "${schema}".wip_view_recreate(view_name);
    PERFORM pg_catalog.set_config('wip_views.thaw', '', true);
    RAISE NOTICE '% is thawed', view_name;
  END IF;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS failed_sqlstate = RETURNED_SQLSTATE, failed_error = MESSAGE_TEXT;
  PERFORM "${schema}".wip_view_check_thaw(view_name, failed_sqlstate, failed_error);
  RAISE;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_thaw(text) IS
  'Ends wip_view_freeze(): promotes the definition that was deployed last, with new rows. Readers wait for milliseconds. Where the tables no longer suit it, it stops and names the columns, and the frozen view still serves its readers. An ordinary view that the view reads is thawed before it, and its readers then wait until the view is built: thaw that one by itself first, as wip_view_thawable() lists it.';
