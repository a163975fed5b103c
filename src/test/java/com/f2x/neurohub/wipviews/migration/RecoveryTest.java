package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jooq.SQLDialect;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever state the views are in, one recovery brings back what was deployed. */
class RecoveryTest {

  private final TestDatabase database = TestDatabase.deployed();
  private Map<String, String> deployed;

  @BeforeEach
  void create() throws SQLException {
    database.create();
    deployed = CatalogSnapshot.of(database);
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private void everythingIsBack() throws SQLException {
    assertThat(CatalogSnapshot.difference(deployed, CatalogSnapshot.of(database))).isEmpty();
    WipViews views = WipViews.of(database.dataSource());
    assertThat(views.freshness()).extracting(Freshness::state).containsOnly(Freshness.State.FRESH);
    assertThat(views.refreshAll()).extracting(Refresh::mode).containsOnly(Refresh.Mode.CONCURRENT);
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(
      strings = {
        // as the guide does it
        "DROP MATERIALIZED VIEW IF EXISTS mv_wip_status_dashboard CASCADE;"
            + "DROP MATERIALIZED VIEW IF EXISTS mv_process_wip_queue CASCADE",
        "REFRESH MATERIALIZED VIEW mv_wip_status_dashboard WITH NO DATA;"
            + "DROP INDEX mv_process_wip_queue_process_id_idx",
        // hand-edited
        "DROP MATERIALIZED VIEW mv_process_wip_queue;CREATE MATERIALIZED VIEW mv_process_wip_queue"
            + " AS SELECT 1 AS process_id, 'x' AS extra",
        "DROP FUNCTION refresh_wip_view, refresh_all_wip_views, refresh_process_wip_queue,"
            + " refresh_wip_status_dashboard, wip_view_run, wip_view_request, wip_view_fail;"
            + "DROP PROCEDURE refresh_wip_views;"
            + "DROP VIEW wip_view_freshness",
        "DROP FUNCTION wip_view_stage(text), wip_view_stage(text, text), wip_view_promote,"
            + " wip_view_remove, wip_view_execute, wip_view_fill, wip_view_swap, wip_view_drift,"
            + " wip_view_definition",
        "DELETE FROM wip_view",
        "DROP TABLE wip_view, wip_view_refresh, wip_view_role, wip_view_settings CASCADE"
      })
  void what_was_broken_is_brought_back_by_recreate(String harm) throws SQLException {
    database.execute(harm);

    WipViews.of(database.dataSource()).recreate();

    everythingIsBack();
  }

  @Thorough
  @Test
  void a_view_renamed_away_is_recreated_beside_the_renamed_one() throws SQLException {
    database.execute("ALTER MATERIALIZED VIEW mv_process_wip_queue RENAME TO mv_old");

    WipViews.of(database.dataSource()).recreate(MV_PROCESS_WIP_QUEUE);

    assertThat(database.value("SELECT count(*) FROM mv_process_wip_queue")).isEqualTo("6");
    assertThat(database.value("SELECT count(*) FROM mv_old")).isEqualTo("6");
    assertThat(WipViews.of(database.dataSource()).refresh(MV_PROCESS_WIP_QUEUE).mode())
        .isEqualTo(Refresh.Mode.CONCURRENT);
  }

  @Thorough
  @Test
  void only_the_views_that_were_named_are_recreated() throws SQLException {
    String before = database.value("SELECT 'mv_wip_status_dashboard'::regclass::oid");

    WipViews.of(database.dataSource()).recreate(MV_PROCESS_WIP_QUEUE);

    assertThat(database.value("SELECT 'mv_wip_status_dashboard'::regclass::oid")).isEqualTo(before);
  }

  @Thorough
  @Test
  void thresholds_and_readers_survive_a_recovery_without_them() throws SQLException {
    database.execute("DROP ROLE IF EXISTS recovery_reader", "CREATE ROLE recovery_reader");
    WipViewsMigration.of(database.dataSource())
        .withParameter("stuckAfter", "2 hours")
        .withParameter("readerRole", "recovery_reader")
        .update();
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    WipViews.of(database.dataSource()).recreate();

    assertThat(database.value("SELECT stuck_after FROM wip_view_settings")).isEqualTo("02:00:00");
    assertThat(
            database.value(
                "SELECT has_table_privilege('recovery_reader', 'mv_process_wip_queue', 'SELECT')"))
        .isEqualTo("t");
  }

  @Thorough
  @Test
  void a_recovery_tells_what_it_does() throws SQLException {
    database.execute("CREATE VIEW over AS SELECT process_id FROM mv_process_wip_queue");
    List<String> lines = new ArrayList<>();

    WipViewsMigration.of(database.dataSource())
        .withProgress(lines::add)
        .recreate(List.of("mv_process_wip_queue"));

    assertThat(lines)
        .contains("mv_process_wip_queue")
        .anyMatch(line -> line.contains("mv_process_wip_queue: built, 6 rows"))
        .anyMatch(line -> line.matches(" *mv_process_wip_queue: promoted .*public.over.*"));
  }

  @Thorough
  @Test
  void a_recovery_in_a_callers_transaction_is_refused() throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("CREATE TABLE callers (i integer)");
      WipViews joined =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));

      assertThatThrownBy(joined::recreate)
          .isInstanceOf(WipViewsException.class)
          .hasMessageContaining("in a caller's transaction");
      assertThat(connection.getAutoCommit()).isFalse();
      connection.rollback();

      assertThat(database.value("SELECT to_regclass('callers')")).isNull();
      connection.setAutoCommit(true);
      joined.recreate(MV_PROCESS_WIP_QUEUE);
    }
  }
}
