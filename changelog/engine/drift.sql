-- The end of every deploy: drops what promotions retired, and names the views that are gone or were changed by hand since
-- they were deployed; it leaves those alone.

SELECT "${schema}".wip_view_drop_retired();

DO $drift$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT f.subject, f.what, f.remedy FROM "${schema}".wip_view_find_view_state() AS f WHERE NOT f.safe
    UNION ALL
    SELECT f.subject, f.what, f.remedy FROM "${schema}".wip_view_find_unique_index() AS f
    UNION ALL
    SELECT f.subject, f.what, f.remedy FROM "${schema}".wip_view_find_drift() AS f
  LOOP
    RAISE WARNING '%: %; run %', found.subject, found.what, found.remedy[pg_catalog.cardinality(found.remedy)];
  END LOOP;
END
$drift$;
