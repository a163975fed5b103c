package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** An update of a database on which all is deployed. */
@Thorough
class UpdateTest {

  private final TestDatabase database = TestDatabase.deployed();

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void an_update_names_a_view_edited_by_hand_and_leaves_it_alone() throws SQLException {
    database.execute(
        "DROP MATERIALIZED VIEW mv_process_wip_queue",
        "CREATE MATERIALIZED VIEW mv_process_wip_queue AS SELECT 1 AS by_hand");
    List<String> lines = new ArrayList<>();

    WipViewsMigration.of(database.dataSource()).withProgress(lines::add).update();

    assertThat(lines)
        .contains(
            "  mv_process_wip_queue: its query is not the one that was deployed: somebody changed"
                + " it; run wip-views recreate mv_process_wip_queue");
    assertThat(database.value("SELECT by_hand FROM mv_process_wip_queue")).isEqualTo("1");
  }

  @Test
  void an_update_with_nothing_to_do_waits_for_no_refresh() throws Exception {
    WipViewsMigration migration = migrationWithReader();
    migration.update();

    try (Connection refreshing = refreshing()) {
      Await.result(CompletableFuture.runAsync(migration::update));
      refreshing.commit();
    } finally {
      database.execute("DROP OWNED BY deploy_reader");
    }
  }

  @Test
  void an_update_grants_a_missing_right_once_a_refresh_has_ended() throws Exception {
    WipViewsMigration migration = migrationWithReader();
    migration.update();
    database.execute("REVOKE SELECT ON mv_process_wip_queue FROM deploy_reader");

    try (Connection refreshing = refreshing()) {
      PGSimpleDataSource impatient = (PGSimpleDataSource) database.dataSource();
      impatient.setOptions("-c wip_views.promote_limit=100ms -c statement_timeout=5min");
      assertThatThrownBy(WipViewsMigration.of(impatient)::update)
          .hasMessage(
              "could not grant rights on public.mv_process_wip_queue within 00:00:00.1: "
                  + "mv_process_wip_queue is being refreshed all that time");

      CompletableFuture<Void> update = CompletableFuture.runAsync(migration::update);
      Await.until(
          "the deploy waits for its turn",
          () ->
              database.value(
                  "SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database"
                      + " WHERE d.datname = current_database() AND locktype = 'advisory'"
                      + " AND NOT granted"),
          "1"::equals);
      refreshing.commit();
      Await.result(update);

      assertThat(
              database.value(
                  "SELECT has_table_privilege('deploy_reader', 'mv_process_wip_queue', 'SELECT')"))
          .isEqualTo("t");
    } finally {
      database.execute("DROP OWNED BY deploy_reader");
    }
  }

  private WipViewsMigration migrationWithReader() throws SQLException {
    database.execute("DROP ROLE IF EXISTS deploy_reader", "CREATE ROLE deploy_reader");
    return WipViewsMigration.of(database.dataSource()).withParameter("readerRole", "deploy_reader");
  }

  /** A session that has refreshed both views, and has not ended its transaction. */
  private Connection refreshing() throws SQLException {
    return database.inTransaction("SELECT refresh_all_wip_views()");
  }
}
