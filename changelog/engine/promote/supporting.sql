-- Ordinary views that registered views read, such as wip_item_station: replaced in place, so their columns stay.
--
--   wip_view_stage_supporting(view)     puts its schema in front, for the view's file
--   (the view's file runs)              CREATE OR REPLACE VIEW, its comments, unqualified names
--   wip_view_promote_supporting(view)   registers it

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage_supporting(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_catalog.set_config('wip_views.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
  IF current_setting('wip_views.plan', true) = 'on' THEN
    -- beside the live one, for the views that are planned after it
    PERFORM "${schema}".wip_view_make_staging('wip_staging_${schema}');
    PERFORM set_config('search_path', '"wip_staging_${schema}", "${schema}", pg_temp', false);
  ELSE
    PERFORM "${schema}".wip_view_acquire_exclusive('replace', view_name);
    PERFORM set_config('search_path', '"${schema}", pg_temp', false);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage_supporting(text) IS
  'Puts in front of the search_path the schema where the file of an ordinary view, run next, creates or replaces it. wip_view_promote_supporting() puts the path back.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_promote_supporting(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF current_setting('wip_views.plan', true) = 'on' THEN
    PERFORM "${schema}".wip_view_keep_planned(to_regclass(format('%I.%I', 'wip_staging_${schema}', view_name)));
  ELSE
    PERFORM "${schema}".wip_view_register_supporting_view(view_name);
  END IF;
  -- not LOCAL: it outlives the path of this function
  PERFORM set_config('search_path', current_setting('wip_views.search_path'), false);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_promote_supporting(text) IS
  'Registers an ordinary view that registered views read, and puts back the path that wip_view_stage_supporting() has set. In a plan, leaves it beside the live one for the views that are planned after it.';
