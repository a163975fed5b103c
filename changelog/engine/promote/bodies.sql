-- Functions whose bodies name a view whose columns change: the catalog does not record it, but a call would fail.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_body_problem(routine regprocedure)
  RETURNS text
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_try(
    CASE
      -- otherwise PL/pgSQL would answer from its compiled copy
      WHEN pg_has_role(p.proowner, 'USAGE') THEN pg_get_functiondef(p.oid)
      ELSE format('SELECT %s(%s)', l.lanvalidator::regproc, p.oid)
    END,
    coalesce(
      (SELECT substring(setting FROM '^search_path=(.*)$') FROM unnest(p.proconfig) AS setting WHERE starts_with(setting, 'search_path=')),
      -- that of the deploying role, since a caller's is not known
      current_setting('wip_views.search_path')),
    check_bodies => true)
  FROM pg_proc AS p
  JOIN pg_language AS l ON l.oid = p.prolang
  WHERE p.oid = routine;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_body_problem(regprocedure) IS
  'What PostgreSQL finds wrong in a function''s body: in SQL every name and type, in PL/pgSQL its syntax and declarations. Null if nothing.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_bodies()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  changing CONSTANT text[] := ARRAY(
    SELECT lower(c.relname)
    FROM pg_temp.wip_plan_object AS o
    JOIN pg_class AS c ON c.oid = o.object
    WHERE o.successor IS NOT NULL
      AND "${schema}".wip_view_columns(o.object) <> "${schema}".wip_view_columns(o.successor));
BEGIN
  INSERT INTO pg_temp.wip_plan_body (routine, description)
  WITH naming AS MATERIALIZED (
    SELECT p.oid
    FROM pg_proc AS p
    JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
    WHERE p.prokind IN ('f', 'p')
      AND p.prosqlbody IS NULL
      AND EXISTS (SELECT FROM unnest(changing) AS c (name) WHERE strpos(lower(p.prosrc), c.name) > 0)
  )
  SELECT n.oid::regprocedure::text, "${schema}".wip_view_describe('pg_proc'::regclass, n.oid, 0)
  FROM naming AS n
  -- a function that fails now is not checked
  WHERE "${schema}".wip_view_body_problem(n.oid) IS NULL;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_bodies() IS
  'Notes the functions that work and whose bodies name a relation whose columns are going to change.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_bodies()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_refuse_promotion(
    'these would fail when they are called',
    string_agg(format('%s: %s', b.description, b.problem), '; ' ORDER BY b.description))
  FROM (
    -- by name: a recreated one has another oid
    SELECT body.description, "${schema}".wip_view_body_problem(to_regprocedure(body.routine))
    FROM pg_temp.wip_plan_body AS body
  ) AS b (description, problem)
  WHERE b.problem IS NOT NULL;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_bodies() IS
  'Stops if a function that worked before would fail now that the new relations have the names of the old ones.';
