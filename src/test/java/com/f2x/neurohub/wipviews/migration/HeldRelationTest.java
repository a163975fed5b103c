package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A transaction that has read what a deploy replaces holds up the deploy, and nobody else. */
class HeldRelationTest {

  private final TestDatabase database = TestDatabase.deployed();

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private WipViewsMigration migration(String limit) {
    PGSimpleDataSource dataSource = (PGSimpleDataSource) database.dataSource();
    dataSource.setOptions("-c wip_views.promote_limit=" + limit + " -c statement_timeout=5min");
    return WipViewsMigration.of(dataSource);
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(
      strings = {
        "wip_view_freshness",
        "wip_view_daily",
        "wip_view_blockers",
        "wip_view_rights",
        "wip_view_history"
      })
  void a_recovery_gives_up_and_names_who_holds_a_view(String view) throws Exception {
    // or one that it reads, which is replaced before it
    givesUp(view, "could not replace wip_view_", () -> migration("100ms").recreate(List.of()));
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(strings = {"wip_view_freshness", "wip_view_history"})
  void a_rollback_gives_up_and_names_who_holds_a_view(String view) throws Exception {
    givesUp(view, "could not drop " + view, () -> migration("100ms").rollback());
  }

  private void givesUp(String view, String message, Runnable deploy) throws Exception {
    try (Connection holder = database.inTransaction("SELECT FROM " + view)) {
      assertThatThrownBy(deploy::run).hasMessageContaining(message).hasMessageContaining("holds");

      assertThat(database.value("SELECT to_regclass('" + view + "')")).isEqualTo(view);
      holder.rollback();
    }
  }

  @Thorough
  @Test
  void readers_do_not_queue_behind_a_recovery_that_waits() throws Exception {
    try (Connection holder = database.inTransaction("SELECT FROM wip_view_freshness");
        Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      // one that queued would wait for as long as the holder goes on
      statement.execute("SET statement_timeout = '5min'");
      CompletableFuture<Void> recovery =
          CompletableFuture.runAsync(() -> migration("10min").recreate(List.of()));
      for (int i = 0; i < 5; i++) {
        Await.until("the recovery waits for the holder", () -> !waiting().isEmpty());

        statement.execute("SELECT FROM wip_view_freshness");
      }

      assertThat(recovery).as("the recovery, while the holder goes on").isNotDone();
      holder.rollback();
      Await.result(recovery);
    }
  }

  /** In front of the view stand those that it reads, which the holder holds as well. */
  private List<List<String>> waiting() throws SQLException {
    return database.rows(
        "SELECT pid FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname ="
            + " current_database()) AND mode = 'AccessExclusiveLock' AND NOT granted");
  }
}
