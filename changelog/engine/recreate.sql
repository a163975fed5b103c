-- Recreates a view from the registry, where its file is not at hand: from what the server printed when the view was deployed,
-- promoted as if its file had run.

SELECT "${schema}".wip_view_snapshot_objects();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_definition_ddl(view_name text, definition text, name_then text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ddl.statement
  FROM (
    SELECT format('%I.%I', '${schema}', name_then), format('%I.%I', 'wip_staging_${schema}', view_name)
  ) AS name (live, staged)
  CROSS JOIN LATERAL "${schema}".wip_view_query_lines(definition) AS query (lines)
  CROSS JOIN LATERAL (
    -- its first line is the version of the server that printed it
    SELECT 0, format('CREATE MATERIALIZED VIEW %s AS%s', name.staged, substr(query.lines, strpos(query.lines, E'\n')))
    UNION ALL
    SELECT index.place, "${schema}".wip_view_index_on(index.line, name.live, name.staged)
    FROM "${schema}".wip_view_index_lines(definition) WITH ORDINALITY AS index (line, place)
  ) AS ddl (place, statement)
  ORDER BY ddl.place;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_definition_ddl(text, text, text) IS
  'The statements that build a view in the staging schema from a result of wip_view_definition(), which has its name of that time: the view, then its indexes.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_registered_ddl(view_name text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT part.statement
  FROM "${schema}".wip_view AS v
  -- what was undone comes back, except in a thaw, which brings back what was frozen
  CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT "${schema}".wip_view_is_frozen(v.view_name) THEN v.undone_definition END
  ) AS undone (definition)
  CROSS JOIN LATERAL (
    SELECT 1, "${schema}".wip_view_definition_ddl(
      v.view_name, coalesce(undone.definition ->> 'definition', v.definition), coalesce(undone.definition ->> 'view', v.view_name))
    UNION ALL
    SELECT 2, unnest(v.frozen_attributes)
  ) AS part (number, statement)
  WHERE v.view_name = wip_view_registered_ddl.view_name
  ORDER BY part.number;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_registered_ddl(text) IS
  'The statements that build a registered view in the staging schema, as it was deployed last: the view, then its indexes; then what was deployed for it while it was frozen.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_recreate(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  -- no changelog promotes it
  promoted CONSTANT pg_catalog.text := coalesce(pg_catalog.current_setting('wip_views.promoted', true), '');
  registered record;
  statement pg_catalog.text;
BEGIN
  PERFORM "${schema}".wip_view_check_registered(view_name);
  SELECT v.refresh_order, coalesce(v.deployed_target, v.freshness_target) AS freshness_target, v.version
  INTO registered
  FROM "${schema}".wip_view AS v
  WHERE v.view_name OPERATOR(pg_catalog.=) wip_view_recreate.view_name;
  PERFORM "${schema}".wip_view_stage(view_name);
  FOR statement IN SELECT ddl.* FROM "${schema}".wip_view_registered_ddl(view_name) AS ddl LOOP
    EXECUTE statement;
  END LOOP;
  PERFORM "${schema}".wip_view_promote(view_name, registered.refresh_order, registered.freshness_target, registered.version);
  PERFORM pg_catalog.set_config('wip_views.promoted', promoted, false);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_recreate(text) IS
  'Recreates a registered view from the registry, beside the live one if there is one, and promotes it: for a view whose file is not at hand. One that is gone gets back what wip_view.attributes knows of it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_restore_column_attributes(view_name text, columns_before text[], attributes text[])
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_apply_attributes(view_name, array_agg(s.statement ORDER BY s.number))
  FROM unnest(attributes) WITH ORDINALITY AS s (statement, number)
  WHERE EXISTS (
    SELECT
    FROM pg_attribute AS a
    CROSS JOIN LATERAL quote_ident(a.attname) AS column_name
    WHERE a.attrelid = to_regclass(format('%I.%I', '${schema}', view_name))
      AND a.attnum > 0 AND a.attname::text <> ALL (columns_before)
      AND (starts_with(s.statement, format('COMMENT ON COLUMN %I.%I.%s IS ', '${schema}', view_name, column_name))
        OR starts_with(s.statement, format('ALTER MATERIALIZED VIEW %I.%I ALTER COLUMN %s ', '${schema}', view_name, column_name))
        OR s.statement ~ '^GRANT ' AND strpos(s.statement, format(' (%s) ON ', column_name)) > 0))
  HAVING count(*) > 0;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_restore_column_attributes(text, text[], text[]) IS
  'Gives columns that are back the comments, settings and grants that they had, of the attributes that the registry keeps of the earlier view.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_recreate_previous(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  -- no changelog promotes it
  promoted CONSTANT pg_catalog.text := coalesce(pg_catalog.current_setting('wip_views.promoted', true), '');
  registered "${schema}".wip_view;
  previous pg_catalog.jsonb;
  undone pg_catalog.jsonb;
  columns_before pg_catalog.text[];
  statement pg_catalog.text;
