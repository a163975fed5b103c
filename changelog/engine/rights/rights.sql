-- Which rights there are to be, and whether they are there. Each is written here and nowhere else: a promotion and
-- access.sql grant what is listed here, preflight stops where something is missing that a deploy cannot grant, and doctor and
-- a refresh that fails for want of a right name it.
--
-- A view may belong to another role than the keeper, which had it before it was adopted: needs.sql has what that role needs.

SELECT "${schema}".wip_view_snapshot_objects();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_role_rights()
  RETURNS TABLE (role text, privilege text, object text, held boolean, by_deploy boolean, statement text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH named AS (
    SELECT r.oid, r.rolname, bool_or(n.may_refresh) AS refreshes
    FROM "${schema}".wip_view_role AS n
    JOIN pg_roles AS r ON r.rolname = n.role
    GROUP BY r.oid, r.rolname
  ),
  wanted (role, privilege, kind, name, held) AS (
    SELECT named.rolname, 'USAGE', 'SCHEMA', NULL, has_schema_privilege(named.oid, '"${schema}"'::regnamespace, 'USAGE')
    FROM named
    UNION ALL
    SELECT named.rolname, 'SELECT', 'TABLE', r.name, has_table_privilege(named.oid, r.relation, 'SELECT')
    FROM named
    CROSS JOIN "${schema}".wip_view_relations() AS r
    UNION ALL
    SELECT named.rolname, 'EXECUTE', r.kind, r.signature, has_function_privilege(named.oid, r.routine, 'EXECUTE')
    FROM named
    JOIN "${schema}".wip_view_routines() AS r ON r.reads OR named.refreshes AND r.refreshes
    UNION ALL
    -- From PostgreSQL 17 on, a role with MAINTAIN on a view may run REFRESH on it; it then may call the function that
    -- refreshes this one view, with a place in the queue and on record.
    SELECT maintainer.rolname, 'EXECUTE', r.kind, r.signature, has_function_privilege(maintainer.oid, r.routine, 'EXECUTE')
    FROM "${schema}".wip_view_routines() AS r
    JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = r.own_view AND c.relkind = 'm'
    CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
    JOIN pg_roles AS maintainer ON maintainer.oid = acl.grantee AND maintainer.oid <> c.relowner
    WHERE acl.privilege_type = 'MAINTAIN'
  )
  SELECT w.role, w.privilege, on_it.name, w.held, true, format('GRANT %s ON %s %s TO %I', w.privilege, w.kind, on_it.name, w.role)
  FROM wanted AS w
  CROSS JOIN LATERAL (SELECT concat_ws('.', quote_ident('${schema}'), w.name)) AS on_it (name);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_role_rights() IS
  'What the roles of wip_view_role are to have, and those that may refresh a view by themselves.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_missing_ownership()
  RETURNS TABLE (role text, privilege text, object text, held boolean, by_deploy boolean, statement text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    keeper.rolname,
    'OWNERSHIP',
    on_it.name,
    false,
    -- A deploy hands over what its own role has made. What a stranger made would be given rights that its author lacks.
    o.owner = me.oid,
    format('ALTER %s %s OWNER TO %I', o.kind, on_it.name, keeper.rolname)
  FROM (
    SELECT 'TABLE', r.name, r.owner, true
    FROM "${schema}".wip_view_relations() AS r
    WHERE NOT r.is_view
    UNION ALL
    SELECT 'TABLE', quote_ident(c.relname), c.relowner, c.relkind = 'v'
    FROM "${schema}".wip_view_settings AS s
    JOIN pg_class AS c
      ON c.relnamespace = '"${schema}"'::regnamespace
      AND (
        c.relkind = 'v' AND s.supporting_views ? c.relname
        -- the copies of frozen views
        OR c.relkind IN ('r', 'm') AND starts_with(c.relname, 'wip_view_copy_'))
    UNION ALL
    -- what refreshes, and two more, run with the rights of their owner
    SELECT 'ROUTINE', r.signature, r.owner, r.refreshes OR r.name IN ('wip_view_drift', 'wip_view_prune')
    FROM "${schema}".wip_view_routines() AS r
    WHERE r.refreshes OR starts_with(r.name, 'wip_view_')
  ) AS o (kind, name, owner, is_called)
  CROSS JOIN LATERAL (SELECT concat_ws('.', quote_ident('${schema}'), o.name)) AS on_it (name)
  JOIN pg_class AS registry ON registry.oid = '"${schema}".wip_view'::regclass
  JOIN pg_roles AS keeper ON keeper.oid = registry.relowner
  JOIN pg_roles AS me ON me.rolname = current_user
  WHERE o.owner <> keeper.oid
    AND (o.owner = me.oid OR o.is_called);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_missing_ownership() IS
  'The objects of wip-views that belong to the current role, or run with the rights of another one, where they should belong to the owner of the table wip_view.';

SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_rights');

-- The collations are those that its columns had in an earlier version, since newer servers let none be changed.
CREATE OR REPLACE VIEW "${schema}".wip_view_rights AS
SELECT
  r.role COLLATE pg_catalog."C" AS role,
  r.privilege,
  r.object COLLATE pg_catalog."C" AS object,
  pg_catalog.bool_and(r.held) AS held,
  pg_catalog.min(r.statement) COLLATE pg_catalog."C" AS statement,
  pg_catalog.bool_or(r.by_deploy) AS by_deploy
FROM (
  SELECT wanted.* FROM "${schema}".wip_view_role_rights() AS wanted
  UNION ALL
  SELECT needed.*
  FROM "${schema}".wip_view_relations() AS v
  CROSS JOIN LATERAL "${schema}".wip_view_needs(v.relation) AS needed
  WHERE v.is_view
  UNION ALL
  SELECT owned.* FROM "${schema}".wip_view_missing_ownership() AS owned
) AS r (role, privilege, object, held, by_deploy, statement)
GROUP BY r.role, r.privilege, r.object
ORDER BY r.role, r.privilege DESC, r.object;

COMMENT ON VIEW "${schema}".wip_view_rights IS 'Who is to have what: the roles of wip_view_role, those that may refresh a view by themselves (MAINTAIN, from PostgreSQL 17 on), the owners of the views, and the owner of the table wip_view, to whom all that is ours belongs. A row per role and object; of the objects that are ours, only those that belong to the role that looks, and should not.';
COMMENT ON COLUMN "${schema}".wip_view_rights.role IS 'Who is to have the right.';
COMMENT ON COLUMN "${schema}".wip_view_rights.privilege IS 'USAGE, SELECT, EXECUTE or TEMPORARY; OWNERSHIP: the object is to belong to the role; MEMBERSHIP: the role is to be a member of the other one.';
COMMENT ON COLUMN "${schema}".wip_view_rights.object IS 'The schema, relation, routine, database or role.';
COMMENT ON COLUMN "${schema}".wip_view_rights.held IS 'Whether the role has it now, by itself or through another role.';
COMMENT ON COLUMN "${schema}".wip_view_rights.statement IS 'The statement that gives it.';
COMMENT ON COLUMN "${schema}".wip_view_rights.by_deploy IS 'Whether every deploy gives it. What is not ours to give stops a deploy instead, since refreshes would fail.';

-- A GRANT on a view writes the row of the catalog that a refresh writes, too: it waits for the view's turn, as a
-- promotion does. Turns are taken in the order of refresh_all_wip_views().
CREATE OR REPLACE FUNCTION "${schema}".wip_view_grant_rights(only_view text DEFAULT NULL)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT r.object, r.statement, o.view_name
    FROM "${schema}".wip_view_rights AS r
    LEFT JOIN "${schema}".wip_view_order AS o ON r.object = format('%I.%I', '${schema}', o.view_name)
    WHERE NOT r.held
      AND r.by_deploy
      AND (only_view IS NULL OR o.view_name = only_view)
    ORDER BY o.position
  LOOP
    IF wanted.view_name IS NOT NULL THEN
      PERFORM "${schema}".wip_view_acquire_turn('grant rights on ' || wanted.object, wanted.view_name);
    END IF;
    EXECUTE wanted.statement;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_grant_rights(text) IS
  'Gives what is missing of the rights in wip_view_rights that are a deploy''s to give: all of them, or those on one view.';

SELECT "${schema}".wip_view_revoke_default_privileges();
