package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What the views say exactly at an edge: their own definitions, as the server has them, with the
 * clock held at noon.
 */
class FiguresAtEdgesTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String NOON = "timestamptz '2026-03-08 12:00:00+00'";

  private static Connection connection;

  @BeforeAll
  static void connect() throws Exception {
    connection = database.connect();
  }

  @AfterAll
  static void disconnect() throws Exception {
    connection.close();
  }

  @BeforeEach
  void an_empty_factory_with_the_settings_of_a_new_database() throws Exception {
    run("DELETE FROM wip_process_history; DELETE FROM wip_items; DELETE FROM lots");
    run("UPDATE processes SET is_active = true");
    run("UPDATE wip_view_settings SET stuck_after = DEFAULT, bottleneck_above = DEFAULT");
  }

  @Test
  void an_idle_station_has_counts_of_zero_and_no_times() throws Exception {
    List<Map<String, Object>> stations = atNoon("mv_process_wip_queue", "process_number");

    assertThat(stations).hasSize(6);
    for (Map<String, Object> station : stations) {
      assertThat(station)
          .containsEntry("wip_count_at_process", 0L)
          .containsEntry("in_progress_count", 0L)
          .containsEntry("failed_count", 0L)
          .containsEntry("completed_last_hour", 0L)
          .containsEntry("passed_last_hour", 0L)
          .containsEntry("failed_last_hour", 0L)
          .containsEntry("lot_count_in_queue", 0L)
          .containsEntry("has_stuck_wip", false)
          .containsEntry("is_bottleneck", false)
          .containsEntry("estimated_queue_time_hours", new BigDecimal("0.00"))
          .containsEntry("avg_wait_time_seconds", null)
          .containsEntry("max_wait_time_seconds", null)
          .containsEntry("oldest_wip_timestamp", null)
          .containsEntry("pass_rate_last_hour_pct", null)
          .containsEntry("avg_process_duration_last_hour_seconds", null);
    }
  }

  @Test
  void a_lot_without_items_has_counts_of_zero_and_no_rates() throws Exception {
    lot(1, "CREATED");

    Map<String, Object> lot = atNoon("mv_wip_status_dashboard", "lot_id").get(0);

    assertThat(lot)
        .containsEntry("total_wip_count", 0L)
        .containsEntry("completed_count", 0L)
        .containsEntry("at_process_6_count", 0L)
        .containsEntry("completion_rate_pct", null)
        .containsEntry("failure_rate_pct", null)
        .containsEntry("avg_cycle_time_seconds", null)
        .containsEntry("first_wip_created_at", null)
        .containsEntry("last_wip_completed_at", null);
  }

  @Test
  void an_execution_of_exactly_an_hour_ago_is_not_of_the_last_hour() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "IN_PROGRESS", 1, NOON);
    execution(1, 1, "PASS", "interval '1 hour'");

    assertThat(station(1)).containsEntry("completed_last_hour", 0L);
  }

  @Test
  void an_execution_of_a_microsecond_less_is_of_the_last_hour() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "IN_PROGRESS", 1, NOON);
    execution(1, 1, "PASS", "interval '59:59.999999'");

    assertThat(station(1))
        .containsEntry("completed_last_hour", 1L)
        .containsEntry("pass_rate_last_hour_pct", new BigDecimal("100.00"));
  }

  @Test
  void an_execution_of_this_moment_is_of_the_last_hour() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "IN_PROGRESS", 1, NOON);
    execution(1, 1, "PASS", "interval '0'");

    assertThat(station(1)).containsEntry("completed_last_hour", 1L);
  }

  @Test
  void an_execution_of_the_future_is_not_of_the_last_hour() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "IN_PROGRESS", 1, NOON);
    execution(1, 1, "PASS", "interval '-0.000001 seconds'");

    assertThat(station(1)).containsEntry("completed_last_hour", 0L);
  }

  @Test
  void a_rework_is_completed_and_neither_passed_nor_failed() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "IN_PROGRESS", 1, NOON);
    execution(1, 1, "PASS", "interval '3 minutes'");
    execution(1, 1, "FAIL", "interval '2 minutes'");
    execution(1, 1, "REWORK", "interval '1 minute'");

    assertThat(station(1))
        .containsEntry("completed_last_hour", 3L)
        .containsEntry("passed_last_hour", 1L)
        .containsEntry("failed_last_hour", 1L)
        .containsEntry("pass_rate_last_hour_pct", new BigDecimal("33.33"));
  }

  @Test
  void an_item_that_waits_exactly_stuck_after_is_not_stuck() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "FAILED", 3, NOON + " - interval '1 hour'");

    assertThat(station(3))
        .containsEntry("has_stuck_wip", false)
        .containsEntry("max_wait_time_seconds", 3600);
  }

  @Test
  void an_item_that_waits_a_microsecond_longer_is_stuck() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "FAILED", 3, NOON + " - interval '1:00:00.000001'");

    assertThat(station(3)).containsEntry("has_stuck_wip", true);
  }

  @Test
  void stuck_after_is_what_the_settings_say() throws Exception {
    lot(1, "IN_PROGRESS");
    item(1, 1, "IN_PROGRESS", 3, NOON + " - interval '2 hours'");
    assertThat(station(3)).containsEntry("has_stuck_wip", true);

    database.execute("UPDATE wip_view_settings SET stuck_after = interval '2 hours'");

    assertThat(station(3)).containsEntry("has_stuck_wip", false);
  }

  @Test
  void fifty_items_are_no_bottleneck_and_one_more_is() throws Exception {
    lot(1, "IN_PROGRESS");
    for (int sequence = 1; sequence <= 50; sequence++) {
      item(1, sequence, sequence % 2 == 0 ? "FAILED" : "IN_PROGRESS", 4, NOON);
    }
    assertThat(station(4))
        .containsEntry("wip_count_at_process", 50L)
        .containsEntry("is_bottleneck", false);

    item(1, 51, "FAILED", 4, NOON);

    assertThat(station(4)).containsEntry("is_bottleneck", true);
  }

  @Test
  void above_zero_one_item_is_a_bottleneck_and_none_is_not() throws Exception {
    database.execute("UPDATE wip_view_settings SET bottleneck_above = 0");
    lot(1, "IN_PROGRESS");
    item(1, 1, "IN_PROGRESS", 4, NOON);

    assertThat(station(4)).containsEntry("is_bottleneck", true);
    assertThat(station(5)).containsEntry("is_bottleneck", false);
  }

  @Test
  void items_and_history_of_one_process_are_not_multiplied() throws Exception {
    // 3 lots with 4 items each, all at process 2, each with 5 executions there within the hour
    for (int lot = 1; lot <= 3; lot++) {
      lot(lot, "IN_PROGRESS");
      for (int sequence = 1; sequence <= 4; sequence++) {
        item(lot, sequence, sequence == 1 ? "FAILED" : "IN_PROGRESS", 2, NOON);
        for (int run = 1; run <= 5; run++) {
          execution(
              lot * 100 + sequence - 100,
              2,
              run == 1 ? "REWORK" : run == 2 ? "FAIL" : "PASS",
              "interval '" + run + " minutes'");
        }
      }
    }

    assertThat(station(2))
        .containsEntry("wip_count_at_process", 12L)
        .containsEntry("in_progress_count", 9L)
        .containsEntry("failed_count", 3L)
        .containsEntry("lot_count_in_queue", 3L)
        .containsEntry("completed_last_hour", 60L)
        .containsEntry("passed_last_hour", 36L)
        .containsEntry("failed_last_hour", 12L)
        .containsEntry("pass_rate_last_hour_pct", new BigDecimal("60.00"))
        .containsEntry("avg_process_duration_last_hour_seconds", 30)
        .containsEntry("estimated_queue_time_hours", new BigDecimal("0.60"));
    assertThat(atNoon("mv_wip_status_dashboard", "lot_id"))
        .hasSize(3)
        .allSatisfy(
            lot ->
                assertThat(lot)
                    .containsEntry("total_wip_count", 4L)
                    .containsEntry("at_process_2_count", 4L)
                    .containsEntry("failed_count", 1L));
  }

  @Test
  void a_closed_lot_has_no_row_but_its_open_items_still_wait() throws Exception {
    lot(1, "CLOSED");
    item(1, 1, "IN_PROGRESS", 5, NOON);

    assertThat(atNoon("mv_wip_status_dashboard", "lot_id")).isEmpty();
    assertThat(station(5)).containsEntry("wip_count_at_process", 1L);
  }

  @Test
  void an_inactive_process_has_no_row_but_lots_show_its_items() throws Exception {
    database.execute("UPDATE processes SET is_active = false WHERE process_number = 5");
    lot(1, "IN_PROGRESS");
    item(1, 1, "FAILED", 5, NOON);

    assertThat(atNoon("mv_process_wip_queue", "process_number"))
        .extracting(row -> row.get("process_number"))
        .containsExactly(1, 2, 3, 4, 6);
    assertThat(atNoon("mv_wip_status_dashboard", "lot_id").get(0))
        .containsEntry("at_process_5_count", 1L);
  }

  @Test
  void a_converted_unit_has_not_uncompleted() throws Exception {
    lot(1, "COMPLETED");
    item(1, 1, "CONVERTED", 7, NOON);
    item(1, 2, "COMPLETED", 6, NOON);

    assertThat(atNoon("mv_wip_status_dashboard", "lot_id").get(0))
        .containsEntry("completed_count", 2L)
        .containsEntry("converted_count", 1L)
        .containsEntry("at_process_6_count", 0L)
        .containsEntry("completion_rate_pct", new BigDecimal("100.00"));
  }

  private static void lot(long id, String status) throws Exception {
    run(
        "INSERT INTO lots (id, lot_number, product_model_id, production_date, status) VALUES (%d, 'LOT%1$d', 1, '2026-03-08', '%s')"
            .formatted(id, status));
  }

  private static void item(long lot, int sequence, String status, int process, String since)
      throws Exception {
    run(
        "INSERT INTO wip_items (id, wip_id, lot_id, sequence_in_lot, status, current_process_id, created_at, updated_at) SELECT %d, 'WIP-%1$d', %d, %d, '%s', p.id, %s, %5$s FROM processes AS p WHERE p.process_number = %d"
            .formatted(lot * 100 + sequence - 100, lot, sequence, status, since, process));
  }

  private static void execution(long item, int process, String result, String ago)
      throws Exception {
    run(
        "INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, result, started_at, completed_at) SELECT %d, p.id, 1, '%s', %s - %s - interval '30 seconds', %3$s - %4$s FROM processes AS p WHERE p.process_number = %d"
            .formatted(item, result, NOON, ago, process));
  }

  private static Map<String, Object> station(int number) throws Exception {
    return atNoon("mv_process_wip_queue", "process_number").stream()
        .filter(row -> row.get("process_number").equals(number))
        .findFirst()
        .orElseThrow();
  }

  private static List<Map<String, Object>> atNoon(String view, String by) throws Exception {
    return HeldClock.rows(connection, view, by, NOON);
  }

  private static void run(String sql) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
