-- Making a view, the first time and ever after.
--
--   wip_view_stage(view)        puts the staging schema in front, so that the view's file builds it there
--   (the view's file runs)      CREATE MATERIALIZED VIEW, its indexes, its comments, unqualified names
--   wip_view_promote(view, …)   puts it in the live one's place, and registers it
--
-- In one transaction, as Liquibase runs a changeset, nothing of this is seen before it is all there, and a deploy that
-- dies leaves nothing behind. Readers wait for the swap alone.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  staging CONSTANT name := 'wip_staging_${schema}';
BEGIN
  IF to_regnamespace(quote_ident(staging)) IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', staging);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', staging, 'wip-views builds a view here before it takes the live one''s place.');
  END IF;

  -- left by a script that was run statement by statement and died
  EXECUTE format('DROP MATERIALIZED VIEW IF EXISTS %I.%I', staging, view_name);

  PERFORM set_config('wip_views.staged_no', nextval(pg_get_serial_sequence('"${schema}".wip_view_refresh', 'refresh_id'))::text, false);
  PERFORM set_config('wip_views.staged_at', clock_timestamp()::text, false);
  PERFORM set_config('wip_views.search_path', current_setting('search_path'), false);
  PERFORM set_config('search_path', format('%I, "${schema}"', staging), false);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage(text) IS
  'Puts the staging schema in front of the search_path, so that the view''s file, run next, builds the view there. wip_view_promote() puts the path back.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_promote(view_name text, refresh_order integer, freshness_target interval)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  staging CONSTANT name := 'wip_staging_${schema}';
  built CONSTANT oid := to_regclass(format('%I.%I', staging, view_name));
  live CONSTANT oid := to_regclass(format('%I.%I', '${schema}', view_name));
  request_id bigint;
  built_rows bigint;
BEGIN
  PERFORM set_config('search_path', current_setting('wip_views.search_path'), false);

  IF live IS NOT NULL THEN
    EXECUTE format('DROP MATERIALIZED VIEW %I.%I', '${schema}', view_name);
  END IF;
  EXECUTE format('ALTER MATERIALIZED VIEW %I.%I SET SCHEMA %I', staging, view_name, '${schema}');
  EXECUTE format('DROP SCHEMA %I', staging);
  EXECUTE format('SELECT count(*) FROM %I.%I', '${schema}', view_name) INTO built_rows;

  INSERT INTO "${schema}".wip_view_refresh AS r
    (view_name, outcome, mode, requested_at, started_at, finished_at, rows)
  VALUES
    (view_name, 'refreshed', 'rebuild', current_setting('wip_views.staged_at')::timestamptz,
     current_setting('wip_views.staged_at')::timestamptz, clock_timestamp(), built_rows)
  RETURNING r.refresh_id INTO request_id;

  INSERT INTO "${schema}".wip_view AS v
    (view_name, refresh_order, freshness_target, definition, last_refresh_id, last_started_no)
  VALUES
    (view_name, refresh_order, freshness_target, pg_get_viewdef(built), request_id,
     current_setting('wip_views.staged_no')::bigint)
  ON CONFLICT ON CONSTRAINT wip_view_pkey DO UPDATE
  SET refresh_order = excluded.refresh_order,
      freshness_target = excluded.freshness_target,
      definition = excluded.definition,
      last_refresh_id = excluded.last_refresh_id,
      last_started_no = excluded.last_started_no;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_promote(text, integer, interval) IS
  'Puts the view that was built in the staging schema in the live one''s place and registers it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_remove(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  EXECUTE format('DROP MATERIALIZED VIEW IF EXISTS %I.%I', '${schema}', view_name);
  DELETE FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_remove.view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_remove(text) IS
  'Drops a view and takes it off the registry; its history stays. Stops where something else depends on it.';

REVOKE ALL ON FUNCTION
  "${schema}".wip_view_stage(text),
  "${schema}".wip_view_promote(text, integer, interval),
  "${schema}".wip_view_remove(text)
FROM PUBLIC;
