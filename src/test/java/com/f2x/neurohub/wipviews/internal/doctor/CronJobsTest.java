package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.testing.CronServer.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.CronServer;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the doctor says of pg_cron's jobs, on a real pg_cron. */
@Thorough
class CronJobsTest {

  private static CronServer server;

  private final WipViews views = server == null ? null : WipViews.of(server.dataSource(HOME));

  @BeforeAll
  static void views_in_pg_crons_database() throws Exception {
    server = CronServer.start();
    server.execute("postgres", "CREATE DATABASE " + HOME, "CREATE ROLE reader LOGIN");
    WipViewsMigration.of(server.dataSource(HOME)).installMinimalMes();
    WipViewsMigration.of(server.dataSource(HOME))
        .with("pg-cron")
        .withParameter("readerRole", "reader")
        .update();
    // it looks whether they would run, and must not
    server.execute(HOME, "UPDATE cron.job SET schedule = '0 0 30 2 *'");
  }

  @AfterAll
  static void stop() throws Exception {
    if (server != null) {
      server.close();
    }
  }

  @AfterEach
  void all_is_well_again() {
    assertThat(views.diagnose()).isEmpty();
  }

  @Test
  void jobs_that_are_gone_are_a_problem() throws Exception {
    server.execute(HOME, "DELETE FROM cron.job WHERE jobname LIKE 'wip-views off-hours %'");

    Finding found = theOne("its jobs are gone");

    assertThat(found.remedy()).containsExactly("wip-views update --with pg-cron");
    // that command, by what it calls
    WipViewsMigration.of(server.dataSource(HOME)).with("pg-cron").update();
    server.execute(HOME, "UPDATE cron.job SET schedule = '0 0 30 2 *'");
  }

  @Test
  void a_job_that_failed_twice_is_a_problem() throws Exception {
    server.execute(HOME, run("wip-views production %", "failed", "connection failed"));
    assertThat(views.diagnose()).as("one may be an accident").isEmpty();
    server.execute(HOME, run("wip-views production %", "failed", "connection failed"));

    Finding found = theOne("the last two runs of the job failed: connection failed");

    assertThat(found.subject()).isEqualTo("wip-views production cron_home.public");
    assertThat(found.remedy()).containsExactly("CALL public.refresh_wip_views();");
    server.execute(HOME, found.remedy().get(0));
    server.execute(HOME, run("wip-views production %", "succeeded", "CALL"));
  }

  @Test
  void a_job_that_calls_the_function_of_one_view_is_watched_too() throws Exception {
    try (Connection connection = server.dataSource(HOME).getConnection()) {
      new OwnView("mv_halls", "SELECT 1 AS id", "id").promoteOn(connection);
    }
    server.execute(
        HOME,
        "SELECT cron.schedule('of mv_halls', '0 0 30 2 *', 'SELECT refresh_halls()')",
        "SELECT cron.schedule('of no view', '0 0 30 2 *', 'SELECT refresh_hall()')");
    for (String job : List.of("of mv_halls", "of no view")) {
      server.execute(HOME, run(job, "failed", "gone"), run(job, "failed", "gone"));
    }

    assertThat(theOne("the last two runs of the job failed: gone").subject())
        .isEqualTo("of mv_halls");

    server.execute(
        HOME,
        "SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname LIKE 'of %'",
        "SELECT wip_view_remove('mv_halls')");
  }

  /** As pg_cron puts a run on record. */
  private static String run(String job, String status, String message) {
    return "INSERT INTO cron.job_run_details (jobid, runid, database, username, command, status,"
        + " return_message, start_time, end_time) SELECT jobid, nextval('cron.runid_seq'),"
        + " database, username, command, '"
        + status
        + "', '"
        + message
        + "', now(), now() FROM cron.job WHERE jobname LIKE '"
        + job
        + "'";
  }

  @Test
  void jobs_of_a_schema_that_was_renamed_are_named_and_replaced() throws Exception {
    server.execute(HOME, "CREATE SCHEMA hall_1");
    in("hall_1").installMinimalMes();
    in("hall_1").with("pg-cron").withParameter("cronProduction", "*/3 * * * *").update();
    server.execute(HOME, "ALTER SCHEMA hall_1 RENAME TO hall_2");
    in("hall_2").update();

    List<Finding> found =
        WipViews.of(server.dataSource(HOME)).withSchema("hall_2").diagnose().stream()
            .filter(finding -> finding.check().equals("pg-cron"))
            .toList();
    assertThat(found)
        .extracting(Finding::subject)
        .contains("wip-views production cron_home.hall_1", "wip-views off-hours cron_home.hall_1");
    assertThat(found)
        .flatExtracting(Finding::remedy)
        .containsOnly("wip-views update --with pg-cron --schema hall_2");
    in("hall_2").with("pg-cron").update();

    assertThat(jobsOfHalls())
        .containsExactly(
            "wip-views production cron_home.hall_2 | */3 * * * *",
            "wip-views off-hours cron_home.hall_2 | */15 0-5,23 * * *",
            "wip-views pruning cron_home.hall_2 | 17 3 * * *");
    server.execute(HOME, "ALTER SCHEMA hall_2 RENAME TO hall_3");
    in("hall_3").update();
    in("hall_3").rollback();
    assertThat(jobsOfHalls()).isEmpty();
    server.execute(HOME, "DROP SCHEMA hall_3 CASCADE");
  }

  private static WipViewsMigration in(String schema) {
    return WipViewsMigration.of(server.dataSource(HOME)).withSchema(schema);
  }

  private static List<String> jobsOfHalls() throws Exception {
    return server.rows(
        HOME, "SELECT jobname, schedule FROM cron.job WHERE jobname ~ 'hall' ORDER BY jobid");
  }

  @Test
  void a_role_that_may_not_use_pg_cron_is_told_so() {
    assertThat(WipViews.of(server.dataSource(HOME, "reader")).diagnose())
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.check()).isEqualTo("pg-cron");
              assertThat(finding.severity()).isEqualTo(Severity.UNKNOWN);
              assertThat(finding.what()).contains("permission denied for schema cron");
            });
  }

  @Test
  void a_role_that_sees_no_jobs_but_its_own_is_told_so() throws Exception {
    server.execute(
        HOME,
        "GRANT USAGE ON SCHEMA cron TO reader",
        "GRANT SELECT ON databasechangelog TO reader");

    assertThat(WipViews.of(server.dataSource(HOME, "reader")).diagnose())
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.UNKNOWN);
              assertThat(finding.what()).contains("no jobs of pg_cron but its own");
            });
    server.execute(
        HOME,
        "REVOKE USAGE ON SCHEMA cron FROM reader",
        "REVOKE SELECT ON databasechangelog FROM reader");
  }

  @Test
  void an_extension_that_is_gone_is_a_problem() throws Exception {
    server.execute(HOME, "DROP EXTENSION pg_cron");

    theOne("its jobs are gone");
    WipViewsMigration.of(server.dataSource(HOME)).with("pg-cron").update();
    server.execute(HOME, "UPDATE cron.job SET schedule = '0 0 30 2 *'");
  }

  private Finding theOne(String what) {
    List<Finding> found = views.diagnose();
    assertThat(found).hasSize(1);
    assertThat(found.get(0).check()).isEqualTo("pg-cron");
    assertThat(found.get(0).severity()).isEqualTo(Severity.PROBLEM);
    assertThat(found.get(0).what()).contains(what);
    return found.get(0);
  }
}