BEGIN
  PERFORM "${schema}".wip_view_stage(view_name);
  SELECT v.* INTO registered FROM "${schema}".wip_view AS v WHERE v.view_name OPERATOR(pg_catalog.=) wip_view_recreate_previous.view_name;
  IF "${schema}".wip_view_is_frozen(view_name) THEN
    RAISE EXCEPTION '% is frozen', view_name
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Thaw it first: ' OPERATOR(pg_catalog.||) "${schema}".wip_view_command('thaw', view_name);
  END IF;
  previous := registered.previous_definitions OPERATOR(pg_catalog.->) 0;
  IF previous IS NULL THEN
    RAISE EXCEPTION 'no earlier definition of % is on record', view_name
      USING ERRCODE = 'undefined_object',
            HINT = 'A promotion keeps a definition that it replaces by another one in "${schema}".wip_view.previous_definitions.';
  END IF;

  undone := "${schema}".wip_view_replaced_definition(view_name);
  columns_before := ARRAY(
    SELECT c.column_name
    FROM "${schema}".wip_view_column_changes(NULL, pg_catalog.to_regclass(pg_catalog.format('%I.%I', '${schema}', view_name))) AS c);
  FOR statement IN
    SELECT ddl.* FROM "${schema}".wip_view_definition_ddl(
      view_name, previous OPERATOR(pg_catalog.->>) 'definition', previous OPERATOR(pg_catalog.->>) 'view') AS ddl
  LOOP
    EXECUTE statement;
  END LOOP;
  -- the version that was deployed: an instance of the one that is brought back leaves the view alone
  PERFORM "${schema}".wip_view_promote(
    view_name, registered.refresh_order, coalesce(registered.deployed_target, registered.freshness_target), registered.version);
  PERFORM pg_catalog.set_config('wip_views.promoted', promoted, false);
  PERFORM "${schema}".wip_view_restore_column_attributes(
    view_name, columns_before, ARRAY(SELECT pg_catalog.jsonb_array_elements_text(previous OPERATOR(pg_catalog.->) 'attributes')));
  PERFORM "${schema}".wip_view_record_attributes(view_name);
  UPDATE "${schema}".wip_view AS v
  SET previous_definitions = registered.previous_definitions OPERATOR(pg_catalog.-) 0,
      undone_definition = coalesce(registered.undone_definition, undone)
  WHERE v.view_name OPERATOR(pg_catalog.=) wip_view_recreate_previous.view_name;
  RAISE NOTICE '% is an earlier definition now; the deployed one comes back by: %', view_name, "${schema}".wip_view_command('recreate', view_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_recreate_previous(text) IS
  'Undoes a promotion: brings back the definition that the last one replaced, with its rows as they would be now, as a promotion does: beside the live one, with dependants, grants and settings kept. Again, and it goes one further back, as far as wip_view.previous_definitions goes. A deploy leaves it so until the view''s file changes, and says so; wip_view_recreate() brings back what was deployed.';

SELECT "${schema}".wip_view_revoke_default_privileges();
