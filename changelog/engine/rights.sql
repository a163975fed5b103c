-- Who owns what, which rights a deploy gives, and whether they are there. A right that is written here is written
-- nowhere else: a promotion and access.sql give what is listed here, preflight stops where another one is missing, and
-- a refresh that fails for want of one and doctor name it.
--
-- The owner of the table wip_view owns all that is ours, and the refresh functions run with its rights. A view may
-- belong to somebody else, who had it before it was adopted: the query of a materialized view runs with the rights of
-- its owner, whoever refreshes it. So that owner may read what the query reads, and the owner of wip_view is a member
-- of that role, since only the owner of a view refreshes it.

SELECT "${schema}".wip_view_note();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_needs(relation oid)
  RETURNS TABLE (role text, privilege text, object text, held boolean, by_deploy boolean, statement text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE mv AS (
    SELECT c.oid, c.relowner AS owner, ours.relowner AS keeper
    FROM pg_class AS c
    JOIN pg_class AS ours ON ours.oid = '"${schema}".wip_view'::regclass
    WHERE c.oid = relation
  ),
  -- a view that the query reads in its turn reads with the rights of its own owner
  reading (oid, reader) AS (
    SELECT mv.oid, mv.owner FROM mv
    UNION
    SELECT c.oid, CASE WHEN 'security_invoker=true' = ANY (c.reloptions) THEN reading.reader ELSE c.relowner END
    FROM reading
    CROSS JOIN LATERAL "${schema}".wip_view_reads(reading.oid) AS read (oid)
    JOIN pg_class AS c ON c.oid = read.oid AND c.relkind = 'v'
  ),
  used AS (
    SELECT mv.owner, mv.keeper, reading.reader, d.refclassid AS class, d.refobjid AS object, d.refobjsubid AS number
    FROM reading
    CROSS JOIN mv
    JOIN pg_rewrite AS r ON r.ev_class = reading.oid AND r.rulename = '_RETURN'
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    WHERE d.refobjid <> reading.oid
  ),
  needed AS (
    SELECT
      mv.keeper AS grantee,
      'MEMBERSHIP' AS privilege,
      mv.owner::regrole::text AS object,
      pg_has_role(mv.keeper, mv.owner, 'USAGE') AS held,
      false AS by_deploy,
      'GRANT ' || mv.owner::regrole AS given
    FROM mv
    UNION ALL
    -- REFRESH CONCURRENTLY compares the rows in a temporary table.
    SELECT
      mv.owner,
      'TEMPORARY',
      quote_ident(current_database()),
      has_database_privilege(mv.owner, current_database(), 'TEMPORARY'),
      false,
      format('GRANT TEMPORARY ON DATABASE %I', current_database())
    FROM mv
    UNION ALL
    SELECT
      used.reader,
      'SELECT',
      name.of_it,
      bool_and(CASE used.number
        WHEN 0 THEN has_any_column_privilege(used.reader, c.oid, 'SELECT')
        ELSE has_column_privilege(used.reader, c.oid, used.number::smallint, 'SELECT')
      END),
      c.relnamespace = '"${schema}"'::regnamespace AND (c.relowner = used.keeper OR pg_has_role(c.relowner, 'USAGE'))
        AND (starts_with(c.relname, 'wip_view_')
          OR EXISTS (SELECT FROM "${schema}".wip_view_settings AS s WHERE s.supporting_views -> c.relname::text IS NOT NULL)),
      'GRANT SELECT ON TABLE ' || name.of_it
    FROM used
    JOIN pg_class AS c ON used.class = 'pg_class'::regclass AND c.oid = used.object AND c.relkind <> 'S'
    CROSS JOIN LATERAL (SELECT c.oid::regclass::text) AS name (of_it)
    GROUP BY used.reader, used.keeper, c.relnamespace, c.relname, c.relkind, c.relowner, name.of_it
    UNION ALL
    SELECT
      used.owner,
      'EXECUTE',
      used.object::regprocedure::text,
      has_function_privilege(used.owner, used.object, 'EXECUTE'),
      false,
      'GRANT EXECUTE ON FUNCTION ' || used.object::regprocedure
    FROM used
    WHERE used.class = 'pg_proc'::regclass
  )
  SELECT n.grantee::regrole::text, n.privilege, n.object, n.held, n.by_deploy, n.given || ' TO ' || n.grantee::regrole
  FROM needed AS n;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_needs(oid) IS
  'What a materialized view needs to be refreshed: the rights of its owner, with which its query runs, and the membership in that role of the owner of wip_view, with whose rights the refresh functions run. by_deploy: a deploy gives it; what is not given by a deploy is the statement of somebody else.';

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
  SELECT c.oid, pg_catalog.quote_ident(c.relname::text) AS name, c.relkind = 'm' AS is_view, c.relowner AS owner
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
    p.proowner AS owner,
    p.proname::text AS name,
    p.pronargs,
    CASE p.prokind WHEN 'p' THEN 'PROCEDURE'::text ELSE 'FUNCTION'::text END AS kind,
    -- what doctor asks, and what refreshes
    p.proname::text IN ('wip_view_why_plain', 'wip_view_definition', 'wip_view_drift', 'wip_view_needs', 'wip_view_reads') AS reads,
    p.proname::text IN (
      'wip_view_request', 'wip_view_request_all', 'wip_view_request_with_sources', 'wip_view_run', 'wip_view_try_run',
      'wip_view_fail', 'refresh_wip_view', 'refresh_all_wip_views', 'refresh_wip_views')
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
    -- these two run with their owner's rights, too
    SELECT 'ROUTINE'::text, routine.signature, routine.owner, routine.refreshes OR routine.name IN ('wip_view_drift', 'wip_view_tidy')
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

COMMENT ON VIEW "${schema}".wip_view_rights IS 'Who is to have what: the roles that wip_view_settings names, those that may refresh a view by themselves (MAINTAIN, from PostgreSQL 17 on), the owners of the views, and the owner of the table wip_view, to whom all that is ours belongs. A row per role and object; of the objects that are ours, only those that belong to the role that looks, and should not.';
COMMENT ON COLUMN "${schema}".wip_view_rights.role IS 'Who is to have the right.';
COMMENT ON COLUMN "${schema}".wip_view_rights.privilege IS 'USAGE, SELECT, EXECUTE or TEMPORARY; OWNERSHIP: the object is to belong to the role; MEMBERSHIP: the role is to be a member of the other one.';
COMMENT ON COLUMN "${schema}".wip_view_rights.object IS 'The schema, relation, routine, database or role.';
COMMENT ON COLUMN "${schema}".wip_view_rights.held IS 'Whether the role has it now, by itself or through another role.';
COMMENT ON COLUMN "${schema}".wip_view_rights.statement IS 'The statement that gives it.';
COMMENT ON COLUMN "${schema}".wip_view_rights.by_deploy IS 'Whether every deploy gives it. What is not ours to give stops a deploy instead, since refreshes would fail.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_unmet(relation oid, OUT what text, OUT remedy text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_agg(lack.what, '; ' ORDER BY lack.what), string_agg(lack.remedy, ' ' ORDER BY lack.what)
  FROM (
    SELECT
      CASE
        WHEN bool_or(n.privilege = 'MEMBERSHIP') THEN n.role || ', with whose rights views are refreshed, is no member of its owner, '
        WHEN n.role = c.relowner::regrole::text THEN format('its owner, %s, lacks ', n.role)
        ELSE n.role || ' lacks '
      END
        || string_agg(concat(nullif(n.privilege, 'MEMBERSHIP') || ' on ', n.object), ', ' ORDER BY n.privilege, n.object),
      string_agg(n.statement || ';', ' ' ORDER BY n.privilege, n.object)
    FROM pg_class AS c
    CROSS JOIN LATERAL "${schema}".wip_view_needs(relation) AS n
    WHERE c.oid = relation AND NOT n.held
    GROUP BY n.role, c.relowner, n.privilege = 'MEMBERSHIP'
  ) AS lack (what, remedy);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_unmet(oid) IS
  'What keeps a materialized view from being refreshed, of the rights that it needs, and the statements that give them; null if it has them all.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_deny(relation oid, denied text)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  unmet record;
BEGIN
  SELECT u.what, u.remedy INTO unmet FROM "${schema}".wip_view_unmet(relation) AS u;
  RAISE EXCEPTION 'cannot refresh the view: %', coalesce(unmet.what, denied)
    USING ERRCODE = 'insufficient_privilege',
          HINT = coalesce(unmet.remedy, format(
            'Its query runs with the rights of its owner, %s: grant that role what is missing.',
            (SELECT c.relowner::regrole FROM pg_class AS c WHERE c.oid = relation)));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_deny(oid, text) IS
  'Says why a refresh was denied: who lacks which right, and the statement that gives it.';

-- A GRANT on a view writes the row of the catalog that a refresh writes, too: it waits for the view's turn, as a
-- promotion does. Turns are taken in the order of refresh_all_wip_views().
CREATE OR REPLACE FUNCTION "${schema}".wip_view_give_rights(only_view text DEFAULT NULL)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  -- puts back what is set within
  SET lock_timeout = 0
AS $function$
DECLARE
  promote_limit CONSTANT interval := coalesce(nullif(current_setting('wip_views.promote_limit', true), ''), '60s');
  wanted record;
BEGIN
  PERFORM set_config('lock_timeout', format('%s ms', ceil(extract(epoch FROM promote_limit) * 1000)), true);
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
      BEGIN
        PERFORM pg_advisory_xact_lock('"${schema}".wip_view'::regclass::oid::integer, hashtext(wanted.view_name));
      EXCEPTION WHEN lock_not_available THEN
        RAISE EXCEPTION 'could not grant rights on % within %: it is being refreshed all that time', wanted.object, promote_limit
          USING ERRCODE = 'lock_not_available',
                HINT = 'Deploy again when that has ended, or allow more time with SET wip_views.promote_limit.';
      END;
    END IF;
    EXECUTE wanted.statement;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_give_rights(text) IS
  'Gives what is missing of the rights in wip_view_rights that are a deploy''s to give: all of them, or those on one view.';

-- Before it is filled, so that it is filled as it will be refreshed.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_meet_needs(relation oid, view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  statement text;
  unmet record;
BEGIN
  FOR statement IN
    SELECT n.statement FROM "${schema}".wip_view_needs(relation) AS n WHERE NOT n.held AND n.by_deploy
  LOOP
    EXECUTE statement;
  END LOOP;

  SELECT u.what, u.remedy INTO unmet FROM "${schema}".wip_view_unmet(relation) AS u;
  IF unmet.what IS NOT NULL THEN
    RAISE EXCEPTION '% could not be refreshed: %', view_name, unmet.what
      USING ERRCODE = 'insufficient_privilege', HINT = unmet.remedy;
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_meet_needs(oid, text) IS
  'Gives the owner of a materialized view what its query reads of ours, and stops where it lacks another right.';

SELECT "${schema}".wip_view_own();
