package com.f2x.neurohub.wipviews.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.MesForm;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The factory's rows are those that the guide's MES, with its triggers, would have written. */
class FactoryTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.empty();

  private static final String NEWEST =
      """
      FROM wip_items AS item
      JOIN LATERAL (
        SELECT h.*, p.process_number
        FROM wip_process_history AS h
        JOIN processes AS p ON p.id = h.process_id
        WHERE h.wip_item_id = item.id
        ORDER BY h.started_at DESC, h.id DESC
        LIMIT 1
      ) AS newest ON true
      """;

  @Test
  void its_rows_are_those_of_the_guides_mes() throws Exception {
    MesForm.GUIDE.install(database);
    try (Connection mes = database.connect()) {
      Factory factory = Factory.load(mes, new Factory.Size(30, 20), line -> {});
      assertTheGuidesRows();

      // the triggers are on again, and find nothing to put right
      for (int step = 0; step < 5; step++) {
        assertThat(factory.produce(mes)).isPositive();
      }
      assertTheGuidesRows();
    }
  }

  private static void assertTheGuidesRows() throws Exception {
    assertThat(database.value("SELECT string_agg(DISTINCT status, ' ' ORDER BY status) FROM lots"))
        .isEqualTo("CLOSED COMPLETED CREATED IN_PROGRESS");
    assertThat(
            database.value(
                "SELECT string_agg(DISTINCT status, ' ' ORDER BY status) FROM wip_items"))
        .as("a serial leaves a unit COMPLETED")
        .isEqualTo("COMPLETED CREATED FAILED IN_PROGRESS");
    assertNone(
        "unit that is not where it was last",
        "SELECT item.wip_id " + NEWEST + "WHERE item.current_process_id <> newest.process_id");
    assertNone(
        "unit without history that has begun, or the other way round",
        "SELECT wip_id FROM wip_items AS item WHERE (status = 'CREATED') = EXISTS (SELECT FROM"
            + " wip_process_history WHERE wip_item_id = item.id)"
            + " OR (status = 'CREATED') <> (current_process_id IS NULL)");
    assertNone(
        "unit of another status than its newest execution gives it",
        "SELECT item.wip_id "
            + NEWEST
            + """
            WHERE item.status <> CASE
              WHEN newest.completed_at IS NULL OR newest.result = 'REWORK' THEN 'IN_PROGRESS'
              WHEN newest.result = 'FAIL' THEN 'FAILED'
              WHEN newest.process_number < 6 THEN 'IN_PROGRESS'
              ELSE 'COMPLETED'
            END
            """);
    assertNone(
        "serial without a label, or the other way round",
        "SELECT item.wip_id "
            + NEWEST
            + """
            WHERE (newest.process_number = 7) <> (item.serial_id IS NOT NULL)
              OR newest.process_number = 7
                AND (item.completed_at <> newest.completed_at OR item.converted_at <> newest.completed_at)
            """);
    assertNone(
        "execution with another duration than its times say",
        "SELECT id FROM wip_process_history WHERE duration_seconds IS DISTINCT FROM extract(epoch"
            + " FROM completed_at - started_at)::integer");
    assertNone(
        "lot that is done, but not since then",
        "SELECT lot_number FROM lots WHERE (status IN ('COMPLETED', 'CLOSED')) <> (closed_at IS NOT"
            + " NULL)");
  }

  private static void assertNone(String what, String query) throws Exception {
    assertThat(database.rows(query)).as(what).isEmpty();
  }
}
