-- A promotion from its first statement to its last.

-- Made by an earlier version, without the view's version.
DROP FUNCTION IF EXISTS "${schema}".wip_view_promote(text, integer, interval);
DROP FUNCTION IF EXISTS "${schema}".wip_view_register(integer, interval);

CREATE OR REPLACE FUNCTION "${schema}".wip_view_replaced_definition(view_name text)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'view', v.view_name,
    'definition', v.definition,
    'attributes', v.attributes,
    'version', v.version,
    'replaced_at', clock_timestamp()))
  FROM "${schema}".wip_view AS v
  WHERE v.view_name = wip_view_replaced_definition.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_replaced_definition(text) IS
  'What wip_view.previous_definitions keeps of a registered view that is replaced now.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_register(refresh_order integer, freshness_target interval, version text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  INSERT INTO "${schema}".wip_view AS v (view_name, refresh_order, freshness_target, deployed_target, changelog, version, source_columns, definition)
  SELECT
    p.view_name,
    coalesce(wip_view_register.refresh_order, (SELECT max(w.refresh_order) FROM "${schema}".wip_view AS w) + 1, 1),
    coalesce(wip_view_register.freshness_target, interval '20 minutes'),
    wip_view_register.freshness_target,
    nullif(current_setting('wip_views.changelog', true), ''),
    wip_view_register.version,
    "${schema}".wip_view_source_columns(p.built),
    -- an index that somebody made was not deployed
    (SELECT string_agg(d.line, E'\n' ORDER BY d.number)
     FROM regexp_split_to_table(
       -- that of a frozen view stays where it was built
       replace("${schema}".wip_view_definition(p.built),
               format(' ON %I.%I USING ', 'wip_staging_${schema}', p.view_name), format(' ON %s USING ', p.live_name)),
       E'\n') WITH ORDINALITY AS d (line, number)
     WHERE d.line NOT IN (
       SELECT pg_get_indexdef(to_regclass(o.name)) FROM pg_temp.wip_plan_object AS o WHERE o.kind = 'index'))
  FROM pg_temp.wip_plan AS p
  ON CONFLICT ON CONSTRAINT wip_view_pkey DO UPDATE
  SET refresh_order = coalesce(wip_view_register.refresh_order, v.refresh_order),
      -- what an operator has set stays, until the changelog says something new
      freshness_target = CASE
        WHEN excluded.deployed_target IS NULL OR v.deployed_target = excluded.deployed_target THEN v.freshness_target
        ELSE excluded.freshness_target
      END,
      deployed_target = excluded.deployed_target,
      changelog = coalesce(excluded.changelog, v.changelog),
      version = excluded.version,
      previous_definitions = CASE
        -- whichever version of the server has printed it
        WHEN substr(v.definition, strpos(v.definition, E'\n')) = substr(excluded.definition, strpos(excluded.definition, E'\n'))
        THEN v.previous_definitions
        ELSE jsonb_path_query_array(jsonb_build_array("${schema}".wip_view_replaced_definition(v.view_name)) || v.previous_definitions, '$[0 to 4]')
      END,
      -- a thaw brings back what was frozen
      undone_definition = CASE
        WHEN v.definition = excluded.definition AND current_setting('wip_views.thaw', true) = 'true' THEN v.undone_definition
      END,
      source_columns = excluded.source_columns,
      frozen_at = NULL,
      frozen_attributes = NULL,
      definition = excluded.definition;

  -- one that was called so before it was renamed
  UPDATE "${schema}".wip_view AS v
  SET former_names = array_remove(v.former_names, p.view_name)
  FROM pg_temp.wip_plan AS p
  WHERE p.view_name = ANY (v.former_names);

  -- The query of one that was rebuilt is printed in another way where a column has another type.
  UPDATE "${schema}".wip_view AS v
  SET definition = "${schema}".wip_view_definition(o.successor)
  FROM pg_temp.wip_plan_object AS o
  WHERE o.name = format('%I.%I', '${schema}', v.view_name) AND o.fate = 'rebuilt' AND o.definition = v.definition;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_register(integer, interval, text) IS
  'Registers the view that was promoted, and the new definitions of registered views that were rebuilt.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_record_rebuilds()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  rebuilt record;
  rebuild_id bigint;
  as_of timestamptz;
  rebuilt_as_of jsonb := '{}';
