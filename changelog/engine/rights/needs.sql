-- The rights that the refresh of a materialized view needs, and the error where one is missing. Its query runs with the rights
-- of its owner, whichever role refreshes it, so the owner must be allowed to read what the query reads. Only the owner of a
-- view can refresh it, so the keeper (the owner of wip_view, as which the refresh functions run) must be a member of that role.

SELECT "${schema}".wip_view_snapshot_objects();

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
  -- a view that the query reads is itself read with the rights of its own owner
  reading (oid, reader) AS (
    SELECT mv.oid, mv.owner FROM mv
    UNION
    SELECT c.oid, CASE WHEN "${schema}".wip_view_is_invokers(c.oid) THEN reading.reader ELSE c.relowner END
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
  'What a materialized view needs to be refreshed: the rights of its owner, with which its query runs, and the membership in that role of the owner of wip_view, with whose rights the refresh functions run. by_deploy: a deploy grants it; otherwise another role must run the statement.';

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
  'The rights that a materialized view lacks for its refresh, and the statements that grant them; null if it has them all.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_raise_denied(relation oid, denied text)
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

COMMENT ON FUNCTION "${schema}".wip_view_raise_denied(oid, text) IS
  'Raises the error of a refresh that was denied: which role lacks which right, and the statement that grants it.';

-- This comes before the view is filled, so that it is filled as it will be refreshed.
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
  'Grants the owner of a materialized view what its query reads of wip-views, and stops where the owner lacks another right.';

SELECT "${schema}".wip_view_revoke_default_privileges();
