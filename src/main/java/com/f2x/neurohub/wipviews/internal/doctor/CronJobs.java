package com.f2x.neurohub.wipviews.internal.doctor;

import java.util.ArrayList;
import java.util.List;
import org.jooq.impl.DSL;

/**
 * A job of pg_cron that is gone although it was deployed, that fails, or that calls what is not
 * there any more. Looks where pg_cron keeps its jobs in this database; a job that was switched off
 * was meant so.
 */
final class CronJobs implements Check {

  private static final String STALE =
      """
      j.jobname LIKE 'wip-views %'
        AND j.database = current_database()
        AND j.command ~ '^CALL .+[.]refresh_wip_views[(][)]$'
        AND NOT EXISTS (SELECT FROM pg_namespace AS n WHERE j.command = format('CALL %I.refresh_wip_views()', n.nspname))
      """;

  @Override
  public String id() {
    return "pg-cron";
  }

  @Override
  public List<Fault> look(Site site) {
    boolean there =
        site.db().fetchExists(DSL.table("pg_extension"), DSL.condition("extname = 'pg_cron'"));
    boolean deployed = isDeployed(site);
    if (!there) {
      return deployed ? List.of(gone(site)) : List.of();
    }
    // names what this role may not use, where it may not
    int jobs =
        site.db()
            .fetchSingle(
                """
                SELECT count(DISTINCT split_part(j.jobname, ' ', 2))
                FROM cron.job AS j
                WHERE j.jobname ~ '^wip-views (production|off-hours) '
                  AND j.database = current_database()
                  AND j.command = format('CALL %I.refresh_wip_views()', ?::text)
                """,
                site.schema())
            .get(0, Integer.class);
    List<Fault> faults = new ArrayList<>(stale(site, deployed));
    if (deployed && jobs < 2) {
      faults.add(othersAreHidden(site) ? hidden() : gone(site));
    }
    faults.addAll(failing(site));
    return faults;
  }

  /** Whether Liquibase has it on record, as far as this role may read that. */
  private static boolean isDeployed(Site site) {
    String log = site.qualified("databasechangelog");
    return Boolean.TRUE.equals(
            site.db()
                .fetchSingle(
                    "SELECT to_regclass({0}) IS NOT NULL AND has_table_privilege({0}, 'SELECT')",
                    DSL.val(log))
                .get(0, Boolean.class))
        && site.db()
            .fetchExists(
                DSL.table(DSL.name(site.schema(), "databasechangelog")),
                DSL.condition("id = 'pg-cron' AND author = 'wip-views'"));
  }

  private static boolean othersAreHidden(Site site) {
    return site.db().fetchSingle("SELECT row_security_active('cron.job')").get(0, Boolean.class);
  }

  private Fault hidden() {
    return new Fault(
        id(),
        false,
        null,
        "could not look: this role sees no jobs of pg_cron but its own",
        "Look as the role that deployed, or as a superuser.",
        List.of(),
        false);
  }

  private Fault gone(Site site) {
    return Fault.of(
        this,
        null,
        "the changelog pg-cron was deployed here, but its jobs are gone",
        "Nothing refreshes the views, unless something else does.",
        site.command("update", "--with", "pg-cron"));
  }

  /** What pg-cron.sql replaces, too: the schema was renamed since, or is gone. */
  private List<Fault> stale(Site site, boolean deployed) {
    return site.db()
        .resultQuery("SELECT j.jobid, j.jobname, j.command FROM cron.job AS j WHERE " + STALE)
        .fetch(
            row ->
                Fault.of(
                    this,
                    row.get(1, String.class),
                    "the job calls a procedure in a schema that is not there: "
                        + row.get(2, String.class),
                    "It fails each time. A schema that was renamed gets jobs of its new name.",
                    deployed
                        ? site.command("update", "--with", "pg-cron")
                        : "SELECT cron.unschedule(" + row.get(0, Long.class) + ");"));
  }

  private List<Fault> failing(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT j.jobname, j.command, latest.message
            FROM cron.job AS j
            CROSS JOIN LATERAL (
              SELECT count(*) AS runs, bool_and(d.status = 'failed') AS failed, (array_agg(d.return_message))[1] AS message
              FROM (
                SELECT d.status, d.return_message
                FROM cron.job_run_details AS d
                WHERE d.jobid = j.jobid AND d.status IN ('succeeded', 'failed')
                ORDER BY d.runid DESC
                LIMIT 2
              ) AS d
            ) AS latest
            WHERE j.active
              AND j.database = current_database()
              AND j.command ~ 'refresh_(wip|all_wip|process_wip)'
              AND latest.runs = 2
              AND latest.failed
              AND NOT (%s)
            ORDER BY j.jobname
            """
                .replace("%s", STALE))
        .fetch(
            row -> {
              String command = row.get(1, String.class).strip().replaceFirst(";$", "");
              return Fault.of(
                  this,
                  row.get(0, String.class),
                  "the last two runs of the job failed: " + row.get(2, String.class).strip(),
                  "The views are not refreshed on schedule. If its command works by hand, it is"
                      + " pg_cron that cannot log in: pg_hba.conf, cron.host or"
                      + " cron.use_background_workers. The finding ends with the next run that"
                      + " succeeds.",
                  command + ";");
            });
  }
}