BEGIN
  FOR rebuilt IN
    SELECT v.view_name, o.*
    FROM "${schema}".wip_view AS v
    JOIN pg_temp.wip_plan_object AS o ON o.name = format('%I.%I', '${schema}', v.view_name)
    WHERE o.started_at IS NOT NULL
    ORDER BY o.position
  LOOP
    -- It was filled a while ago: what it read of others may have been refreshed since, but for those rebuilt before it.
    as_of := "${schema}".wip_view_rows_as_of(rebuilt.view_name, rebuilt.started_at, rebuilt.others_as_of || rebuilt_as_of);
    rebuilt_as_of := rebuilt_as_of || jsonb_build_object(rebuilt.view_name, as_of);

    PERFORM "${schema}".wip_view_advance_numbers();
    INSERT INTO "${schema}".wip_view_refresh AS r
      (view_name, outcome, mode, requested_at, started_at, finished_at, rows, bytes, rows_as_of)
    VALUES
      (rebuilt.view_name, 'refreshed', 'rebuild', rebuilt.started_at, rebuilt.started_at,
       greatest(clock_timestamp(), rebuilt.started_at), rebuilt.rows, pg_total_relation_size(rebuilt.successor), as_of)
    RETURNING r.refresh_id INTO rebuild_id;

    PERFORM "${schema}".wip_view_count(rebuilt.view_name, rebuild_id);
    UPDATE "${schema}".wip_view AS v
    SET source_refresh_no = (
      SELECT jsonb_object_agg(shown.source, CASE WHEN o.started_at IS NULL THEN '0' ELSE shown.refresh_no END)
      FROM jsonb_each(v.source_refresh_no) AS shown (source, refresh_no)
      LEFT JOIN pg_temp.wip_plan_object AS o ON o.name = format('%I.%I', '${schema}', shown.source))
    WHERE v.view_name = rebuilt.view_name
      AND v.source_refresh_no <> '{}';
    PERFORM "${schema}".wip_view_notify(rebuilt.view_name, rebuild_id, rebuilt.rows, rebuilt.started_at);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_record_rebuilds() IS
  'Puts on record that a promotion refreshed the view, and each registered view that it rebuilt.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_version_numbers(version text)
  RETURNS numeric[]
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_to_array(regexp_replace(substring(version FROM '^[0-9]+(?:[.][0-9]+)*'), '([.]0+)+$', ''), '.')::numeric[];
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_version_numbers(text) IS
  'The numbers with which a version begins, for comparison: 2.10 is higher than 2.9, 2.1-SNAPSHOT is 2.1 and 2.1.0. Null if it begins with none.';

-- Of two services of different versions the older one may start last: a rolling deploy, an old instance that comes back.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_is_older(view_name text, version text)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  deployed "${schema}".wip_view;
BEGIN
  IF "${schema}".wip_view_version_numbers(version) IS NULL AND version IS NOT NULL THEN
    RAISE EXCEPTION 'version "%" of % does not begin with a number', version, view_name
      USING ERRCODE = 'invalid_parameter_value', HINT = 'It is compared by its numbers: 3, 2.1 or 2026.11.27.';
  END IF;

  SELECT * INTO deployed FROM "${schema}".wip_view AS v WHERE v.view_name = "${schema}".wip_view_current_name(wip_view_is_older.view_name);
  IF deployed.version IS NULL
    OR "${schema}".wip_view_version_numbers(version) >= "${schema}".wip_view_version_numbers(deployed.version)
  THEN
    RETURN false;
  ELSIF to_regclass(format('%I.%I', '${schema}', deployed.view_name)) IS NULL THEN
    RAISE EXCEPTION '% is missing; version % of it was deployed, and this is %', deployed.view_name, deployed.version, coalesce(version, 'without one')
      USING ERRCODE = 'undefined_table',
            HINT = 'Bring back what was deployed: ' || "${schema}".wip_view_command('recreate', deployed.view_name);
  END IF;
  RAISE WARNING '% stays as version % has deployed it; this one is %', deployed.view_name, deployed.version,
      coalesce('version ' || version, 'without a version')
    USING HINT = 'To go back to an earlier definition, deploy it with a higher version.';
  RETURN true;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_is_older(text, text) IS
  'Whether a view was deployed with a higher version than this one, and says so.';

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
