-- What depends on a view and cannot be kept.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_refusals()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  INSERT INTO pg_temp.wip_plan_object (class, object, kind, name, fate, problem)
  SELECT DISTINCT h.class, h.object, 'other', h.name, 'refused', h.name || ': ' || h.problem
  FROM (
    SELECT d.classid, d.objid, "${schema}".wip_view_describe(d.classid, d.objid, d.objsubid),
           format('it uses %s, which is dropped and created', "${schema}".wip_view_describe(d.refclassid, d.refobjid, 0))
    FROM pg_depend AS d
    JOIN pg_temp.wip_plan_object AS o ON d.refclassid = o.class AND d.refobjid = o.object AND o.fate = 'recreated'
    WHERE o.class = 'pg_proc'::regclass AND d.deptype = 'n'
    UNION ALL
    SELECT d.refclassid, d.refobjid, format('extension %I', e.extname),
           format('%s is a member of it', "${schema}".wip_view_describe(d.classid, d.objid, 0))
    FROM pg_depend AS d
    JOIN pg_temp.wip_plan_object AS o ON d.classid = o.class AND d.objid = o.object
    JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    WHERE d.deptype = 'e' AND o.fate IN ('promoted', 'rebuilt', 'recreated')
    UNION ALL
    -- what would be dropped with the relation and is not recreated: a sequence that belongs to a column
    SELECT d.classid, d.objid, "${schema}".wip_view_describe(d.classid, d.objid, 0),
           format('it belongs to %s (ALTER SEQUENCE ... OWNED BY NONE)', o.name)
    FROM pg_depend AS d
    JOIN pg_temp.wip_plan_object AS o ON d.refclassid = o.class AND d.refobjid = o.object AND o.successor IS NOT NULL
    LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
    WHERE d.deptype IN ('a', 'i')
      AND d.classid NOT IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_type'::regclass, 'pg_attrdef'::regclass,
                            'pg_statistic_ext'::regclass)
      AND c.relkind IS DISTINCT FROM 'i' AND c.relkind IS DISTINCT FROM 't'
    UNION ALL
    SELECT d.classid, d.objid, "${schema}".wip_view_describe(d.classid, d.objid, 0),
           format('%s has no column %I any more (DROP STATISTICS)', o.name, a.attname)
    FROM pg_depend AS d
    JOIN pg_temp.wip_plan_object AS o ON d.refclassid = o.class AND d.refobjid = o.object AND o.successor IS NOT NULL
    JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0
    WHERE d.classid = 'pg_statistic_ext'::regclass
      AND NOT EXISTS (SELECT FROM pg_attribute AS b WHERE b.attrelid = o.successor AND b.attname = a.attname)
  ) AS h (class, object, name, problem);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_refusals() IS
  'Refuses what would be lost with a relation or routine that is dropped: what uses the routine, and membership in an extension.';
