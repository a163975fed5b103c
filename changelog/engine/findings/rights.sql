-- A role that lost what a deploy gave it, or is gone.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_find_rights()
  RETURNS TABLE (priority integer, subject text, what text, why text, remedy text[], safe boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    3,
    lacks.role,
    'the role lacks ' || lacks.named || coalesce(' and ' || nullif(greatest(lacks.number - 3, 0), 0) || ' more', ''),
    CASE
      WHEN lacks.by_deploy THEN 'The deploy gave it these rights; what it does with them fails.'
      ELSE 'Refreshes run with its rights, and fail.'
    END,
    lacks.statements,
    lacks.by_deploy
  FROM (
    SELECT
      r.role,
      r.by_deploy,
      count(*) AS number,
      string_agg(r.privilege || ' on ' || r.object, ', ' ORDER BY r.place) FILTER (WHERE r.place <= 3) AS named,
      array_agg(r.statement || ';' ORDER BY r.place) AS statements
    FROM (
      SELECT w.*, row_number() OVER (PARTITION BY w.role, w.by_deploy ORDER BY w.privilege DESC, w.object) AS place
      FROM "${schema}".wip_view_rights AS w
      WHERE NOT w.held
    ) AS r
    GROUP BY r.role, r.by_deploy
    ORDER BY r.by_deploy DESC, r.role
  ) AS lacks
  UNION ALL
  SELECT
    3,
    gone.roles,
    'no such role, but the settings name it',
    'Whatever logged in as that role cannot any more. Create it again and deploy, or take it off the settings.',
    ARRAY[format('UPDATE %I.wip_view_settings SET refresher_role = %L, reader_role = %L;', '${schema}', there.refreshers, there.readers)],
    false
  FROM "${schema}".wip_view_settings AS s
  CROSS JOIN LATERAL (
    SELECT string_agg(DISTINCT trim(n.role), ', ') AS roles
    FROM regexp_split_to_table(s.refresher_role || ',' || s.reader_role, ',') AS n (role)
    WHERE trim(n.role) <> '' AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = trim(n.role))
  ) AS gone
  CROSS JOIN LATERAL (
    SELECT
      coalesce((
        SELECT string_agg(trim(n.role), ',')
        FROM regexp_split_to_table(s.refresher_role, ',') AS n (role)
        JOIN pg_roles AS r ON r.rolname = trim(n.role)), '') AS refreshers,
      coalesce((
        SELECT string_agg(trim(n.role), ',')
        FROM regexp_split_to_table(s.reader_role, ',') AS n (role)
        JOIN pg_roles AS r ON r.rolname = trim(n.role)), '') AS readers
  ) AS there
  WHERE gone.roles IS NOT NULL;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_rights() IS
  'Roles that lack a right of wip_view_rights, or are gone.';
