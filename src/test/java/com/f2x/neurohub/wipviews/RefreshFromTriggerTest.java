package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A refresh within the transactions of the MES, by the trigger that docs/refresh.md shows. */
class RefreshFromTriggerTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  /** The SQL of the section, as it stands there. */
  private static String documented() throws Exception {
    String section =
        Files.readString(Path.of("docs/refresh.md")).split("## Refreshing from a trigger\n")[1];
    return section.split("```sql\n")[1].split("```")[0];
  }

  @Test
  void writers_that_want_each_others_rows_do_not_deadlock() throws Exception {
    database.execute(
        "INSERT INTO lots (lot_number, product_model_id, production_date, target_quantity,"
            + " actual_quantity, passed_quantity, failed_quantity, status, created_at, updated_at)"
            + " VALUES ('L1', 1, current_date, 2, 0, 0, 0, 'IN_PROGRESS', now(), now())",
        "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status, created_at, updated_at)"
            + " SELECT 'W' || i, (SELECT id FROM lots), i, 'CREATED', now(), now()"
            + " FROM generate_series(1, 2) AS i",
        documented());
    try (Callers callers = new Callers();
        Connection one = database.connect();
        Connection other = database.connect();
        Statement first = one.createStatement();
        Statement second = other.createStatement()) {
      one.setAutoCommit(false);
      other.setAutoCommit(false);
      first.execute("UPDATE wip_items SET status = 'IN_PROGRESS' WHERE wip_id = 'W1'");
      second.execute("UPDATE wip_items SET status = 'IN_PROGRESS' WHERE wip_id = 'W2'");
      Future<?> crossing =
          callers
              .start(
                  1,
                  () -> one,
                  (n, c) -> first.execute("UPDATE wip_items SET notes = 'x' WHERE wip_id = 'W2'"))
              .get(0);
      Await.until(
          "the first waits for a row of the second",
          () -> database.value("SELECT count(*) FROM pg_locks WHERE NOT granted"),
          "1"::equals);
      other.commit();
      Await.result(crossing);
      one.commit();
    }

    assertThat(database.value("SELECT in_progress_count FROM mv_wip_status_dashboard"))
        .isEqualTo("2");
  }
}
