package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A schema may have any name that can be quoted, and another one later. */
@Thorough
class SchemaNamesTest {

  private final TestDatabase database = TestDatabase.empty();

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @ParameterizedTest
  @MethodSource
  void odd_ones_are_deployed_to(String schema) throws Exception {
    factory(schema);
    List<String> objects = database.objects();
    WipViewsMigration migration = migration(schema);
    migration.update();

    isWhole(schema);
    migration.recreate(List.of());
    isWhole(schema);
    database.execute("CALL \"" + schema + "\".refresh_wip_views()");
    migration.rollback();
    assertThat(database.objects()).isEqualTo(objects);
  }

  @Test
  void an_update_after_a_rename_makes_all_of_it_work_again() throws Exception {
    factory("hall_1");
    migration("hall_1").update();
    database.execute("ALTER SCHEMA hall_1 RENAME TO hall_2");

    WipViews views = WipViews.of(database.dataSource()).withSchema("hall_2");
    assertThatThrownBy(() -> views.refresh(MV_PROCESS_WIP_QUEUE))
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining("the schema hall_1 was renamed");
    for (String call :
        List.of(
            "SELECT hall_2.refresh_all_wip_views()",
            "SELECT hall_2.refresh_process_wip_queue()",
            "SELECT hall_2.refresh_wip_view('mv_process_wip_queue')",
            "CALL hall_2.refresh_wip_views()")) {
      assertThatThrownBy(() -> database.execute(call))
          .as(call)
          .hasMessageContaining("the schema hall_1 was renamed");
    }
    assertThat(views.diagnose())
        .filteredOn(finding -> finding.check().equals("incomplete"))
        .flatExtracting(Finding::remedy)
        .singleElement()
        .asString()
        .contains("update");

    migration("hall_2").update();

    isWhole("hall_2");
    migration("hall_2").recreate(List.of("mv_process_wip_queue"));
    isWhole("hall_2");
    migration("hall_2").rollback();
  }

  @Test
  void a_recovery_after_a_rename_does_as_well() throws Exception {
    factory("hall_1");
    migration("hall_1").update();
    database.execute("ALTER SCHEMA hall_1 RENAME TO hall_2");

    migration("hall_2").recreate(List.of());

    isWhole("hall_2");
  }

  static Stream<String> odd_ones_are_deployed_to() {
    return Stream.of(
        "Line A, 100% of a%sb%I 공장 2.1",
        "sixty_three_bytes_and_not_one_more_which_is_all_that_fits_a_nam",
        "100%",
        "a%sb%I",
        "Line A, Hall 2.1",
        "select",
        "공장");
  }

  private WipViewsMigration migration(String schema) {
    return WipViewsMigration.of(database.dataSource()).withSchema(schema);
  }

  private void factory(String schema) throws SQLException {
    database.execute("CREATE SCHEMA \"" + schema + "\"");
    migration(schema).installMinimalMes();
  }

  private void isWhole(String schema) {
    WipViews views = WipViews.of(database.dataSource()).withSchema(schema);
    assertThat(views.refreshAll())
        .extracting(Refresh::outcome)
        .containsExactly(Refresh.Outcome.REFRESHED, Refresh.Outcome.REFRESHED);
    assertThat(views.freshness()).extracting(Freshness::state).containsOnly(Freshness.State.FRESH);
    assertThat(views.diagnose())
        .extracting(Finding::check)
        .doesNotContain("drift", "incomplete", "rights", "mes-index");
    List<String> lines = new ArrayList<>();
    migration(schema).withProgress(lines::add).update();
    assertThat(lines)
        .containsExactly(
            "preflight", "engine-preflight", "settings", "thresholds", "access", "drift");
  }
}
