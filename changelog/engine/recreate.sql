-- The recovery of a view from the registry, for one whose file is not at hand: built from what the server printed when
-- the view was deployed, and promoted as if its file had run.

SELECT "${schema}".wip_view_snapshot_objects();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_registered_ddl(view_name text)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ddl.statement
  FROM (
    SELECT part.number, CASE part.number
      -- its first line is the version of the server that printed it
      WHEN 1 THEN format('CREATE MATERIALIZED VIEW %I.%I AS%s', 'wip_staging_${schema}', v.view_name, substr(part.ddl, strpos(part.ddl, E'\n')))
      ELSE overlay(part.ddl PLACING format(' ON %I.%I ', 'wip_staging_${schema}', v.view_name)
                   FROM strpos(part.ddl, live.target) FOR length(live.target))
    END
    FROM "${schema}".wip_view AS v
    CROSS JOIN LATERAL (SELECT format(' ON %I.%I ', '${schema}', v.view_name)) AS live (target)
    CROSS JOIN LATERAL regexp_split_to_table(v.definition, E'\n(?=CREATE )') WITH ORDINALITY AS part (ddl, number)
    WHERE v.view_name = wip_view_registered_ddl.view_name
    UNION ALL
    SELECT NULL, unnest(v.frozen_attributes)
    FROM "${schema}".wip_view AS v
    WHERE v.view_name = wip_view_registered_ddl.view_name
  ) AS ddl (number, statement)
  ORDER BY ddl.number NULLS LAST;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_registered_ddl(text) IS
  'The statements that build a registered view in the staging schema, from wip_view.definition: the view, then its indexes; then what was deployed for it while it was frozen.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_recreate(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
DECLARE
  -- no changelog promotes it
  promoted CONSTANT pg_catalog.text := coalesce(pg_catalog.current_setting('wip_views.promoted', true), '');
  registered record;
  statement pg_catalog.text;
BEGIN
  SELECT v.refresh_order, coalesce(v.deployed_target, v.freshness_target) AS freshness_target, v.version
  INTO registered
  FROM "${schema}".wip_view AS v
  WHERE v.view_name OPERATOR(pg_catalog.=) wip_view_recreate.view_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown view "%"', view_name
      USING ERRCODE = 'undefined_object', HINT = 'The registered views are in "${schema}".wip_view.';
  END IF;

  PERFORM "${schema}".wip_view_stage(view_name);
  FOR statement IN SELECT ddl.* FROM "${schema}".wip_view_registered_ddl(view_name) AS ddl LOOP
    EXECUTE statement;
  END LOOP;
  PERFORM "${schema}".wip_view_promote(view_name, registered.refresh_order, registered.freshness_target, registered.version);
  PERFORM pg_catalog.set_config('wip_views.promoted', promoted, false);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_recreate(text) IS
  'Recreates a registered view from the registry, beside the live one if there is one, and promotes it: for a view whose file is not at hand. One that is gone gets back what wip_view.attributes knows of it.';

SELECT "${schema}".wip_view_revoke_default_privileges();
