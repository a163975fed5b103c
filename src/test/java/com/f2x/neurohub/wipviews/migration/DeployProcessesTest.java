package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Deploys that run into each other, or are killed, hurt nobody. */
class DeployProcessesTest {

  /** How many deploys are killed; CI asks for more. */
  private static final int KILLS = Integer.getInteger("deploy.kills", 4);

  private static final long SEED = Long.getLong("deploy.seed", System.nanoTime());

  @RegisterExtension static final TestDatabase warmUp = TestDatabase.deployed();

  private static Process start(TestDatabase database, String what) throws IOException {
    return Deployer.start(what, database.url(), database.user(), database.password(), warmUp.url());
  }

  private static void await(BufferedReader out, String line) throws IOException {
    List<String> seen = new ArrayList<>();
    for (String next = out.readLine(); next != null; next = out.readLine()) {
      if (next.equals(line)) {
        return;
      }
      seen.add(next);
    }
    throw new AssertionError("the process ended without " + line + ":\n" + String.join("\n", seen));
  }

  private static BufferedReader out(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  private static void go(Process process) throws IOException {
    process.getOutputStream().write('\n');
    process.getOutputStream().flush();
  }

  @Test
  void four_processes_deploy_to_a_fresh_database_at_once() throws Exception {
    TestDatabase database = TestDatabase.mes().create();
    List<Process> processes = new ArrayList<>();
    List<BufferedReader> outs = new ArrayList<>();
    try {
      for (int i = 0; i < 4; i++) {
        processes.add(start(database, "update"));
        outs.add(out(processes.get(i)));
      }
      for (BufferedReader out : outs) {
        await(out, "READY");
      }
      for (Process process : processes) {
        go(process);
      }
      for (BufferedReader out : outs) {
        await(out, "DONE");
      }
      assertThat(
              database.value(
                  "SELECT count(*) FROM databasechangelog WHERE id = 'mv_process_wip_queue'"))
          .isEqualTo("1");
    } finally {
      processes.forEach(Process::destroyForcibly);
      database.drop();
    }
  }

  @Test
  void a_killed_deploy_leaves_a_view_and_the_next_one_works() throws Exception {
    Random random = new Random(SEED);
    System.out.println("killing " + KILLS + " deploys, seed " + SEED);
    Map<String, String> deployed = CatalogSnapshot.of(warmUp);
    int unfinished = 0;
    TestDatabase next = null;
    Process process = null;
    for (int kill = 0; kill <= KILLS; kill++) {
      // a process is started while the one before is being killed and looked at
      TestDatabase database = next;
      Process victim = process;
      boolean recreate = kill % 2 == 0;
      if (kill < KILLS) {
        next = (recreate ? TestDatabase.deployed() : TestDatabase.mes()).create();
        process = start(next, recreate ? "recreate" : "update");
      }
      if (victim != null) {
        unfinished += kill(victim, database, !recreate, random.nextInt(900), deployed) ? 1 : 0;
      }
    }
    System.out.println(KILLS + " deploys killed, " + unfinished + " of them before they were done");
  }

  private static boolean kill(
      Process victim,
      TestDatabase database,
      boolean recreating,
      int afterMillis,
      Map<String, String> deployed)
      throws IOException, InterruptedException, SQLException {
    try {
      BufferedReader out = out(victim);
      await(out, "READY");
      go(victim);
      boolean done = victim.waitFor(afterMillis, TimeUnit.MILLISECONDS);
      victim.destroyForcibly().waitFor();

      if (recreating) {
        assertThat(database.value("SELECT count(*) FROM mv_process_wip_queue"))
            .as("rows, whichever view is in place")
            .isEqualTo("6");
      }
      WipViewsMigration.of(database.dataSource()).update();

      Map<String, String> after = CatalogSnapshot.of(database);
      assertThat(CatalogSnapshot.difference(deployed, after)).isEmpty();
      assertThat(WipViews.of(database.dataSource()).freshness())
          .extracting(Freshness::state)
          .containsOnly(Freshness.State.FRESH);
      return !done;
    } finally {
      victim.destroyForcibly();
      database.drop();
    }
  }
}
