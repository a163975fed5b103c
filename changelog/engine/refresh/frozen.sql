-- Which views are frozen, so that they read a copy of their rows. This is read from the catalog, so that a view that was replaced
-- by hand is not taken for a frozen one.

SELECT "${schema}".wip_view_acquire_exclusive('replace', 'wip_view_frozen');

CREATE OR REPLACE VIEW "${schema}".wip_view_frozen AS
SELECT DISTINCT
  c.relname::text AS view_name,
  v.frozen_at,
  copy.relname::text AS copy
FROM pg_catalog.pg_class AS copy
JOIN pg_catalog.pg_depend AS d
  ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
  AND d.refobjid = copy.oid
  AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid
JOIN pg_catalog.pg_rewrite AS query
  ON query.oid = d.objid
  AND query.rulename = '_RETURN'
JOIN pg_catalog.pg_class AS c
  ON c.oid = query.ev_class
  AND c.relnamespace = copy.relnamespace
  AND NOT pg_catalog.starts_with(c.relname::text, 'wip_view_copy_'::text)
LEFT JOIN "${schema}".wip_view AS v
  ON v.view_name = c.relname
WHERE copy.relnamespace = '"${schema}"'::pg_catalog.regnamespace::oid
  -- those that begin so, by index
  AND copy.relname >= 'wip_view_copy_'
  AND copy.relname < 'wip_view_copy`';

COMMENT ON VIEW "${schema}".wip_view_frozen IS 'What is frozen: the registered views, and the ordinary ones that they read, that show a copy of their rows and read nothing else, while the tables underneath are migrated. A refresh of them does nothing. wip_view_thaw() ends it.';
COMMENT ON COLUMN "${schema}".wip_view_frozen.view_name IS 'The view, as registered in wip_view, or one of wip_view_settings.supporting_views.';
COMMENT ON COLUMN "${schema}".wip_view_frozen.frozen_at IS 'Since when; null for an ordinary view.';
COMMENT ON COLUMN "${schema}".wip_view_frozen.copy IS 'What has its rows.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_is_frozen(view_name text)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN EXISTS (SELECT FROM "${schema}".wip_view_frozen AS f WHERE f.view_name = wip_view_is_frozen.view_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_is_frozen(text) IS
  'Whether a view is frozen.';
