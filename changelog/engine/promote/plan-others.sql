-- The plan of what depends on a view and is no view: functions that read it or take or return its rows, rules and
-- policies of other tables.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_other_dependants()
  RETURNS TABLE (class oid, object oid, description text, by_type boolean, of_relation oid, owner oid)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN QUERY
  WITH replaced AS (
    SELECT o.object AS oid FROM pg_temp.wip_plan_object AS o WHERE o.successor IS NOT NULL AND o.object IS NOT NULL
  )
  SELECT d.classid, d.objid,
         "${schema}".wip_view_describe(d.classid, d.objid, max(d.objsubid)),
         bool_or(d.refclassid = 'pg_type'::regclass),
         min(coalesce(r.ev_class, policy.polrelid)::bigint)::oid,
         min(coalesce(routine.proowner, relation.relowner)::bigint)::oid
  FROM pg_depend AS d
  LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
  LEFT JOIN pg_policy AS policy ON d.classid = 'pg_policy'::regclass AND policy.oid = d.objid
  LEFT JOIN pg_proc AS routine ON d.classid = 'pg_proc'::regclass AND routine.oid = d.objid AND routine.prokind IN ('f', 'p')
  LEFT JOIN pg_class AS relation
    ON relation.oid = coalesce(policy.polrelid, CASE WHEN r.rulename <> '_RETURN' THEN r.ev_class END)
  WHERE d.deptype = 'n'
    AND (d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT p.oid FROM replaced AS p)
      OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (
           SELECT unnest(ARRAY[t.oid, t.typarray]) FROM pg_type AS t WHERE t.typrelid IN (SELECT p.oid FROM replaced AS p)))
    -- views are planned already, except one that only names the type; a rule of a relation that is replaced goes with it
    AND (r.oid IS NULL OR r.ev_class NOT IN (SELECT p.oid FROM replaced AS p)
      AND (r.rulename <> '_RETURN' OR d.refclassid = 'pg_type'::regclass
        AND NOT EXISTS (SELECT FROM pg_temp.wip_plan_object AS o WHERE o.object = r.ev_class)))
    AND NOT (d.classid = 'pg_class'::regclass
      AND (SELECT c.relkind FROM pg_class AS c WHERE c.oid = d.objid) IN ('v', 'm'))
  GROUP BY d.classid, d.objid
  ORDER BY d.classid, d.objid;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_other_dependants() IS
  'What depends on the relations that are replaced and is no view. owner: the role that may define it again; null for what cannot be. by_type: it names the row type, which changes with the relation.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_routine_ddl(routine oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT statement
  FROM pg_proc AS p
  -- by the names that its types will have
  CROSS JOIN LATERAL (
    SELECT format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname, pg_get_function_identity_arguments(p.oid))
  ) AS f (signature)
  CROSS JOIN LATERAL (
    SELECT 1, format('ALTER ROUTINE %s OWNER TO %s', f.signature, p.proowner::regrole)
    UNION ALL
    SELECT 2, g.statement
    FROM (
      SELECT format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, %s', f.signature, p.proowner::regrole)
      UNION ALL
      SELECT g.*
      FROM "${schema}".wip_view_grant_ddl(coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner, 'ROUTINE ' || f.signature) AS g
    ) AS g (statement)
    -- unless the old one had only PostgreSQL's default, which the new one has too
    WHERE p.proacl IS NOT NULL OR EXISTS (SELECT FROM pg_default_acl AS a WHERE a.defaclobjtype = 'f')
    UNION ALL
    SELECT 3, format('COMMENT ON ROUTINE %s IS %L', f.signature, obj_description(p.oid, 'pg_proc'))
    WHERE obj_description(p.oid, 'pg_proc') IS NOT NULL
    UNION ALL
    SELECT 4, "${schema}".wip_view_label_ddl('pg_proc'::regclass, p.oid, 'ROUTINE ' || f.signature)
    UNION ALL
    SELECT 5, "${schema}".wip_view_mark_ddl('pg_proc'::regclass, p.oid, 'ROUTINE ' || f.signature)
  ) AS kept (number, statement)
  WHERE p.oid = routine
  ORDER BY kept.number;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_routine_ddl(oid) IS
  'The statements that give a recreated routine the attributes of the old one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_other(class oid, object oid, by_type boolean, of_relation oid, owner oid)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  dropped text;
  created text;
  problem text;
BEGIN
  IF owner IS NULL THEN
    RAISE EXCEPTION 'it cannot be pointed at another relation';
  ELSIF NOT pg_has_role(owner, 'USAGE') THEN
    RAISE EXCEPTION 'it belongs to %, of which % is not a member', owner::regrole, current_user;
  END IF;

  SELECT * INTO plan FROM pg_temp.wip_plan;
  created := "${schema}".wip_view_ddl(class, object, plan.live_path);
  IF class = 'pg_proc'::regclass AND by_type THEN
    -- Its type changes with the relation, which only a new routine can have.
    dropped := format('DROP ROUTINE %s', object::regprocedure);
    PERFORM "${schema}".wip_view_plan_step('drop', "${schema}".wip_view_retire_ddl(class, object));
    PERFORM "${schema}".wip_view_plan_step('attributes', r.statement) FROM "${schema}".wip_view_routine_ddl(object) AS r (statement);
  END IF;
  IF class = 'pg_proc'::regclass AND NOT by_type THEN
    -- CREATE OR REPLACE forgets the mark
    PERFORM "${schema}".wip_view_plan_step('attributes', m.statement)
    FROM "${schema}".wip_view_mark_ddl(class, object, 'ROUTINE ' || object::regprocedure) AS m (statement);
  END IF;
  PERFORM "${schema}".wip_view_plan_step('replace', created, plan.build_path);

  -- what uses a routine that is dropped is named by itself
  IF dropped IS NULL OR NOT EXISTS (
    SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = object AND d.deptype = 'n')
  THEN
    problem := "${schema}".wip_view_try(concat_ws('; ', dropped, created), plan.build_path, array_remove(ARRAY[of_relation], NULL));
  END IF;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '%', problem;
  END IF;
  RETURN CASE WHEN dropped IS NULL THEN 'replaced' ELSE 'recreated' END;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_other(oid, oid, boolean, oid, oid) IS
  'Decides the fate of a routine, rule or policy that depends on what is replaced, and plans its statements. Raises an error that names what is in the way.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_others()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  other record;
BEGIN
  FOR other IN SELECT d.* FROM "${schema}".wip_view_other_dependants() AS d LOOP
    INSERT INTO pg_temp.wip_plan_object (class, object, kind, name, fate, locked)
    VALUES (other.class, other.object, 'other', other.description, 'undecided', other.of_relation);
    BEGIN
      UPDATE pg_temp.wip_plan_object AS o
      SET fate = "${schema}".wip_view_plan_other(other.class, other.object, other.by_type, other.of_relation, other.owner),
          fingerprint = "${schema}".wip_view_fingerprint(other.class, other.object)
      WHERE o.class = other.class AND o.object = other.object;
    EXCEPTION WHEN OTHERS THEN
      UPDATE pg_temp.wip_plan_object AS o
      SET fate = 'refused', problem = other.description || ': ' || SQLERRM
      WHERE o.class = other.class AND o.object = other.object;
    END;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_others() IS
  'Plans every routine, rule and policy that depends on what is replaced.';
