-- Grants who may refresh and who may read, on every deploy, so that rights that were granted once outlive any change.

-- Preflight has checked the roles that this deploy names: a missing one was dropped since an earlier deploy named it.
DO $access$
DECLARE
  gone pg_catalog.text;
BEGIN
  FOR gone IN
    SELECT DISTINCT named.role
    FROM "${schema}".wip_view_role AS named
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname::pg_catalog.text = named.role)
  LOOP
    RAISE WARNING 'role "%", which an earlier deploy gave rights to, is gone', gone;
  END LOOP;
END
$access$;

SELECT "${schema}".wip_view_grant_rights();

-- the attributes that a view was given by hand since the last deploy
SELECT "${schema}".wip_view_record_attributes(v.view_name) FROM "${schema}".wip_view AS v;

-- for views that an earlier version deployed
SELECT "${schema}".wip_view_note_source_columns();
