package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.testing.CronServer.FACTORY;
import static com.f2x.neurohub.wipviews.testing.CronServer.HOME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.CronServer;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The guide's Option 4, on a real pg_cron. */
@Thorough
class PgCronTest {

  private static final List<String> NEW_JOBS =
      List.of(
          "wip-views production cron_home.public | */2 6-22 * * * | cron_home | postgres",
          "wip-views off-hours cron_home.public | */15 0-5,23 * * * | cron_home | postgres",
          "wip-views pruning cron_home.public | 17 3 * * * | cron_home | postgres");

  private static CronServer server;

  private final List<String> told = new ArrayList<>();

  @BeforeAll
  static void views_in_pg_crons_database_and_in_another() throws Exception {
    server = CronServer.start();
    server.deploy();
    WipViewsMigration.of(server.dataSource(HOME)).only("pg-cron").update();
  }

  @AfterAll
  static void stop() throws Exception {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void no_job_yet() throws Exception {
    server.execute(
        HOME,
        "DELETE FROM cron.job",
        "DELETE FROM cron.job_run_details",
        "DELETE FROM databasechangelog WHERE id = 'pg-cron'");
  }

  private WipViewsMigration in(String database) {
    return WipViewsMigration.of(server.dataSource(database)).withProgress(told::add);
  }

  /** Without the root, which is deployed already: the same changeset, sooner. */
  private WipViewsMigration cron() {
    return in(HOME).only("pg-cron");
  }

  private static List<String> jobs() throws Exception {
    return server.rows(
        HOME, "SELECT jobname, schedule, database, username FROM cron.job ORDER BY jobid");
  }

  private static WipViewsException refusal(Runnable deploy) {
    return catchThrowableOfType(WipViewsException.class, deploy::run);
  }

  @Test
  void an_update_schedules_the_guides_hours_and_names_its_clock() throws Exception {
    in(HOME).with("pg-cron").update();

    assertThat(jobs()).isEqualTo(NEW_JOBS);
    assertThat(server.rows(HOME, "SELECT command FROM cron.job ORDER BY jobid LIMIT 2"))
        .containsOnly("CALL public.refresh_wip_views()");
    assertThat(told)
        .contains(
            "  pg_cron refreshes at \"*/2 6-22 * * *\" and at \"*/15 0-5,23 * * *\" on its own"
                + " clock, which is GMT; for a factory elsewhere give its zone, such as"
                + " cronZone=Asia/Seoul");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Asia/Seoul     | */2 0-13,21-23 * * * | */15 14-20 * * *
          America/Bogota | */2 0-3,11-23 * * *  | */15 4-10 * * *
          """)
  void the_hours_are_shifted_to_the_zone_of_the_factory(
      String zone, String production, String offHours) throws Exception {
    cron().withParameter("cronZone", zone).update();

    assertThat(server.rows(HOME, "SELECT schedule FROM cron.job ORDER BY jobid LIMIT 2"))
        .containsExactly(production, offHours);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"Europe/Berlin", "Asia/Kolkata"})
  void a_zone_whose_hours_pg_cron_cannot_keep_is_refused(String zone) throws Exception {
    WipViewsException refusal = refusal(() -> cron().withParameter("cronZone", zone).update());

    assertThat(refusal)
        .hasMessageContaining("cannot keep to the hours of " + zone + ": its clock is GMT");
    assertThat(refusal.remedy().orElseThrow())
        .contains("cron.timezone = '" + zone + "'", "cronProduction and cronOffHours");
    assertThat(jobs()).isEmpty();
  }

  @ParameterizedTest(name = "{0} = {1}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          cronZone       | Seoul               | not a time zone such as "Asia/Seoul"
          cronProduction | often               | not a cron expression such as "*/2 6-22 * * *"
          cronOffHours   | 0 0 * *             | not a cron expression such as "*/2 6-22 * * *"
          cronRetention  | 7                   | not an interval above 0 such as "7 days"
          cronRetention  | a week              | not an interval above 0 such as "7 days"
          cronRetention  | -1 day              | not an interval above 0 such as "7 days"
          viewsDatabase  | nowhere             | which is not a database of this server
          """)
  void a_parameter_that_cannot_be_read_is_refused(String name, String value, String wanted)
      throws Exception {
    assertThatThrownBy(() -> cron().withParameter(name, value).update())
        .isInstanceOf(WipViewsException.class)
        .hasMessage("parameter %s is \"%s\", %s", name, value, wanted);
    assertThat(jobs()).isEmpty();
  }

  @Test
  void a_run_once_more_replaces_the_jobs_and_keeps_their_cadence() throws Exception {
    cron()
        .withParameter("cronZone", "Asia/Seoul")
        .withParameter("cronRetention", "2 days")
        .update();
    String everything = "SELECT * FROM cron.job ORDER BY jobid";
    List<String> before = server.rows(HOME, everything);

    in(HOME).with("pg-cron").update();
    in(HOME).with("pg-cron").update();

    assertThat(server.rows(HOME, everything)).isEqualTo(before).hasSize(3);
    assertThat(before.get(2)).contains("interval '2 days'");
  }

  @Test
  void a_changed_cadence_changes_the_job_and_no_other() throws Exception {
    cron().withParameter("cronZone", "Asia/Seoul").update();

    cron().withParameter("cronProduction", "* 21-23 * * 1-5").update();

    assertThat(jobs())
        .containsExactly(
            "wip-views production cron_home.public | * 21-23 * * 1-5 | cron_home | postgres",
            "wip-views off-hours cron_home.public | */15 14-20 * * * | cron_home | postgres",
            "wip-views pruning cron_home.public | 17 3 * * * | cron_home | postgres");
  }

  @Test
  void a_job_that_was_switched_off_by_hand_stays_off() throws Exception {
    cron().update();
    server.execute(HOME, "SELECT cron.alter_job(min(jobid), active => false) FROM cron.job");

    cron().update();

    assertThat(server.rows(HOME, "SELECT active FROM cron.job ORDER BY jobid"))
        .containsExactly("f", "t", "t");
  }

  @Test
  void the_guides_own_job_is_replaced_and_its_cadence_kept() throws Exception {
    server.execute(
        HOME,
        "SELECT cron.schedule('refresh-wip-views', '*/3 21-23,0-13 * * *',"
            + " 'SELECT refresh_all_wip_views();')",
        "SELECT cron.schedule_in_database('refresh-wip-views of another', '* * 1 1 *', 'SELECT"
            + " refresh_all_wip_views();', 'postgres')");

    cron().update();

    assertThat(jobs())
        .contains(
            "wip-views production cron_home.public | */3 21-23,0-13 * * * | cron_home | postgres",
            "refresh-wip-views of another | * * 1 1 * | postgres | postgres")
        .hasSize(4);
    assertThat(told)
        .contains(
            "  replaced the job refresh-wip-views of role postgres (*/3 21-23,0-13 * * *: SELECT"
                + " refresh_all_wip_views();)");
  }

  @Test
  void a_superuser_takes_over_only_the_cadence_of_anothers_jobs() throws Exception {
    server.execute(
        HOME,
        "DROP ROLE IF EXISTS former_owner",
        "CREATE ROLE former_owner SUPERUSER LOGIN",
        "SET ROLE former_owner",
        "SELECT cron.schedule('wip-views production cron_home.public', '*/5 * * * *', 'CALL"
            + " public.refresh_wip_views()')",
        "SELECT cron.schedule('wip-views pruning cron_home.public', '0 0 * * *', $$SELECT now()"
            + " < now() - interval '1 day'; ALTER ROLE former_owner SUPERUSER$$)",
        "RESET ROLE");
    assertThat(jobs()).hasSize(2).allMatch(job -> job.endsWith("former_owner"));

    cron().update();

    assertThat(jobs())
        .contains("wip-views production cron_home.public | */5 * * * * | cron_home | postgres")
        .hasSize(3);
    assertThat(server.rows(HOME, "SELECT command FROM cron.job ORDER BY jobid"))
        .noneMatch(command -> command.contains("former_owner"));
  }

  @Test
  void an_update_that_does_not_name_pg_cron_leaves_its_jobs_alone() throws Exception {
    in(HOME).with("pg-cron").withParameter("cronZone", "Asia/Seoul").update();
    List<String> before = jobs();

    in(HOME).update();
    in(HOME).recreate(List.of());

    assertThat(jobs()).isEqualTo(before);
    assertThat(server.rows(HOME, "SELECT id FROM databasechangelog WHERE id = 'pg-cron'"))
        .hasSize(1);
  }

  @Test
  void the_script_of_update_sql_schedules_the_same() throws Exception {
    StringWriter script = new StringWriter();
    in(HOME).with("pg-cron").withParameter("cronZone", "Asia/Seoul").updateSql(script);
    assertThat(jobs()).isEmpty();

    try (Connection connection = server.dataSource(HOME).getConnection();
        Statement statement = connection.createStatement()) {
      // without what is psql's
      statement.execute(script.toString().replaceAll("(?m)^\\\\.*", ""));
    }

    assertThat(jobs()).hasSize(3).first().asString().contains("*/2 0-13,21-23 * * *");
  }

  @Test
  void a_rollback_unschedules_ours_and_leaves_the_jobs_of_others() throws Exception {
    // too long for the name of a job
    String schema = "Montage Süd, Linie 4: Prüfung und Verpackung";
    server.execute(HOME, "CREATE SCHEMA \"" + schema + "\"");
    WipViewsMigration side = in(HOME).withSchema(schema);
    side.installMinimalMes();
    side.with("pg-cron").update();
    cron().update();
    server.execute(
        HOME,
        "SELECT cron.schedule('nightly vacuum', '0 3 * * *', 'VACUUM')",
        "INSERT INTO cron.job_run_details (jobid, command) SELECT jobid, command FROM cron.job");
    assertThat(jobs()).hasSize(7);
    assertThat(server.rows(HOME, "SELECT command FROM cron.job"))
        .contains("CALL \"" + schema + "\".refresh_wip_views()");

    side.rollback();

    assertThat(jobs())
        .containsAll(NEW_JOBS)
        .contains("nightly vacuum | 0 3 * * * | cron_home | postgres")
        .hasSize(4);
    assertThat(server.rows(HOME, "SELECT count(*) FROM cron.job_run_details")).containsExactly("4");
    server.execute(HOME, "DROP SCHEMA \"" + schema + "\" CASCADE");
  }

  @Test
  void what_pg_cron_records_of_our_runs_is_pruned_and_no_other() throws Exception {
    cron().update();
    server.execute(
        HOME,
        "SELECT cron.schedule('nightly vacuum', '0 3 * * *', 'VACUUM')",
        "INSERT INTO cron.job_run_details (jobid, command, start_time, end_time)"
            + " SELECT jobid, jobname || ' ' || days, now() - days * interval '1 day',"
            + " now() - days * interval '1 day' FROM cron.job, unnest(ARRAY[1, 13, 15]) AS days");

    String prune =
        server.rows(HOME, "SELECT command FROM cron.job WHERE jobname ~ 'pruning'").get(0);
    server.execute(HOME, prune);

    String left = "SELECT command FROM cron.job_run_details WHERE command ~ '15$|13$' ORDER BY 1";
    assertThat(server.rows(HOME, left))
        .containsExactly(
            "nightly vacuum 13",
            "nightly vacuum 15",
            "wip-views off-hours cron_home.public 13",
            "wip-views production cron_home.public 13",
            "wip-views pruning cron_home.public 13");

    server.execute(
        HOME, "UPDATE wip_view_settings SET history_retention = interval '2 days'", prune);

    assertThat(server.rows(HOME, left)).containsExactly("nightly vacuum 13", "nightly vacuum 15");
    server.execute(HOME, "UPDATE wip_view_settings SET history_retention = DEFAULT");
  }

  @Test
  void views_in_another_database_are_scheduled_from_pg_crons_own() throws Exception {
    WipViewsException refusal = refusal(() -> in(FACTORY).with("pg-cron").update());
    assertThat(refusal)
        .hasMessage(
            "the jobs of pg_cron are kept in database \"cron_home\" of this server"
                + " (cron.database_name), not in \"factory\"");
    assertThat(refusal.remedy())
        .contains(
            "Connect to cron_home: wip-views update --only pg-cron --param viewsDatabase=factory.");

    WipViewsMigration there = cron().withParameter("viewsDatabase", FACTORY);
    there.update();
    there.withParameter("cronZone", "Asia/Seoul").update();

    assertThat(jobs())
        .containsExactly(
            "wip-views production factory.public | */2 0-13,21-23 * * * | factory | postgres",
            "wip-views off-hours factory.public | */15 14-20 * * * | factory | postgres",
            "wip-views pruning factory.public | 17 3 * * * | cron_home | postgres");
    assertThat(server.rows(HOME, "SELECT command FROM cron.job WHERE jobname ~ 'pruning'").get(0))
        .contains("interval '14 days'");
  }

  @Test
  void a_rollback_at_home_unschedules_what_was_made_for_others() throws Exception {
    WipViewsMigration factory = cron().withParameter("viewsDatabase", FACTORY);
    cron().update();
    factory.update();
    cron().withParameter("viewsDatabase", "postgres").update();
    assertThat(jobs()).hasSize(9);

    factory.rollback();
    assertThat(jobs()).hasSize(6).noneMatch(job -> job.contains(FACTORY));

    factory.update();
    cron().rollback();
    assertThat(jobs()).isEmpty();
  }

  @Test
  void a_role_without_rights_is_told_which_one_it_needs() throws Exception {
    server.execute(
        HOME,
        "DROP ROLE IF EXISTS deployer",
        "CREATE ROLE deployer LOGIN",
        "GRANT CREATE ON SCHEMA public TO deployer",
        "GRANT ALL ON databasechangelog TO deployer");
    WipViewsMigration deployer =
        WipViewsMigration.of(server.dataSource(HOME, "deployer")).only("pg-cron");

    assertThat(refusal(deployer::update).remedy())
        .contains("GRANT USAGE ON SCHEMA cron TO deployer, and deploy again.");
    server.execute(HOME, "GRANT USAGE ON SCHEMA cron TO deployer");
    assertThat(refusal(deployer::update))
        .hasMessage(
            "role \"deployer\" may not refresh, and a job of pg_cron runs as the role that"
                + " scheduled it");
    in(HOME).withParameter("refresherRole", "deployer").update();
    assertThat(refusal(() -> deployer.withParameter("cronZone", "Asia/Seoul").update()).remedy())
        .contains(
            "GRANT pg_read_all_settings TO deployer, or give cronProduction and cronOffHours"
                + " instead.");
    assertThat(refusal(() -> deployer.withParameter("viewsDatabase", FACTORY).update()).remedy())
        .contains(
            "GRANT EXECUTE ON FUNCTION cron.schedule_in_database TO deployer, and deploy again.");
    assertThat(jobs()).isEmpty();

    deployer.update();

    assertThat(jobs()).hasSize(3).allMatch(job -> job.endsWith(" | cron_home | deployer"));
    deployer.rollback();
    assertThat(jobs()).isEmpty();
  }

  @Test
  void pg_cron_that_is_not_loaded_is_answered_with_its_settings() throws Exception {
    server.restart(false);
    try {
      WipViewsException refusal = refusal(() -> in("postgres").only("pg-cron").update());

      assertThat(refusal).hasMessage("pg_cron is installed on this server, but not loaded");
      assertThat(refusal.remedy().orElseThrow())
          .contains(
              "shared_preload_libraries = 'pg_cron' and cron.database_name = 'postgres'",
              "restart the server");
    } finally {
      server.restart(true);
    }
  }
}
