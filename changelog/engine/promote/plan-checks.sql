-- What stops a promotion before anything has changed.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_built()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  found_names text;
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  IF plan.built IS NULL THEN
    RAISE EXCEPTION 'the file of % did not create it', plan.view_name
      USING ERRCODE = 'undefined_table',
            HINT = format('Call wip_view_stage() first; the file then creates MATERIALIZED VIEW %I, without a schema.', plan.view_name);
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = plan.built AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  ) THEN
    RAISE EXCEPTION 'the file of % gives it no plain unique index', plan.view_name
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'A view without one could only be refreshed while its readers wait.';
  END IF;

  -- It would run with the owner's rights at every refresh. A file avoids it by a cast where no operator of the system fits
  -- exactly.
  SELECT string_agg(DISTINCT format('%s, owned by %s', pg_describe_object(d.refclassid, d.refobjid, 0), owner.oid::regrole), '; ')
  INTO found_names
  FROM pg_rewrite AS r
  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
  LEFT JOIN pg_proc AS p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
  LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
  JOIN pg_roles AS owner ON owner.oid = coalesce(p.proowner, o.oprowner) AND NOT owner.rolsuper AND owner.rolname <> current_user
  WHERE r.ev_class = plan.built;
  IF found_names IS NOT NULL THEN
    RAISE EXCEPTION 'the query of % uses what another role may change: %', plan.view_name, found_names
      USING ERRCODE = 'insufficient_privilege',
            HINT = 'Add a cast, or qualify the name that was meant, or make the deploying role the owner of these.';
  END IF;

  SELECT string_agg(DISTINCT read::regclass::text, ', ') INTO found_names
  FROM "${schema}".wip_view_reads(plan.built) AS read
  JOIN pg_class AS c ON c.oid = read AND c.relnamespace = to_regnamespace(quote_ident('wip_staging_${schema}'));
  IF found_names IS NOT NULL THEN
    RAISE EXCEPTION 'the query of % reads what is in the schema where it is built: %', plan.view_name, found_names
      USING ERRCODE = 'insufficient_privilege', HINT = 'Drop that, then deploy again.';
  END IF;
  IF (SELECT c.relkind <> 'm' FROM pg_class AS c WHERE c.oid = plan.live) THEN
    RAISE EXCEPTION '% is there already, and is not a materialized view', plan.live_name
      USING ERRCODE = 'wrong_object_type',
            HINT = format('Rename it, then deploy again: ALTER TABLE %s RENAME TO %I;', plan.live_name, left(plan.view_name, 50) || '_' || plan.live);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_built() IS
  'Stops if the view''s file did not build a view that can be promoted.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_problems()
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT string_agg(o.problem, '; ' ORDER BY o.position) FROM pg_temp.wip_plan_object AS o WHERE o.fate = 'refused'
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_problems() IS
  'What the plan refuses, and why; null if nothing.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_refuse_promotion(because text, problems text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF problems IS NOT NULL THEN
    RAISE EXCEPTION 'cannot put the new % in place, because %: %', (SELECT p.live_name FROM pg_temp.wip_plan AS p), because, problems
      USING ERRCODE = 'dependent_objects_still_exist',
            HINT = 'Nothing was changed. Change or drop these first, then deploy again.';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_refuse_promotion(text, text) IS
  'Stops a promotion if there are problems, and names all of them.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_plan()
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_refuse_promotion('of what depends on the old one', "${schema}".wip_view_plan_problems());
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_plan() IS
  'Stops if the plan refuses something.';
