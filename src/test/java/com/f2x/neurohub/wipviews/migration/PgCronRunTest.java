package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.testing.CronServer.FACTORY;
import static com.f2x.neurohub.wipviews.testing.CronServer.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CronServer;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The jobs of pg_cron, run by its own clock. */
@Thorough
class PgCronRunTest {

  @Test
  void pg_cron_refreshes_here_and_in_another_database() throws Exception {
    try (CronServer server = CronServer.start()) {
      server.deploy();
      WipViewsMigration cron =
          WipViewsMigration.of(server.dataSource(HOME))
              .only("pg-cron")
              .withParameter("cronProduction", "* * * * *");

      cron.update();
      cron.withParameter("viewsDatabase", FACTORY).update();

      for (String database : List.of(HOME, FACTORY)) {
        Await.until(
            "pg_cron has refreshed in " + database,
            () ->
                server
                    .rows(
                        HOME,
                        "SELECT d.status FROM cron.job_run_details AS d JOIN cron.job AS j ON"
                            + " j.jobid = d.jobid WHERE j.jobname = 'wip-views production "
                            + database
                            + ".public'")
                    .contains("succeeded"));
        assertThat(
                server.rows(
                    database,
                    "SELECT DISTINCT view_name, role FROM wip_view_refresh WHERE outcome ="
                        + " 'refreshed' AND application_name = 'pg_cron' ORDER BY view_name"))
            .containsExactly(
                "mv_process_wip_queue | postgres", "mv_wip_status_dashboard | postgres");
      }
    }
  }
}
