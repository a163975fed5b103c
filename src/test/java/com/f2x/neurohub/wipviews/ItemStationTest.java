package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Where an item is, rule by rule. */
class ItemStationTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String ITEM =
      "INSERT INTO wip_items (id, wip_id, lot_id, sequence_in_lot, status, current_process_id,"
          + " created_at) VALUES (1, 'WIP-1', 1, 1, '%s', (SELECT id FROM processes WHERE"
          + " process_number = %s), '2026-03-08 08:00+00')";

  @BeforeEach
  void a_lot_and_stations_whose_ids_are_not_their_numbers() throws Exception {
    database.execute(
        "TRUNCATE lots, processes, wip_items, wip_process_history",
        "INSERT INTO processes (id, process_number, process_code, process_name_ko,"
            + " process_name_en, sort_order) SELECT 90 - n, n, n, n, n, n"
            + " FROM generate_series(1, 8) AS n",
        "INSERT INTO lots (id, lot_number, product_model_id, production_date, status)"
            + " VALUES (1, 'KR01PSA260301', 1, '2026-03-08', 'IN_PROGRESS')");
  }

  @Test
  void after_a_pass_it_waits_at_the_next_station_since_the_end() throws Exception {
    item("IN_PROGRESS", 2);
    execution(2, "PASS", "09:00", "09:05");

    assertThat(place()).containsExactly("3", "09:05", "f");
  }

  @Test
  void after_a_fail_it_is_there_failed_since_the_end() throws Exception {
    item("IN_PROGRESS", null);
    execution(2, "FAIL", "09:00", "09:05");

    assertThat(place()).containsExactly("2", "09:05", "t");
  }

  @Test
  void after_a_rework_it_is_there_since_the_end() throws Exception {
    item("IN_PROGRESS", 2);
    execution(2, "FAIL", "09:00", "09:05");
    execution(2, "REWORK", "09:10", "09:15");

    assertThat(place()).containsExactly("2", "09:15", "f");
  }

  @Test
  void an_execution_that_runs_holds_it_there_since_its_start() throws Exception {
    item("IN_PROGRESS", 2);
    execution(1, "PASS", "09:00", "09:05");
    execution(2, "PASS", "09:10", null);

    assertThat(place()).containsExactly("2", "09:10", "f");
  }

  @Test
  void without_history_it_is_at_its_process_since_its_creation() throws Exception {
    item("IN_PROGRESS", 4);

    assertThat(place()).containsExactly("4", "08:00", "f");
  }

  @Test
  void without_history_or_current_process_it_is_at_the_first_active() throws Exception {
    deactivate(1);
    item("IN_PROGRESS", null);

    assertThat(place()).containsExactly("2", "08:00", "f");
  }

  @Test
  void a_station_that_was_switched_off_is_passed_over() throws Exception {
    deactivate(3);
    deactivate(4);
    item("IN_PROGRESS", 3);
    execution(2, "PASS", "09:00", "09:05");

    assertThat(place()).containsExactly("5", "09:05", "f");
  }

  @Test
  void what_failed_at_a_station_that_was_switched_off_is_there() throws Exception {
    deactivate(3);
    item("FAILED", 3);
    execution(3, "FAIL", "09:00", "09:05");

    assertThat(place()).containsExactly("3", "09:05", "t");
  }

  @Test
  void after_the_last_station_it_is_at_none() throws Exception {
    item("IN_PROGRESS", 6);
    execution(6, "PASS", "09:00", "09:05");

    assertThat(place()).containsExactly(null, "09:05", "f");
  }

  @Test
  void after_the_last_active_station_it_is_at_none() throws Exception {
    deactivate(6);
    item("IN_PROGRESS", 5);
    execution(5, "PASS", "09:00", "09:05");

    assertThat(place()).containsExactly(null, "09:05", "f");
  }

  @Test
  void at_the_label_printer_it_is_at_no_station() throws Exception {
    item("IN_PROGRESS", 7);
    execution(6, "PASS", "09:00", "09:05");
    execution(7, "FAIL", "09:10", "09:15");

    assertThat(place()).containsExactly(null, "09:15", "t");
  }

  @Test
  void where_no_station_is_active_it_is_at_none() throws Exception {
    database.execute("UPDATE processes SET is_active = false");
    item("IN_PROGRESS", null);

    assertThat(place()).containsExactly(null, "08:00", "f");
  }

  @Test
  void a_row_that_arrives_late_does_not_move_it_back() throws Exception {
    item("IN_PROGRESS", 1);
    execution(2, "PASS", "09:00", "09:05");
    execution(1, "PASS", "08:30", "08:35");

    assertThat(place()).containsExactly("3", "09:05", "f");
  }

  @Test
  void of_two_rows_that_started_at_one_time_the_later_id_counts() throws Exception {
    item("IN_PROGRESS", 2);
    execution(2, "FAIL", "09:00", "09:05");
    execution(2, "PASS", "09:00", "09:04");

    assertThat(place()).containsExactly("3", "09:04", "f");
  }

  @Test
  void it_has_failed_when_its_status_says_so_whatever_the_history() throws Exception {
    item("FAILED", 2);
    execution(1, "PASS", "09:00", "09:05");

    assertThat(place()).containsExactly("2", "09:05", "t");
  }

  @Test
  void what_has_not_begun_or_is_done_is_nowhere() throws Exception {
    for (String status : List.of("CREATED", "COMPLETED", "CONVERTED")) {
      database.execute("DELETE FROM wip_items");
      item(status, 1);

      assertThat(database.rows("SELECT * FROM wip_item_station")).as(status).isEmpty();
    }
  }

  private static void item(String status, Integer process) throws Exception {
    database.execute(ITEM.formatted(status, process));
  }

  private static void execution(int process, String result, String from, String to)
      throws Exception {
    database.execute(
        "INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, result, started_at,"
            + " completed_at) SELECT 1, id, 1, '%s', '2026-03-08 %s+00', %s FROM processes WHERE"
                .formatted(result, from, to == null ? "NULL" : "'2026-03-08 " + to + "+00'")
            + " process_number = "
            + process);
  }

  private static void deactivate(int process) throws Exception {
    database.execute("UPDATE processes SET is_active = false WHERE process_number = " + process);
  }

  /** The station's number, since when, and whether it has failed. */
  private static List<String> place() throws Exception {
    List<List<String>> rows =
        database.rows(
            "SELECT process_number, to_char(since AT TIME ZONE 'UTC', 'HH24:MI'), has_failed,"
                + " process_id IS NOT DISTINCT FROM 90 - process_number FROM wip_item_station");
    assertThat(rows).hasSize(1);
    assertThat(rows.get(0).get(3)).as("the id is that of the number").isIn("t", null);
    return rows.get(0).subList(0, 3);
  }
}
