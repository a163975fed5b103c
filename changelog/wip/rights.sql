-- Which rights a deploy gives, and whether they are there: access.sql gives what this view lists, and doctor reports
-- what is missing. A right that is written here is written nowhere else.

SELECT "${schema}".wip_view_note();
SELECT "${schema}".wip_view_take('replace', 'wip_view_rights');

CREATE OR REPLACE VIEW "${schema}".wip_view_rights AS
WITH named AS (
  SELECT
    r.oid AS role_oid,
    r.rolname AS role,
    pg_catalog.bool_or(n.refreshes) AS refreshes
  FROM "${schema}".wip_view_settings AS s
  CROSS JOIN LATERAL (
    SELECT pg_catalog.regexp_split_to_table(s.refresher_role, ','::text), true
    UNION ALL
    SELECT pg_catalog.regexp_split_to_table(s.reader_role, ','::text), false
  ) AS n (role, refreshes)
  JOIN pg_catalog.pg_roles AS r ON r.rolname::text = pg_catalog.btrim(n.role)
  GROUP BY r.oid, r.rolname
),
relation AS (
  SELECT c.oid, pg_catalog.quote_ident(c.relname::text) AS name
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
    AND (
      c.relkind IN ('r', 'v') AND c.relname::text IN (
        'wip_view', 'wip_view_refresh', 'wip_view_settings', 'wip_view_history', 'wip_view_freshness',
        'wip_view_daily', 'wip_view_blockers', 'wip_view_rights', 'wip_view_order', 'wip_view_running')
      OR c.relkind = 'm' AND EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = c.relname::text)
    )
),
routine AS (
  SELECT
    p.oid,
    p.proname::text AS name,
    p.pronargs,
    CASE p.prokind WHEN 'p' THEN 'PROCEDURE'::text ELSE 'FUNCTION'::text END AS kind,
    -- what doctor asks; the rest refreshes
    p.proname::text IN ('wip_view_why_plain', 'wip_view_definition', 'wip_view_drift') AS reads,
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
    OR named.refreshes AND routine.name IN (
      'wip_view_request', 'wip_view_request_all', 'wip_view_run', 'wip_view_try_run', 'wip_view_fail', 'refresh_wip_view', 'refresh_all_wip_views',
      'refresh_wip_status_dashboard', 'refresh_process_wip_queue', 'refresh_wip_views')
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
)
SELECT
  wanted.role::text AS role,
  wanted.privilege,
  pg_catalog.quote_ident('${schema}'::text) || coalesce('.'::text || wanted.name, ''::text) AS object,
  pg_catalog.bool_and(wanted.held) AS held,
  'GRANT '::text || wanted.privilege || ' ON '::text || wanted.kind || ' '::text
    || pg_catalog.quote_ident('${schema}'::text) || coalesce('.'::text || wanted.name, ''::text)
    || ' TO '::text || pg_catalog.quote_ident(wanted.role::text) AS statement
FROM wanted
GROUP BY wanted.role, wanted.privilege, wanted.kind, wanted.name
ORDER BY wanted.role, wanted.privilege DESC, wanted.name;

COMMENT ON VIEW "${schema}".wip_view_rights IS 'The rights that a deploy gives: to the roles that wip_view_settings names, and to those that may refresh a view by themselves (MAINTAIN, from PostgreSQL 17 on). A row per role and object.';
COMMENT ON COLUMN "${schema}".wip_view_rights.role IS 'Who is to have the right.';
COMMENT ON COLUMN "${schema}".wip_view_rights.privilege IS 'USAGE, SELECT or EXECUTE.';
COMMENT ON COLUMN "${schema}".wip_view_rights.object IS 'The schema, relation or routine.';
COMMENT ON COLUMN "${schema}".wip_view_rights.held IS 'Whether the role has it now, by itself or through another role.';
COMMENT ON COLUMN "${schema}".wip_view_rights.statement IS 'The statement that gives it.';

SELECT "${schema}".wip_view_own();
