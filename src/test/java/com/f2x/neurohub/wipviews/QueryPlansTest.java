package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.testing.QueryPlan;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The plans on which the cost of a refresh hangs: it reads the open lots, what waits and the last
 * hour by index, and never the history from one end to the other.
 */
@Thorough
class QueryPlansTest {

  @RegisterExtension static final TestDatabase empty = TestDatabase.deployed();
  @RegisterExtension static final TestDatabase few = TestDatabase.deployed();
  @RegisterExtension static final TestDatabase many = TestDatabase.deployed();

  private static final int OPEN = 20;

  @BeforeAll
  static void the_same_open_lots_with_few_and_with_many_closed_ones() throws Exception {
    load(few, OPEN + 10);
    load(many, OPEN + 110);
  }

  private static void load(TestDatabase database, int lots) throws SQLException {
    try (Connection connection = database.connect()) {
      Factory.load(connection, new Factory.Size(lots, OPEN), line -> {});
    }
  }

  @Test
  void the_dashboard_reads_open_lots_and_begun_items_by_index() throws Exception {
    assertThat(QueryPlan.of(many, "mv_wip_status_dashboard").scans())
        .filteredOn(scan -> scan.startsWith("wip_"))
        .containsExactly(
            "wip_items: Index Scan by lot_id",
            "wip_items: Index Scan by status",
            "wip_process_history: Index Scan by wip_item_id");
  }

  @Test
  void the_queue_reads_begun_items_and_the_last_hour_by_index() throws Exception {
    assertThat(QueryPlan.of(many, "mv_process_wip_queue").scans())
        .filteredOn(scan -> scan.startsWith("wip_items") || scan.startsWith("wip_process_history"))
        .containsExactly(
            "wip_items: Index Scan by status",
            "wip_process_history: Index Scan by completed_at",
            "wip_process_history: Index Scan by wip_item_id");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mv_wip_status_dashboard", "mv_process_wip_queue"})
  void neither_items_nor_history_are_read_whole_at_any_size(String view) throws Exception {
    for (TestDatabase database : List.of(empty, few, many)) {
      assertThat(QueryPlan.of(database, view).readWhole())
          .isSubsetOf("lots", "processes", "wip_view_settings");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mv_wip_status_dashboard", "mv_process_wip_queue"})
  void the_blocks_read_follow_the_open_lots_and_not_the_closed(String view) throws Exception {
    // eleven times the closed lots; the open ones are the same but for the dice
    assertThat(QueryPlan.of(many, view).blocks())
        .isLessThan(QueryPlan.of(few, view).blocks() * 3 / 2);
  }

  @Test
  void old_executions_of_items_that_are_done_are_not_looked_at() throws Exception {
    long before = QueryPlan.of(many, "mv_process_wip_queue").blocks();
    many.execute(
        "INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, result, started_at,"
            + " completed_at) SELECT wip_item_id, process_id, operator_id, result, started_at -"
            + " interval '1 year', completed_at - interval '1 year' FROM wip_process_history WHERE"
            + " wip_item_id NOT IN (SELECT wip_item_id FROM wip_item_station)");

    // without ANALYZE: what the server believes of the table's size does not matter
    assertThat(QueryPlan.of(many, "mv_process_wip_queue").blocks()).isLessThan(before + before / 5);
  }

  @Test
  void statistics_do_not_decide_which_indexes_are_used() throws Exception {
    few.execute("DELETE FROM pg_statistic WHERE starelid = 'wip_process_history'::regclass");

    assertThat(QueryPlan.of(few, "mv_process_wip_queue").scans())
        .filteredOn(scan -> scan.startsWith("wip_process_history"))
        .hasSize(2)
        .allMatch(scan -> scan.matches(".* by (completed_at|wip_item_id)"));
  }
}
