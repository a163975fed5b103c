DO $findings$
DECLARE
  routine pg_catalog.regprocedure;
BEGIN
  FOR routine IN SELECT c.routine FROM "${schema}".wip_view_checks() AS c LOOP
    EXECUTE pg_catalog.format('DROP FUNCTION %s', routine);
  END LOOP;
END
$findings$;
DROP FUNCTION
  "${schema}".wip_view_cron_jobs(),
  "${schema}".wip_view_keeper_of_dead_rows(text),
  "${schema}".wip_view_may_read(text[]),
  "${schema}".wip_view_sizes(),
  "${schema}".wip_view_size_of(oid),
  "${schema}".wip_view_source_tables(),
  "${schema}".wip_view_findings(text),
  "${schema}".wip_view_run_check(text, regprocedure),
  "${schema}".wip_view_checks();
