-- What is frozen: wip_view_freeze() has put a definition over a copy of its rows in its place. The catalog tells, so that
-- a view that somebody replaced by hand is not taken for one that is frozen.

SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_frozen');

CREATE OR REPLACE VIEW "${schema}".wip_view_frozen AS
SELECT
  known.view_name,
  known.frozen_at,
  copy.relname::text AS copy
FROM (
  SELECT v.view_name, v.frozen_at
  FROM "${schema}".wip_view AS v
  UNION ALL
  SELECT support.name, NULL
  FROM "${schema}".wip_view_settings AS s
  CROSS JOIN LATERAL pg_catalog.jsonb_object_keys(s.supporting_views) AS support (name)
) AS known
JOIN pg_catalog.pg_class AS c
  ON c.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
  AND c.relname = known.view_name
JOIN pg_catalog.pg_rewrite AS query
  ON query.ev_class = c.oid
  AND query.rulename = '_RETURN'
CROSS JOIN LATERAL (
  SELECT source.relname
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_class AS source ON source.oid = d.refobjid
  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid
    AND d.objid = query.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
    AND source.relnamespace = c.relnamespace
    AND pg_catalog.starts_with(source.relname::text, 'wip_view_copy_'::text)
  LIMIT 1
) AS copy;

COMMENT ON VIEW "${schema}".wip_view_frozen IS 'What is frozen: the registered views, and the ordinary ones that they read, that show a copy of their rows and read nothing else, while the tables underneath are migrated. A refresh of them does nothing. wip_view_thaw() ends it.';
COMMENT ON COLUMN "${schema}".wip_view_frozen.view_name IS 'The view, as registered in wip_view, or one of wip_view_settings.supporting_views.';
COMMENT ON COLUMN "${schema}".wip_view_frozen.frozen_at IS 'Since when; null for an ordinary view.';
COMMENT ON COLUMN "${schema}".wip_view_frozen.copy IS 'What has its rows.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_is_frozen(view_name text)
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT EXISTS (SELECT FROM "${schema}".wip_view_frozen AS f WHERE f.view_name = wip_view_is_frozen.view_name);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_is_frozen(text) IS
  'Whether a view is frozen.';
