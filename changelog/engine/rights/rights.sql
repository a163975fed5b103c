-- Who owns what, which rights a deploy gives, and whether they are there. A right that is written here is written
-- nowhere else: a promotion and access.sql give what is listed here, preflight stops where another one is missing, and
-- a refresh that fails for want of one and doctor name it.
--
-- The owner of the table wip_view owns all that is ours, and the refresh functions run with its rights. A view may
-- belong to somebody else, who had it before it was adopted: what that one needs is in needs.sql.

SELECT "${schema}".wip_view_snapshot_objects();

SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_rights');

CREATE OR REPLACE VIEW "${schema}".wip_view_rights AS
WITH named AS (
  SELECT
    r.oid AS role_oid,
    r.rolname AS role,
    pg_catalog.bool_or(n.may_refresh) AS refreshes
  FROM "${schema}".wip_view_role AS n
  JOIN pg_catalog.pg_roles AS r ON r.rolname::text = n.role
  GROUP BY r.oid, r.rolname
),
relation AS (
  SELECT c.oid, pg_catalog.quote_ident(c.relname::text) AS name, c.relkind = 'm' AS is_view, c.relowner AS owner
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
    AND (
      c.relkind IN ('r', 'v') AND c.relname::text IN (
        'wip_view', 'wip_view_refresh', 'wip_view_role', 'wip_view_settings', 'wip_view_history', 'wip_view_freshness',
        'wip_view_daily', 'wip_view_blockers', 'wip_view_rights', 'wip_view_order', 'wip_view_running', 'wip_view_frozen')
      OR c.relkind = 'm' AND EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = c.relname::text)
    )
),
routine AS (
  SELECT
    p.oid,
    p.proowner AS owner,
    p.proname::text AS name,
    p.pronargs,
    CASE p.prokind WHEN 'p' THEN 'PROCEDURE'::text ELSE 'FUNCTION'::text END AS kind,
    -- what doctor asks, and what refreshes
    pg_catalog.starts_with(p.proname::text, 'wip_view_find'::text) OR p.proname::text IN (
      'wip_view_checks', 'wip_view_run_check', 'wip_view_sizes', 'wip_view_size_of', 'wip_view_source_tables',
      'wip_view_may_read', 'wip_view_keeper_of_dead_rows', 'wip_view_command', 'wip_view_duration_text',
      'wip_view_why_plain', 'wip_view_definition', 'wip_view_drift', 'wip_view_needs', 'wip_view_reads', 'wip_view_is_invokers',
      'wip_view_describe_changes', 'wip_view_changed_columns', 'wip_view_supporting_sources', 'wip_view_column_users') AS reads,
    p.proname::text IN (
      'wip_view_request', 'wip_view_request_all', 'wip_view_request_with_sources', 'wip_view_run', 'wip_view_try_run',
      'wip_view_fail', 'wip_view_changed', 'wip_view_note_source_state', 'refresh_wip_view', 'refresh_wip_view_if_changed',
      'refresh_all_wip_views', 'refresh_wip_views')
      OR p.pronargs = 0::smallint AND EXISTS (
        SELECT
        FROM "${schema}".wip_view AS v
        WHERE p.proname::text = 'refresh_'::text || pg_catalog.regexp_replace(v.view_name, '^mv_'::text, ''::text)
      ) AS refreshes,
    pg_catalog.quote_ident(p.proname::text) || '('::text || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'::text
      AS signature
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace = '"${schema}"'::pg_catalog.regnamespace::oid
),
wanted AS (
  SELECT
    named.role,
    'USAGE'::text AS privilege,
    'SCHEMA'::text AS kind,
    NULL::text AS name,
    pg_catalog.has_schema_privilege(named.role_oid, '"${schema}"'::pg_catalog.regnamespace::oid, 'USAGE'::text) AS held
  FROM named
  UNION ALL
  SELECT
    named.role,
    'SELECT'::text,
    'TABLE'::text,
    relation.name,
    pg_catalog.has_table_privilege(named.role_oid, relation.oid, 'SELECT'::text)
  FROM named
  CROSS JOIN relation
  UNION ALL
  SELECT
    named.role,
    'EXECUTE'::text,
    routine.kind,
    routine.signature,
    pg_catalog.has_function_privilege(named.role_oid, routine.oid, 'EXECUTE'::text)
  FROM named
  CROSS JOIN routine
  WHERE routine.reads
    OR named.refreshes AND routine.refreshes
  UNION ALL
  -- From PostgreSQL 17 on, a role with MAINTAIN on a view may run REFRESH on it by itself; it then may call the
  -- function that refreshes this one view, with a place in the queue and on record. A view without such a function
  -- has none to grant.
  SELECT
    r.rolname,
    'EXECUTE'::text,
    routine.kind,
    routine.signature,
    pg_catalog.has_function_privilege(r.oid, routine.oid, 'EXECUTE'::text)
  FROM "${schema}".wip_view AS v
  JOIN pg_catalog.pg_class AS c
    ON c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
    AND c.relname::text = v.view_name
    AND c.relkind = 'm'
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS acl
  JOIN pg_catalog.pg_roles AS r
    ON r.oid = acl.grantee
    AND r.oid <> c.relowner
  JOIN routine
    ON routine.name = 'refresh_'::text || pg_catalog.regexp_replace(v.view_name, '^mv_'::text, ''::text)
    AND routine.pronargs = 0::smallint
  WHERE acl.privilege_type = 'MAINTAIN'::text
),
rights AS (
  SELECT
    wanted.role::text AS role,
    wanted.privilege,
    pg_catalog.quote_ident('${schema}'::text) || coalesce('.'::text || wanted.name, ''::text) AS object,
    wanted.held,
    true AS by_deploy,
    'GRANT '::text || wanted.privilege || ' ON '::text || wanted.kind || ' '::text
      || pg_catalog.quote_ident('${schema}'::text) || coalesce('.'::text || wanted.name, ''::text)
      || ' TO '::text || pg_catalog.quote_ident(wanted.role::text) AS statement
  FROM wanted
  UNION ALL
  SELECT needs.role, needs.privilege, needs.object, needs.held, needs.by_deploy, needs.statement
  FROM relation
  CROSS JOIN LATERAL "${schema}".wip_view_needs(relation.oid) AS needs
  WHERE relation.is_view
  UNION ALL
  SELECT
    keeper.rolname::text,
    'OWNERSHIP'::text,
    pg_catalog.quote_ident('${schema}'::text) || '.'::text || owned.name,
    false,
    -- a deploy gives away what it has made itself; what a stranger made would be given rights that he does not have
    owned.owner = me.oid,
    'ALTER '::text || owned.kind || ' '::text || pg_catalog.quote_ident('${schema}'::text) || '.'::text || owned.name
      || ' OWNER TO '::text || pg_catalog.quote_ident(keeper.rolname::text)
  FROM (
    SELECT 'TABLE'::text, relation.name, relation.owner, true
    FROM relation
    WHERE NOT relation.is_view
    UNION ALL
    SELECT 'TABLE'::text, pg_catalog.quote_ident(c.relname::text), c.relowner, true
    FROM "${schema}".wip_view_settings AS s
    JOIN pg_catalog.pg_class AS c
      ON c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
      AND s.supporting_views -> c.relname::text IS NOT NULL
      AND c.relkind = 'v'
    UNION ALL
    -- the copies of frozen views
    SELECT 'TABLE'::text, pg_catalog.quote_ident(c.relname::text), c.relowner, false
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
      AND pg_catalog.starts_with(c.relname::text, 'wip_view_copy_'::text)
      AND c.relkind IN ('r', 'm')
    UNION ALL
    -- these two run with their owner's rights, too
    SELECT 'ROUTINE'::text, routine.signature, routine.owner, routine.refreshes OR routine.name IN ('wip_view_drift', 'wip_view_prune')
    FROM routine
    WHERE routine.refreshes OR pg_catalog.starts_with(routine.name, 'wip_view_'::text)
  ) AS owned (kind, name, owner, is_called)
  JOIN relation AS registry ON registry.name = 'wip_view'
  JOIN pg_catalog.pg_roles AS keeper ON keeper.oid = registry.owner
  JOIN pg_catalog.pg_roles AS me ON me.rolname = CURRENT_USER
  WHERE owned.owner <> keeper.oid
    AND (owned.owner = me.oid OR owned.is_called)
)
SELECT
  rights.role,
  rights.privilege,
  rights.object,
  pg_catalog.bool_and(rights.held) AS held,
  pg_catalog.min(rights.statement) AS statement,
  pg_catalog.bool_or(rights.by_deploy) AS by_deploy
FROM rights
GROUP BY rights.role, rights.privilege, rights.object
ORDER BY rights.role, rights.privilege DESC, rights.object;

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
      PERFORM "${schema}".wip_view_take_turn('grant rights on ' || wanted.object, wanted.view_name);
    END IF;
    EXECUTE wanted.statement;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_grant_rights(text) IS
  'Gives what is missing of the rights in wip_view_rights that are a deploy''s to give: all of them, or those on one view.';

SELECT "${schema}".wip_view_revoke_default_privileges();
