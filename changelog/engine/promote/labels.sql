-- Comments, security labels and marks. A mark is left by ALTER ... DEPENDS ON EXTENSION: the object is dropped with the extension.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_comment_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('COMMENT ON %s IS %L', kept.object, kept.description)
  FROM (SELECT old::regclass::text) AS target (name)
  CROSS JOIN LATERAL (
    SELECT 'TYPE ' || target.name, obj_description(c.reltype, 'pg_type')
    FROM pg_class AS c
    WHERE c.oid = old
    UNION ALL
    SELECT format('RULE %I ON %s', r.rulename, target.name), obj_description(r.oid, 'pg_rewrite')
    FROM pg_rewrite AS r
    WHERE r.ev_class = old AND r.rulename <> '_RETURN'
    UNION ALL
    SELECT format('TRIGGER %I ON %s', t.tgname, target.name), obj_description(t.oid, 'pg_trigger')
    FROM pg_trigger AS t
    WHERE t.tgrelid = old AND NOT t.tgisinternal
    UNION ALL
    SELECT CASE WHEN d.objsubid = 0 THEN "${schema}".wip_view_ddl_name(old) ELSE format('COLUMN %s.%I', target.name, b.attname) END,
           d.description
    FROM pg_description AS d
    LEFT JOIN pg_attribute AS a ON a.attrelid = old AND a.attnum = d.objsubid
    LEFT JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
    WHERE d.classoid = 'pg_class'::regclass AND d.objoid = old
      AND (d.objsubid = 0 OR b.attname IS NOT NULL)
      AND NOT EXISTS (
        SELECT
        FROM pg_description AS n
        WHERE n.classoid = d.classoid AND n.objoid = new AND n.objsubid = coalesce(b.attnum, 0)
      )
  ) AS kept (object, description)
  WHERE kept.description IS NOT NULL;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_comment_ddl(oid, oid) IS
  'The statements that give a new view, its columns, row type, rules and triggers the comments of an old one.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_label_ddl(class oid, object oid, target text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('SECURITY LABEL FOR %I ON %s IS %L', l.provider, target, l.label)
  FROM pg_seclabel AS l
  WHERE l.classoid = class AND l.objoid = object AND l.objsubid = 0;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_label_ddl(oid, oid, text) IS
  'The statements that give a target the security labels of an object.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_mark_ddl(class oid, object oid, target text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT DISTINCT format('ALTER %s DEPENDS ON EXTENSION %I', target, e.extname)
  FROM pg_depend AS d
  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
  WHERE d.classid = class AND d.objid = object AND d.deptype = 'x';
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_mark_ddl(oid, oid, text) IS
  'The statements that make a target depend on the extensions that an object was made to depend on.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_labels_and_marks_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_label_ddl('pg_class'::regclass, old, "${schema}".wip_view_ddl_name(old))
  UNION ALL
  SELECT "${schema}".wip_view_label_ddl('pg_type'::regclass, c.reltype, 'TYPE ' || old::regclass)
  FROM pg_class AS c
  WHERE c.oid = old
  UNION ALL
  SELECT format('SECURITY LABEL FOR %I ON COLUMN %s.%I IS %L', l.provider, old::regclass, b.attname, l.label)
  FROM pg_seclabel AS l
  JOIN pg_attribute AS a ON a.attrelid = old AND a.attnum = l.objsubid
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname
  WHERE l.classoid = 'pg_class'::regclass AND l.objoid = old AND l.objsubid > 0
  UNION ALL
  SELECT "${schema}".wip_view_mark_ddl('pg_class'::regclass, old, "${schema}".wip_view_ddl_name(old))
  UNION ALL
  SELECT "${schema}".wip_view_mark_ddl('pg_class'::regclass, i.indexrelid, 'INDEX ' || i.indexrelid::regclass)
  FROM pg_index AS i
  JOIN pg_class AS a ON a.oid = i.indexrelid
  WHERE i.indrelid = old
    AND EXISTS (
      SELECT FROM pg_index AS j JOIN pg_class AS b ON b.oid = j.indexrelid WHERE j.indrelid = new AND b.relname = a.relname)
  UNION ALL
  SELECT "${schema}".wip_view_mark_ddl('pg_trigger'::regclass, t.oid, format('TRIGGER %I ON %s', t.tgname, old::regclass))
  FROM pg_trigger AS t
  WHERE t.tgrelid = old AND NOT t.tgisinternal;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_labels_and_marks_ddl(oid, oid) IS
  'The statements that give a new view, its columns, row type, indexes and triggers the security labels and marks of an old one.';
