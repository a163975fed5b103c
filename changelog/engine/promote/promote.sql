-- A promotion from its first statement to its last.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_clear_staging()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_drop_unused('wip_staging_${schema}');
  PERFORM "${schema}".wip_view_drop_staging('wip_staging_${schema}');
  PERFORM "${schema}".wip_view_drop_unused('wip_decoy_${schema}');
  PERFORM "${schema}".wip_view_drop_staging('wip_decoy_${schema}');
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_clear_staging() IS
  'Drops what is left of a build, except what was retired.';

-- Made by an earlier version, which returned nothing.
DROP FUNCTION IF EXISTS "${schema}".wip_view_put_in_place(text);

CREATE OR REPLACE FUNCTION "${schema}".wip_view_put_in_place(view_name text, OUT keeps_attributes boolean)
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  compared jsonb;
  report jsonb;
  line text;
BEGIN
  PERFORM "${schema}".wip_view_check_built();
  PERFORM "${schema}".wip_view_check_side_effects();
  PERFORM "${schema}".wip_view_stand_in();

  compared := "${schema}".wip_view_compare();
  PERFORM "${schema}".wip_view_plan_fates();
  PERFORM "${schema}".wip_view_check_plan();
  report := "${schema}".wip_view_report('replace', compared, NULL);
  FOR line IN SELECT l.* FROM "${schema}".wip_view_report_lines(report) AS l LOOP
    RAISE NOTICE '%', line;
  END LOOP;

  -- The new one gets what the old one has before the swap: afterwards readers would wait for it.
  IF EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_put_in_place.view_name) THEN
    PERFORM "${schema}".wip_view_grant_rights(view_name);
  END IF;

  -- as a refresh: in its turn
  PERFORM "${schema}".wip_view_stop_refreshes();
  PERFORM "${schema}".wip_view_fill();

  -- What the view keeps is put on record now; after the swap it would be readers who wait for this, too.
  UPDATE "${schema}".wip_view AS v
  SET attributes = p.live_has
  FROM pg_temp.wip_plan AS p
  WHERE v.view_name = p.view_name AND report -> 'lost' = '[]' AND p.built_has <@ p.live_has;
  keeps_attributes := FOUND;

  PERFORM "${schema}".wip_view_swap();
  PERFORM "${schema}".wip_view_clear_staging();
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_put_in_place(text) IS
  'Puts the view that was built in the staging schema in the live one''s place: what a promotion and a freeze share. keeps_attributes: it has what the live one had beside its query, no less and no more, and that is on record.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_note_promoted(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- the transaction, then its views
  promoted text[] := nullif(current_setting('wip_views.promoted', true), '')::text[];
BEGIN
  IF current_setting('wip_views.changelog', true) = '' THEN
    IF promoted[1] IS DISTINCT FROM pg_current_xact_id()::text THEN
      promoted := ARRAY[pg_current_xact_id()::text];
    END IF;
    PERFORM set_config('wip_views.promoted', (promoted || view_name)::text, false);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_note_promoted(text) IS
  'Notes that this transaction promoted a view whose entry names no changelog, for wip_view_claim_promoted().';

-- Made by an earlier version, without the view's version.
DROP FUNCTION IF EXISTS "${schema}".wip_view_promote(text, integer, interval);

CREATE OR REPLACE FUNCTION "${schema}".wip_view_promote(
  view_name text, refresh_order integer DEFAULT NULL, freshness_target interval DEFAULT NULL, version text DEFAULT NULL)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  was_registered CONSTANT boolean :=
    EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_promote.view_name);
  keeps_attributes boolean;
BEGIN
  IF current_setting('wip_views.plan', true) = 'on' THEN
    PERFORM "${schema}".wip_view_plan(view_name, refresh_order, freshness_target, version);
    RETURN;
  END IF;
  PERFORM "${schema}".wip_view_plan_begin(view_name);
  IF "${schema}".wip_view_is_older(view_name, version) THEN
    PERFORM "${schema}".wip_view_clear_staging();
  ELSIF "${schema}".wip_view_is_frozen(view_name) AND current_setting('wip_views.thaw', true) IS DISTINCT FROM 'true' THEN
    PERFORM "${schema}".wip_view_defer(refresh_order, freshness_target, version);
  ELSE
    keeps_attributes := "${schema}".wip_view_put_in_place(view_name);
    PERFORM "${schema}".wip_view_register(refresh_order, freshness_target, version);
    PERFORM "${schema}".wip_view_record_rebuilds();
    IF NOT was_registered THEN
      PERFORM "${schema}".wip_view_grant_rights(view_name);
    END IF;
    IF NOT keeps_attributes THEN
      PERFORM "${schema}".wip_view_record_attributes(view_name);
    END IF;
    PERFORM "${schema}".wip_view_drop_copies();
    PERFORM "${schema}".wip_view_note_promoted(view_name);
  END IF;
  PERFORM "${schema}".wip_view_leave_staging();
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_promote(text, integer, interval, text) IS
  'Puts the view that was built in the staging schema in the live one''s place, with the owner, grants, comments and settings of that one and with everything that depends on it, and registers it. Readers wait for milliseconds. Stops without a change where something cannot be kept, or where the live view is held for longer than the setting wip_views.promote_limit (60s). Leaves the live view as it is, with a warning, if that was deployed with a higher version, or with a version while this has none. A frozen view keeps its rows, and takes the new definition when it is thawed.';
