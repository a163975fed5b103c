package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A deploy over views made by hand that stops half-way: the functions of the guide go on refreshing
 * both views, whichever of them is the new one by then.
 */
@Thorough
class HalfAdoptionTest {

  private final TestDatabase database = TestDatabase.mes();
  private int lots;

  @BeforeEach
  void made_by_hand() throws SQLException {
    database.create();
    HandMade.in(database);
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void a_deploy_killed_before_any_changeset_leaves_refreshes() throws Exception {
    List<String> changesets = changesets();
    assertThat(changesets).hasSizeGreaterThan(2);

    for (String changeset : changesets) {
      WipViewsMigration killed =
          migration().withProgress(line -> killOthersIf(line.equals(changeset)));
      assertThatThrownBy(killed::update).as(changeset).isInstanceOf(WipViewsException.class);
      theFunctionsOfTheGuideRefreshBothViews();
    }

    isWholeAfterAnUpdate();
  }

  @Test
  void a_promotion_that_is_refused_leaves_refreshes() throws Exception {
    database.execute(
        "CREATE VIEW by_shift AS SELECT shift, lot_number FROM mv_wip_status_dashboard");

    assertThatThrownBy(migration()::update).hasMessageContaining("by_shift");

    theFunctionsOfTheGuideRefreshBothViews();
    assertThat(database.value("SELECT count(shift) = count(*) FROM by_shift")).isEqualTo("t");
    database.execute("DROP VIEW by_shift");
    isWholeAfterAnUpdate();
  }

  @Test
  void a_script_that_psql_runs_and_is_refused_leaves_refreshes() throws Exception {
    Psql.assumeInstalled();
    database.execute("CREATE VIEW by_shift AS SELECT shift FROM mv_wip_status_dashboard");
    StringWriter script = new StringWriter();
    migration().updateSql(script);

    assertThatThrownBy(() -> Psql.run(database, script.toString()))
        .hasMessageContaining("by_shift");

    theFunctionsOfTheGuideRefreshBothViews();
    assertThat(database.objects()).noneMatch(object -> object.contains("wip_staging"));
    assertThat(database.rows("SELECT id FROM databasechangelog WHERE id ~ '^mv_|^guide'"))
        .isEmpty();
    database.execute("DROP VIEW by_shift");
    isWholeAfterAnUpdate();
  }

  @Test
  void a_promotion_that_gives_up_on_a_reader_leaves_refreshes() throws Exception {
    for (String view : List.of("mv_wip_status_dashboard", "mv_process_wip_queue")) {
      try (Connection reader = database.connect()) {
        reader.setAutoCommit(false);
        reader.createStatement().execute("SELECT count(*) FROM " + view);
        PGSimpleDataSource impatient = (PGSimpleDataSource) database.dataSource();
        impatient.setOptions("-c wip_views.promote_limit=50ms");

        assertThatThrownBy(WipViewsMigration.of(impatient)::update)
            .hasMessageContaining("could not put the new public." + view + " in place");

        theFunctionsOfTheGuideRefreshBothViews();
      }
    }
    isWholeAfterAnUpdate();
  }

  @Test
  void functions_that_return_something_else_are_taken_over() throws Exception {
    database.execute(
        "DROP FUNCTION refresh_all_wip_views()",
        "CREATE FUNCTION refresh_all_wip_views() RETURNS boolean LANGUAGE sql AS $$"
            + " SELECT refresh_wip_status_dashboard(); SELECT refresh_process_wip_queue(); SELECT"
            + " true $$",
        "DROP FUNCTION refresh_process_wip_queue()",
        "CREATE PROCEDURE refresh_process_wip_queue() LANGUAGE sql AS $$ REFRESH MATERIALIZED VIEW"
            + " mv_process_wip_queue $$");

    isWholeAfterAnUpdate();
  }

  private WipViewsMigration migration() {
    return WipViewsMigration.of(database.dataSource());
  }

  /** The changesets of the root, in its order, as another database runs them. */
  private static List<String> changesets() throws SQLException {
    TestDatabase other = TestDatabase.mes().create();
    try {
      List<String> lines = new ArrayList<>();
      WipViewsMigration.of(other.dataSource()).withProgress(lines::add).update();
      return lines.stream().filter(line -> !line.startsWith(" ")).toList();
    } finally {
      other.drop();
    }
  }

  private void killOthersIf(boolean now) {
    if (now) {
      try {
        database.execute(
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity"
                + " WHERE datname = current_database() AND pid <> pg_backend_pid()");
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
    }
  }

  private void theFunctionsOfTheGuideRefreshBothViews() throws SQLException {
    addALotAndAStation();
    database.execute("SELECT refresh_all_wip_views()");
    bothViewsHaveAllRows();
    addALotAndAStation();
    database.execute("SELECT refresh_wip_status_dashboard()", "SELECT refresh_process_wip_queue()");
    bothViewsHaveAllRows();
  }

  private void addALotAndAStation() throws SQLException {
    lots++;
    database.execute(
        "INSERT INTO lots (lot_number, product_model_id, production_date) VALUES ('LOT%d', 1, '2026-03-08')"
            .formatted(lots),
        "UPDATE processes SET process_code = 'CODE%d' WHERE process_number = 3".formatted(lots));
  }

  private void bothViewsHaveAllRows() throws SQLException {
    assertThat(database.value("SELECT count(*) FROM mv_wip_status_dashboard"))
        .isEqualTo(String.valueOf(lots));
    assertThat(
            database.value(
                "SELECT process_code FROM mv_process_wip_queue WHERE process_number = 3"))
        .isEqualTo("CODE" + lots);
  }

  private void isWholeAfterAnUpdate() throws SQLException {
    migration().update();
    theFunctionsOfTheGuideRefreshBothViews();
    WipViews views = WipViews.of(database.dataSource());
    assertThat(views.refreshAll())
        .extracting(Refresh::outcome)
        .containsExactly(Refresh.Outcome.REFRESHED, Refresh.Outcome.REFRESHED);
    assertThat(views.freshness()).extracting(Freshness::state).containsOnly(Freshness.State.FRESH);
  }
}
