package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The columns of the views that were made by hand: their names, order and types stay. */
@Thorough
class HandMadeColumnsTest {

  private static final List<String> DASHBOARD =
      List.of(
          "lot_id bigint",
          "lot_number character varying(50)",
          "product_model_id bigint",
          "production_date date",
          "shift character varying(1)",
          "lot_status character varying(20)",
          "total_wip_count bigint",
          "created_count bigint",
          "in_progress_count bigint",
          "completed_count bigint",
          "failed_count bigint",
          "at_process_1_count bigint",
          "at_process_2_count bigint",
          "at_process_3_count bigint",
          "at_process_4_count bigint",
          "at_process_5_count bigint",
          "at_process_6_count bigint",
          "completion_rate_pct numeric(5,2)",
          "failure_rate_pct numeric(5,2)",
          "avg_cycle_time_seconds integer",
          "first_wip_created_at timestamp with time zone",
          "last_wip_completed_at timestamp with time zone",
          "last_refreshed_at timestamp with time zone");

  private final TestDatabase database = TestDatabase.mes();

  @BeforeEach
  void a_dashboard_made_by_hand_that_somebody_reads() throws Exception {
    database.create();
    database.execute(
        "CREATE MATERIALIZED VIEW mv_wip_status_dashboard AS SELECT "
            + String.join(
                ", ",
                DASHBOARD.stream()
                    .map(column -> column.replaceFirst("(\\w+) (.*)", "NULL::$2 AS $1"))
                    .toList()),
        "CREATE UNIQUE INDEX idx_mv_wip_status_dashboard_pk ON mv_wip_status_dashboard (lot_id)",
        "CREATE VIEW slow_lots AS SELECT * FROM mv_wip_status_dashboard"
            + " WHERE avg_cycle_time_seconds > 86400 AND completion_rate_pct < 50");
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void who_reads_shift_is_named_and_nothing_has_changed() throws Exception {
    assertThatThrownBy(WipViewsMigration.of(database.dataSource())::update)
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining(
            "view public.slow_lots: column mv_wip_status_dashboard.shift does not exist");

    assertThat(columns("mv_wip_status_dashboard")).isEqualTo(DASHBOARD);
  }

  @Test
  void without_shift_a_reader_finds_every_column_as_it_was() throws Exception {
    List<String> kept = DASHBOARD.stream().filter(column -> !column.startsWith("shift ")).toList();
    List<String> names = kept.stream().map(column -> column.replaceFirst(" .*", "")).toList();
    database.execute(
        "DROP VIEW slow_lots",
        "CREATE VIEW slow_lots AS SELECT "
            + String.join(", ", names)
            + " FROM mv_wip_status_dashboard WHERE avg_cycle_time_seconds > 86400");

    assertThatCode(WipViewsMigration.of(database.dataSource())::update).doesNotThrowAnyException();

    assertThat(columns("slow_lots")).isEqualTo(kept);
    assertThat(columns("mv_wip_status_dashboard").subList(0, kept.size())).isEqualTo(kept);
    assertThat(columns("mv_wip_status_dashboard").subList(kept.size(), kept.size() + 1))
        .containsExactly("converted_count bigint");
  }

  private List<String> columns(String view) throws Exception {
    return database
        .rows(
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE"
                + " attrelid = '"
                + view
                + "'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum")
        .stream()
        .map(row -> row.get(0))
        .toList();
  }
}
