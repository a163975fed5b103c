-- Grants: given again by the roles that gave them, in the order in which these roles got their grant options.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_grant_ddl(acl aclitem[], owner oid, target text, columns text DEFAULT '')
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE item AS (
    SELECT a.position, e.*
    FROM unnest(acl) WITH ORDINALITY AS a (item, position),
      LATERAL aclexplode(ARRAY[a.item]) AS e
  ),
  -- A grant option must exist before it is used: depth counts the roles between the owner and each grant.
  grantor (oid, privilege_type, distance) AS (
    SELECT DISTINCT owner, i.privilege_type, 0 FROM item AS i
    UNION
    SELECT i.grantee, i.privilege_type, g.distance + 1
    FROM grantor AS g
    JOIN item AS i ON i.grantor = g.oid AND i.privilege_type = g.privilege_type AND i.is_grantable
    WHERE g.distance < 100
  ),
  given AS (
    SELECT item.*, (
      SELECT min(g.distance)
      FROM grantor AS g
      WHERE g.oid = item.grantor AND g.privilege_type = item.privilege_type
    ) AS distance
    FROM item
  ),
  granted AS (
    SELECT
      g.distance, g.position, g.is_grantable, g.grantor,
      format(
        'GRANT %s ON %s TO %s%s',
        string_agg(g.privilege_type || columns, ', ' ORDER BY g.privilege_type),
        target,
        CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
    FROM given AS g
    GROUP BY g.distance, g.position, g.is_grantable, g.grantor, g.grantee
  )
  SELECT
    -- The deploying role gives the owner's grants; those of another role it gives by becoming that role, if it can.
    CASE
      WHEN g.grantor <> owner
        AND pg_has_role(g.grantor, CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)
      -- not RESET ROLE: the deploying role may itself have been SET
      THEN format('SET LOCAL ROLE %s; %s; SET LOCAL ROLE %I', g.grantor::regrole, g.statement, current_user)
      ELSE g.statement
    END
  FROM granted AS g
  ORDER BY g.distance, g.position, g.is_grantable;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_grant_ddl(aclitem[], oid, text, text) IS
  'The statements that give a target the grants of an access control list.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_acl_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  was pg_class;
  is_now pg_class;
  target text;
BEGIN
  SELECT * INTO was FROM pg_class AS c WHERE c.oid = old;
  SELECT * INTO is_now FROM pg_class AS c WHERE c.oid = new;
  target := format('%s.%I', was.relnamespace::regnamespace, was.relname);

  -- Default privileges may have given the new one more than the old one has: it gets exactly the grants of the old one.
  IF was.relacl IS NOT NULL THEN
    RETURN NEXT format('REVOKE ALL ON %s FROM %s', target, was.relowner::regrole);
  END IF;
  RETURN QUERY
  SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', target, CASE WHEN e.grantee = 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END)
  FROM aclexplode(is_now.relacl) AS e
  WHERE e.grantee NOT IN (was.relowner, is_now.relowner);
  RETURN QUERY
  SELECT g.* FROM "${schema}".wip_view_grant_ddl(was.relacl, was.relowner, target) AS g;
  RETURN QUERY
  SELECT g.*
  FROM pg_attribute AS a
  JOIN pg_attribute AS b ON b.attrelid = new AND b.attname = a.attname AND b.attnum > 0
  CROSS JOIN LATERAL "${schema}".wip_view_grant_ddl(a.attacl, was.relowner, target, format(' (%I)', a.attname)) AS g
  WHERE a.attrelid = old AND a.attnum > 0 AND a.attacl IS NOT NULL;
  RETURN QUERY
  SELECT statement
  FROM pg_type AS t
  CROSS JOIN LATERAL (
    SELECT format('REVOKE ALL ON TYPE %s FROM PUBLIC, %s', target, was.relowner::regrole)
    UNION ALL
    SELECT g.* FROM "${schema}".wip_view_grant_ddl(t.typacl, was.relowner, 'TYPE ' || target) AS g
  ) AS kept (statement)
  WHERE t.oid = was.reltype AND t.typacl IS NOT NULL;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_acl_ddl(oid, oid) IS
  'The statements that give a new view, its columns and its row type the grants of an old one, and no others.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_file_grants(built oid, target text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT g.*
  FROM pg_class AS c
  CROSS JOIN LATERAL (
    SELECT array_agg(given.item), ''
    FROM unnest(c.relacl) AS given (item)
    CROSS JOIN LATERAL aclexplode(ARRAY[given.item]) AS e
    -- the rest came from default privileges
    WHERE e.grantee <> c.relowner
      AND NOT EXISTS (
        SELECT
        FROM pg_default_acl AS a
        CROSS JOIN LATERAL aclexplode(a.defaclacl) AS d
        WHERE a.defaclrole = c.relowner AND a.defaclobjtype = 'r' AND a.defaclnamespace IN (0, c.relnamespace)
          AND d.grantee = e.grantee AND d.privilege_type = e.privilege_type)
    UNION ALL
    SELECT a.attacl, format(' (%I)', a.attname)
    FROM pg_attribute AS a
    WHERE a.attrelid = built AND a.attnum > 0 AND a.attacl IS NOT NULL
  ) AS granted (acl, columns)
  CROSS JOIN LATERAL "${schema}".wip_view_grant_ddl(granted.acl, c.relowner, target, granted.columns) AS g
  WHERE c.oid = built;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_file_grants(oid, text) IS
  'The grants that a view''s file has given.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_attribute_ddl(old oid, new oid)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_relation_ddl(old, new)
  UNION ALL
  SELECT "${schema}".wip_view_column_ddl(old, new)
  UNION ALL
  SELECT "${schema}".wip_view_index_ddl(old, new)
  UNION ALL
  SELECT "${schema}".wip_view_statistics_ddl(old)
  UNION ALL
  SELECT "${schema}".wip_view_comment_ddl(old, new)
  UNION ALL
  SELECT "${schema}".wip_view_labels_and_marks_ddl(old, new)
  UNION ALL
  -- last: from then on the owner may lack what the others need
  SELECT "${schema}".wip_view_acl_ddl(old, new);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_attribute_ddl(oid, oid) IS
  'The statements that give a new view, once it has the name of an old one, what the old one has.';
