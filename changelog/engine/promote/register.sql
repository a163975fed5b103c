-- The registry of views: what a promotion notes in it.

-- Made by an earlier version, without the view's version.
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
