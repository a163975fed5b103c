package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The changelog parameters that are thresholds, and what a later deploy makes of them. */
class SettingsTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String SETTINGS =
      "SELECT stuck_after, bottleneck_above, history_retention FROM wip_view_settings";

  private final WipViewsMigration migration = WipViewsMigration.of(database.dataSource());

  @BeforeEach
  void the_settings_of_a_new_database() throws Exception {
    database.execute(
        "UPDATE wip_view_settings SET stuck_after = DEFAULT, bottleneck_above = DEFAULT,"
            + " history_retention = DEFAULT");
  }

  @Test
  void a_new_database_has_an_hour_fifty_items_and_two_weeks() throws Exception {
    assertThat(database.rows(SETTINGS)).containsExactly(List.of("01:00:00", "50", "14 days"));
  }

  @Thorough
  @Test
  void only_the_parameters_that_are_given_change_settings() throws Exception {
    migration.withParameter("stuckAfter", "90 minutes").update();
    assertThat(database.rows(SETTINGS)).containsExactly(List.of("01:30:00", "50", "14 days"));

    migration
        .withParameter("bottleneckAbove", "3")
        .withParameter("historyRetention", "2 days")
        .update();
    assertThat(database.rows(SETTINGS)).containsExactly(List.of("01:30:00", "3", "2 days"));
  }

  @Thorough
  @Test
  void an_update_without_parameters_keeps_the_settings() throws Exception {
    migration.withParameter("stuckAfter", "2 hours").withParameter("bottleneckAbove", "7").update();

    migration.update();

    assertThat(database.rows(SETTINGS)).containsExactly(List.of("02:00:00", "7", "14 days"));
  }

  @Thorough
  @Test
  void a_recovery_keeps_the_settings() throws Exception {
    migration.withParameter("bottleneckAbove", "7").update();

    migration.recreate(List.of());

    assertThat(database.rows(SETTINGS)).containsExactly(List.of("01:00:00", "7", "14 days"));
  }

  @Thorough
  @Test
  void a_target_set_by_hand_is_kept_until_the_changelog_changes() throws Exception {
    String target =
        "SELECT freshness_target FROM wip_view WHERE view_name = 'mv_process_wip_queue'";
    database.execute(
        "UPDATE wip_view SET freshness_target = interval '5 minutes' WHERE view_name ="
            + " 'mv_process_wip_queue'");

    migration.recreate(List.of());
    assertThat(database.value(target)).isEqualTo("00:05:00");

    database.execute("UPDATE wip_view SET deployed_target = interval '10 minutes'");
    migration.recreate(List.of());
    assertThat(database.value(target)).isEqualTo("00:20:00");
  }

  @Thorough
  @Test
  void the_next_refresh_uses_the_settings() throws Exception {
    database.execute(
        "INSERT INTO lots (id, lot_number, product_model_id, production_date)"
            + " VALUES (1, 'KR01PSA251101', 1, current_date)",
        "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status, current_process_id,"
            + " created_at)"
            + " SELECT 'WIP-' || n, 1, n, 'IN_PROGRESS', p.id, now() - interval '90 minutes'"
            + " FROM processes AS p, generate_series(1, 10) AS n WHERE p.process_number = 4");
    WipViews views = WipViews.of(database.dataSource());
    String flags =
        "SELECT has_stuck_wip, is_bottleneck FROM mv_process_wip_queue WHERE process_number = 4";
    views.refresh(MV_PROCESS_WIP_QUEUE);
    assertThat(database.rows(flags)).containsExactly(List.of("t", "f"));

    migration.withParameter("stuckAfter", "2 hours").withParameter("bottleneckAbove", "9").update();
    views.refresh(MV_PROCESS_WIP_QUEUE);

    assertThat(database.rows(flags)).containsExactly(List.of("f", "t"));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          stuckAfter       | soon                  | an interval above 0 such as "2 hours"
          stuckAfter       | -1 hour               | an interval above 0 such as "2 hours"
          stuckAfter       | 0 seconds             | an interval above 0 such as "2 hours"
          stuckAfter       | 1 hour'; DROP TABLE x | an interval above 0 such as "2 hours"
          historyRetention | a while               | an interval above 0 such as "2 hours"
          bottleneckAbove  | many                  | a whole number of 0 or more
          bottleneckAbove  | -1                    | a whole number of 0 or more
          bottleneckAbove  | 2.5                   | a whole number of 0 or more
          bottleneckAbove  | 99999999999           | a whole number of 0 or more
          """)
  void a_setting_that_cannot_be_read_is_refused_in_one_line(
      String name, String value, String wanted) throws Exception {
    assertThatThrownBy(() -> migration.withParameter(name, value).update())
        .isInstanceOf(WipViewsException.class)
        .hasMessage(
            "wip-views cannot be deployed to schema \"public\" of database \"%s\"; wrong: parameter"
                + " %s is \"%s\", not %s",
            database.name(), name, value, wanted);
    assertThat(database.rows(SETTINGS)).containsExactly(List.of("01:00:00", "50", "14 days"));
  }

  @Test
  void several_that_cannot_be_read_are_named_at_once() {
    assertThatThrownBy(
            () ->
                migration
                    .withParameter("stuckAfter", "soon")
                    .withParameter("bottleneckAbove", "many")
                    .update())
        .hasMessageContaining("parameter stuckAfter is \"soon\"")
        .hasMessageContaining("; parameter bottleneckAbove is \"many\"");
  }
}
