DO $trigger$
DECLARE
  log pg_catalog.regclass;
BEGIN
  FOR log IN
    SELECT t.tgrelid
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgfoid = pg_catalog.to_regprocedure('"${schema}".wip_view_keep_place()')
  LOOP
    EXECUTE pg_catalog.format('DROP TRIGGER wip_views_keep_place ON %s', log);
  END LOOP;
END
$trigger$;

DROP FUNCTION "${schema}".wip_view_keep_place();
