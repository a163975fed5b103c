-- A promotion works off a plan, in temporary tables that last as long as its transaction:
--
--   wip_plan          one row: which view, the live one and the one that was built, the paths to read and to run
--                     definitions with
--   wip_plan_object   the view itself and everything that depends on it, in the order in which they depend on each
--                     other, each with its fate
--   wip_plan_body     functions whose bodies name it
--   wip_plan_step     the statements of the swap, by phase
--
-- Everything refers to a relation by its oid, and the new view has another. So an object's fate is one of
--
--   promoted    the view itself: the one that was built takes its place
--   replaced    a view whose columns stay, a rule, a policy, a function with a body of SQL: defined again in its place
--               (CREATE OR REPLACE, ALTER), so that its attributes and its dependants are not touched
--   rebuilt     a materialized view: gets a successor beside it, which takes its place; an index that somebody made on
--               the live view
--   recreated   a view whose columns change: gets a successor as well; a routine that takes or returns the view's row
--               type: is dropped and created
--   refused     anything else, or what does not fit the new view: stops the promotion, by name, before anything has
--               changed
--
-- Definitions are read with the live schemas on the search_path and run with the staging schema in front of them: a
-- name means the new relation where there is one. What a new definition really reads is then compared, by oid, with
-- what the old one read. Nothing uses CASCADE: what was overlooked stops the DROP of the old view, and with it all.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_begin(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_end_stage(view_name);
  IF to_regclass('pg_temp.wip_plan') IS NOT NULL THEN
    DROP TABLE pg_temp.wip_plan, pg_temp.wip_plan_object, pg_temp.wip_plan_body, pg_temp.wip_plan_step;
  END IF;

  CREATE TEMPORARY TABLE wip_plan (
    view_name text NOT NULL,
    live_name text NOT NULL,
    built oid,
    live oid,
    live_path text,
    build_path text,
    -- the statements that give them what they have beside their queries; null where that is not known
    live_has text[],
    built_has text[],
    -- it is not going to be promoted
    dry_run boolean NOT NULL DEFAULT false
  ) ON COMMIT DROP;

  CREATE TEMPORARY TABLE wip_plan_object (
    position integer GENERATED ALWAYS AS IDENTITY,
    class oid NOT NULL,
    object oid,
    kind text NOT NULL,
    name text NOT NULL,
    fate text NOT NULL,
    successor oid,
    -- the relation that the swap locks against readers
    locked oid,
    fingerprint text,
    definition text,
    problem text,
    -- how its successor was filled, and how old the rows of the registered views were then
    started_at timestamptz,
    others_as_of jsonb,
    rows bigint
  ) ON COMMIT DROP;

  CREATE TEMPORARY TABLE wip_plan_body (
    routine text NOT NULL,
    description text NOT NULL
  ) ON COMMIT DROP;

  CREATE TEMPORARY TABLE wip_plan_step (
    number integer GENERATED ALWAYS AS IDENTITY,
    phase text NOT NULL,
    path text NOT NULL,
    statement text NOT NULL
  ) ON COMMIT DROP;

  INSERT INTO pg_temp.wip_plan (view_name, live_name, built, live)
  VALUES (
    view_name,
    format('%I.%I', '${schema}', view_name),
    to_regclass(format('%I.%I', 'wip_staging_${schema}', view_name)),
    to_regclass(format('%I.%I', '${schema}', view_name)));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_begin(text) IS
  'Creates the temporary tables of a promotion''s plan.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_step(phase text, statement text, path text DEFAULT 'pg_catalog, pg_temp')
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  INSERT INTO pg_temp.wip_plan_step (phase, statement, path) VALUES (phase, statement, path);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_step(text, text, text) IS
  'Adds a statement to a phase of the swap.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_describe(class oid, object oid, part integer)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- a view depends by the rule that is its query
  RETURN regexp_replace(
    "${schema}".wip_view_evaluate(
      format('pg_describe_object(%s, %s, %s)', class, object, part), (SELECT p.live_path FROM pg_temp.wip_plan AS p)),
    '^rule _RETURN on ', '');
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_describe(oid, oid, integer) IS
  'An object''s kind and name, for people: without the schemas that the promotion is about.';
