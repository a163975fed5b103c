-- Who may refresh and who may read: run on every deploy, so that what was granted once is there after any change.

-- Preflight has looked at those that were named now: such a one was dropped since an earlier deploy named it.
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

-- what somebody has given a view since the last deploy
SELECT "${schema}".wip_view_record_attributes(v.view_name) FROM "${schema}".wip_view AS v;

-- of views that an earlier version deployed
SELECT "${schema}".wip_view_note_source_columns();
