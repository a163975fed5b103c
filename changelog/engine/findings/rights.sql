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
    named.role,
    'no such role, but a deploy gave it rights',
    'Services that logged in as this role no longer can. Create it again and deploy, or delete its row.',
    ARRAY[format('DELETE FROM %I.wip_view_role WHERE role = %L;', '${schema}', named.role)],
    false
  FROM "${schema}".wip_view_role AS named
  WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = named.role)
  GROUP BY named.role;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_find_rights() IS
  'Roles that lack a right of wip_view_rights, or are gone.';
