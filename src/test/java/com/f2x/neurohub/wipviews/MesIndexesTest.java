package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The indexes of the MES that the views read by: built where the MES lacks one that will do. */
@Thorough
class MesIndexesTest {

  private final TestDatabase database = TestDatabase.mes();

  @BeforeEach
  void an_mes_without_these_indexes() throws Exception {
    database.create();
    database.execute(
        "DROP INDEX idx_wip_items_lot_id, idx_wip_items_status, idx_wip_items_lot_status_process,"
            + " idx_wip_process_history_completed_at, idx_wip_process_history_wip_item_id",
        "ALTER TABLE wip_items DROP CONSTRAINT wip_items_lot_id_sequence_in_lot_key");
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void all_four_are_built_where_there_is_none() throws Exception {
    assertThat(built())
        .containsExactly(
            "CREATE INDEX wip_views_wip_items_lot_id_idx ON public.wip_items USING btree (lot_id)",
            "CREATE INDEX wip_views_wip_items_status_idx ON public.wip_items USING btree (status)",
            "CREATE INDEX wip_views_wip_process_history_completed_at_idx ON"
                + " public.wip_process_history USING btree (completed_at) WHERE (completed_at IS"
                + " NOT NULL)",
            "CREATE INDEX wip_views_wip_process_history_wip_item_id_idx ON"
                + " public.wip_process_history USING btree (wip_item_id)");
  }

  @Test
  void none_is_built_where_an_index_begins_with_the_column() throws Exception {
    database.execute(
        "CREATE UNIQUE INDEX ON wip_items (lot_id, sequence_in_lot)",
        "CREATE INDEX ON wip_items (status, current_process_id)",
        "CREATE INDEX ON wip_process_history (wip_item_id, started_at DESC)",
        "CREATE INDEX ON wip_process_history (completed_at, process_id)");

    assertThat(built()).isEmpty();
  }

  @Test
  void an_index_of_the_completed_executions_alone_will_do() throws Exception {
    database.execute(
        "CREATE INDEX ON wip_process_history (completed_at) WHERE completed_at IS NOT NULL");

    assertThat(built()).hasSize(3).noneMatch(index -> index.contains("completed_at"));
  }

  @Test
  void an_index_of_some_of_the_rows_will_not_do() throws Exception {
    database.execute(
        "CREATE INDEX ON wip_items (lot_id) WHERE status = 'IN_PROGRESS'",
        "CREATE INDEX ON wip_items (status) WHERE status = 'IN_PROGRESS'",
        "CREATE INDEX ON wip_process_history (wip_item_id) WHERE result = 'PASS'",
        "CREATE INDEX ON wip_process_history (completed_at) WHERE result = 'PASS'");

    assertThat(built()).hasSize(4);
  }

  @Test
  void an_index_with_the_column_in_the_second_place_will_not_do() throws Exception {
    database.execute(
        "CREATE INDEX ON wip_items (current_process_id, lot_id)",
        "CREATE INDEX ON wip_items (current_process_id, status)",
        "CREATE INDEX ON wip_process_history (process_id, wip_item_id)",
        "CREATE INDEX ON wip_process_history (process_id, completed_at)");

    assertThat(built()).hasSize(4);
  }

  @Test
  void an_index_that_finds_no_range_of_times_will_not_do() throws Exception {
    database.execute("CREATE INDEX ON wip_process_history USING hash (completed_at)");

    assertThat(built()).hasSize(4);
  }

  @Test
  void an_index_left_invalid_by_a_killed_build_is_built_again() throws Exception {
    database.execute(
        "CREATE INDEX wip_views_wip_items_status_idx ON wip_items (status)",
        "UPDATE pg_index SET indisvalid = false"
            + " WHERE indexrelid = 'wip_views_wip_items_status_idx'::regclass");

    assertThat(built()).hasSize(4);
    assertThat(database.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid")).isEqualTo("0");
  }

  private List<String> built() throws Exception {
    WipViewsMigration.of(database.dataSource()).update();
    return database
        .rows("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'wip\\_views\\_%' ORDER BY 1")
        .stream()
        .map(row -> row.get(0))
        .toList();
  }
}
