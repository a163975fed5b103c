package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A view that no file of this jar defines is recreated from what the registry knows of it. */
class RegistryRecoveryTest {

  private static final String VIEW = "mv lots's \"own\"";
  private static final String QUOTED = "\"mv lots's \"\"own\"\"\"";

  private final TestDatabase database = TestDatabase.deployed();
  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void a_service_registers_its_view() throws SQLException {
    database.create();
    database.execute(
        "INSERT INTO lots (lot_number, product_model_id, production_date)"
            + " SELECT 'L' || i, 1, current_date FROM generate_series(1, 3) AS i",
        "DO $do$ BEGIN PERFORM wip_view_stage($v$"
            + VIEW
            + "$v$); CREATE MATERIALIZED VIEW "
            + QUOTED
            + " AS SELECT id, lot_number || E'\\nON public.' AS label FROM lots;"
            + " CREATE UNIQUE INDEX \"its ON public id\" ON "
            + QUOTED
            + " (id); CREATE INDEX by_label ON "
            + QUOTED
            + " (label text_pattern_ops DESC) WHERE id > 1;"
            + " PERFORM wip_view_promote($v$"
            + VIEW
            + "$v$, 9, interval '1 hour'); END $do$");
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Thorough
  @Test
  void a_view_that_was_dropped_is_back_with_its_indexes() throws SQLException {
    String deployed = definition();
    database.execute("DROP MATERIALIZED VIEW " + QUOTED);

    assertThat(WipViewsMigration.of(database.dataSource()).recreate(List.of(VIEW)))
        .containsExactly(VIEW);

    assertThat(definition()).isEqualTo(deployed);
    assertThat(database.value("SELECT count(*) FROM " + QUOTED)).isEqualTo("3");
    assertThat(views.refresh(WipViews.view(VIEW)).mode()).isEqualTo(Refresh.Mode.CONCURRENT);
    assertThat(database.value("SELECT freshness_target FROM wip_view WHERE refresh_order = 9"))
        .isEqualTo("01:00:00");
  }

  @Thorough
  @Test
  void a_view_that_was_edited_is_put_back_with_its_grants() throws SQLException {
    String deployed = definition();
    String role = "reader_of_" + database.name();
    database.execute(
        "CREATE ROLE " + role,
        "DROP MATERIALIZED VIEW " + QUOTED,
        "CREATE MATERIALIZED VIEW " + QUOTED + " AS SELECT 1::bigint AS id, 'by hand' AS label",
        "GRANT SELECT ON " + QUOTED + " TO " + role);

    views.recreate(WipViews.view(VIEW));

    assertThat(definition()).isEqualTo(deployed);
    assertThat(
            database.value(
                "SELECT has_table_privilege('" + role + "', $v$" + QUOTED + "$v$, 'SELECT')"))
        .isEqualTo("t");
    database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
  }

  @Thorough
  @Test
  void a_recovery_of_all_includes_it_after_those_of_the_jar() throws SQLException {
    database.execute(
        "DROP MATERIALIZED VIEW " + QUOTED + ", mv_process_wip_queue, mv_wip_status_dashboard");

    assertThat(WipViewsMigration.of(database.dataSource()).recreate(List.of()))
        .containsExactly("mv_wip_status_dashboard", "mv_process_wip_queue", VIEW);

    assertThat(views.freshness()).extracting(view -> view.state()).containsOnly(State.FRESH);
  }

  @Test
  void a_view_that_nobody_knows_is_refused_before_any_is_touched() throws SQLException {
    String before = database.value("SELECT 'mv_process_wip_queue'::regclass::oid");

    assertThatThrownBy(
            () ->
                WipViewsMigration.of(database.dataSource())
                    .recreate(List.of("mv_process_wip_queue", "mv_nope")))
        .isInstanceOf(UnknownViewException.class)
        .hasMessage("unknown view \"mv_nope\"");

    assertThat(database.value("SELECT 'mv_process_wip_queue'::regclass::oid")).isEqualTo(before);
  }

  @Thorough
  @Test
  void sql_recreates_it_too_and_refuses_an_unknown_one() throws SQLException {
    String deployed = definition();
    database.execute(
        "DROP MATERIALIZED VIEW " + QUOTED, "SELECT wip_view_recreate($v$" + VIEW + "$v$)");

    assertThat(definition()).isEqualTo(deployed);
    assertThatThrownBy(() -> database.execute("SELECT wip_view_recreate('mv_nope')"))
        .hasMessageContaining("unknown view \"mv_nope\"");
  }

  private String definition() throws SQLException {
    return database.value("SELECT wip_view_definition($v$" + QUOTED + "$v$::regclass)");
  }
}
