-- The parameters of a deploy: a given one changes its setting, one that is left out keeps it. A parameter that names roles
-- names all of its kind.

INSERT INTO "${schema}".wip_view_settings DEFAULT VALUES ON CONFLICT DO NOTHING;

UPDATE "${schema}".wip_view_settings
SET history_retention = coalesce(nullif($value$${historyRetention}$value$, '')::interval, history_retention);

WITH given AS (
  SELECT DISTINCT pg_catalog.btrim(named.role) AS role, parameter.may_refresh
  FROM (VALUES ($value$${refresherRole}$value$::text, true), ($value$${readerRole}$value$::text, false)) AS parameter (roles, may_refresh)
  CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(parameter.roles, ','::text) AS named (role)
  WHERE pg_catalog.btrim(named.role) <> ''::text
),
no_longer AS (
  DELETE FROM "${schema}".wip_view_role AS r
  WHERE r.may_refresh IN (SELECT given.may_refresh FROM given)
    AND r.role NOT IN (SELECT given.role FROM given WHERE given.may_refresh = r.may_refresh)
)
INSERT INTO "${schema}".wip_view_role (role, may_refresh)
SELECT given.role, given.may_refresh FROM given
ON CONFLICT DO NOTHING;
