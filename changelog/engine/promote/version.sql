-- Which of two versions of a view is the older one.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_version_numbers(version text)
  RETURNS numeric[]
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_to_array(regexp_replace(substring(version FROM '^[0-9]+(?:[.][0-9]+)*'), '([.]0+)+$', ''), '.')::numeric[];
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_version_numbers(text) IS
  'The numbers with which a version begins, for comparison: 2.10 is higher than 2.9, 2.1-SNAPSHOT is 2.1 and 2.1.0. Null if it begins with none.';

-- Of two services of different versions the older one may start last: a rolling deploy, an old instance that comes back.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_is_older(view_name text, version text)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  deployed "${schema}".wip_view;
BEGIN
  IF "${schema}".wip_view_version_numbers(version) IS NULL AND version IS NOT NULL THEN
    RAISE EXCEPTION 'version "%" of % does not begin with a number', version, view_name
      USING ERRCODE = 'invalid_parameter_value', HINT = 'It is compared by its numbers: 3, 2.1 or 2026.11.27.';
  END IF;

  SELECT * INTO deployed FROM "${schema}".wip_view AS v WHERE v.view_name = "${schema}".wip_view_current_name(wip_view_is_older.view_name);
  IF deployed.version IS NULL
    OR "${schema}".wip_view_version_numbers(version) >= "${schema}".wip_view_version_numbers(deployed.version)
  THEN
    RETURN false;
  ELSIF to_regclass(format('%I.%I', '${schema}', deployed.view_name)) IS NULL THEN
    RAISE EXCEPTION '% is missing; version % of it was deployed, and this is %', deployed.view_name, deployed.version, coalesce(version, 'without one')
      USING ERRCODE = 'undefined_table',
            HINT = 'Bring back what was deployed: ' || "${schema}".wip_view_command('recreate', deployed.view_name);
  END IF;
  RAISE WARNING '% stays as version % has deployed it; this one is %', deployed.view_name, deployed.version,
      coalesce('version ' || version, 'without a version')
    USING HINT = 'To go back to an earlier definition, deploy it with a higher version.';
  RETURN true;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_is_older(text, text) IS
  'Whether a view was deployed with a higher version than this one, and says so.';
