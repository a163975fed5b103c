package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

/**
 * Every property of the JSON of 0.1.0 is still there, with values of the same type. {@code
 * -Drelease.update=true}, for the release alone, writes the file again.
 */
@Thorough
class JsonContractTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();
  @RegisterExtension static final TestDatabase mes = TestDatabase.mes();

  private static final Path RELEASED = Path.of("src/test/resources/release/0.1.0/json.txt");

  private final Set<String> properties = new TreeSet<>();

  @Test
  void each_property_of_the_release_is_still_there() throws Exception {
    note(mes, "plan");
    note(database, "refresh");
    note(database, "freshness");
    note(database, "history");
    note(database, "history", "--summary");
    whileSomebodyWaits(() -> note(database, "blockers"));
    database.execute("ALTER MATERIALIZED VIEW mv_process_wip_queue RENAME TO mv_elsewhere");
    note(database, "doctor");
    note(database, "refresh");
    note(database, "freshness");

    if (Boolean.getBoolean("release.update")) {
      Files.write(RELEASED, properties);
    }
    assertThat(properties).as("what %s lists", RELEASED).containsAll(Files.readAllLines(RELEASED));
  }

  private void note(TestDatabase on, String... command) {
    String[] json = Arrays.copyOf(command, command.length + 2);
    json[command.length] = "--format";
    json[command.length + 1] = "json";
    note(Cli.on(on).run(json).json(), String.join(" ", command));
  }

  private void note(JsonNode node, String path) {
    if (!node.isNull()) {
      properties.add(path + ": " + node.getNodeType());
    }
    if (node.isObject()) {
      node.properties()
          .forEach(
              property -> {
                properties.add(path + "." + property.getKey());
                note(property.getValue(), path + "." + property.getKey());
              });
    }
    if (node.isArray()) {
      node.forEach(element -> note(element, path + "[]"));
    }
  }

  private static void whileSomebodyWaits(Runnable action) throws Exception {
    try (Connection holder = database.inTransaction("LOCK TABLE lots");
        Connection waiter = database.connect()) {
      FutureTask<Boolean> wait =
          new FutureTask<>(
              () -> {
                try {
                  return waiter.createStatement().execute("LOCK TABLE lots");
                } catch (SQLException e) {
                  // LOCK is for a transaction; that it waited is all that was wanted
                  return false;
                }
              });
      waiter.setAutoCommit(false);
      new Thread(wait, "waiter").start();
      Await.until("it waits", () -> !database.rows("TABLE wip_view_blockers").isEmpty());
      action.run();
      holder.rollback();
      Await.result(wait);
    }
  }
}
