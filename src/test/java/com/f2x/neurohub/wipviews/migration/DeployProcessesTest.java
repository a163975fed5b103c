package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Deploys that run into each other, or are killed, hurt nobody. */
@Thorough
class DeployProcessesTest {

  /** How many deploys are killed; CI asks for more. */
  private static final int KILLS = Integer.getInteger("deploy.kills", 2);

  private static final long SEED = Long.getLong("deploy.seed", System.nanoTime());

  /** About what a deploy tells. */
  private static final int LINES = 24;

  @RegisterExtension static final TestDatabase reference = TestDatabase.deployed();

  @Test
  void three_processes_deploy_to_a_fresh_database_at_once() throws Exception {
    TestDatabase database = TestDatabase.mes().create();
    List<Deployer> deployers = new ArrayList<>();
    try {
      // the first waits for the table in the middle of its work, the others for the first
      try (Connection holder =
          database.inTransaction("LOCK TABLE processes IN ACCESS EXCLUSIVE MODE")) {
        for (int i = 0; i < 3; i++) {
          deployers.add(Deployer.start(database, "update"));
        }
        for (Deployer deployer : deployers) {
          deployer.go();
        }
        Await.until(
            "all three have begun",
            () ->
                database.rows(
                    "SELECT state, wait_event_type, query FROM pg_stat_activity WHERE datname ="
                        + " current_database() AND application_name = 'deployer'"),
            sessions ->
                sessions.stream().filter(session -> "Lock".equals(session.get(1))).count() == 3);
        holder.rollback();
      }
      for (Deployer deployer : deployers) {
        deployer.awaitDone();
      }
      assertThat(
              database.value(
                  "SELECT count(*) FROM databasechangelog WHERE id = 'mv_process_wip_queue'"))
          .isEqualTo("1");
    } finally {
      deployers.forEach(Deployer::close);
      database.drop();
    }
  }

  /** A deploy that is to be killed, and what it works on. */
  private record Victim(TestDatabase database, boolean recreates, Deployer deployer) {

    static Victim start(boolean recreates) throws IOException, SQLException {
      TestDatabase database = (recreates ? TestDatabase.deployed() : TestDatabase.mes()).create();
      return new Victim(
          database, recreates, Deployer.start(database, recreates ? "recreate" : "update"));
    }
  }

  @Test
  void a_killed_deploy_leaves_a_view_and_the_next_one_works() throws Exception {
    Random random = new Random(SEED);
    System.out.println("killing " + KILLS + " deploys, seed " + SEED);
    int unfinished = 0;
    Victim next = Victim.start(true);
    for (int kill = 1; kill <= KILLS; kill++) {
      Victim victim = next;
      // a process starts while the one before is killed and looked at
      next = kill < KILLS ? Victim.start(kill % 2 == 0) : null;
      unfinished += kill(victim, random) ? 1 : 0;
    }
    System.out.println(KILLS + " deploys killed, " + unfinished + " of them before they were done");
  }

  /** Kills it in any step, somewhere in it; whether that was before it was done. */
  private static boolean kill(Victim victim, Random random) throws Exception {
    TestDatabase database = victim.database();
    try (Deployer deployer = victim.deployer()) {
      deployer.go();
      boolean done =
          deployer.awaitLines(random.nextInt(LINES))
              || deployer.process().waitFor(random.nextInt(40), TimeUnit.MILLISECONDS);
      deployer.kill();

      if (victim.recreates()) {
        assertThat(database.value("SELECT count(*) FROM mv_process_wip_queue"))
            .as("rows, whichever view is in place")
            .isEqualTo("6");
      }
      WipViewsMigration.of(database.dataSource()).update();

      Map<String, String> deployed = CatalogSnapshot.of(reference);
      assertThat(CatalogSnapshot.difference(deployed, CatalogSnapshot.of(database))).isEmpty();
      assertThat(WipViews.of(database.dataSource()).freshness())
          .extracting(Freshness::state)
          .containsOnly(Freshness.State.FRESH);
      return !done;
    } finally {
      database.drop();
    }
  }
}
