package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A transaction that has read what a deploy replaces holds up the deploy, and nobody else. */
class HeldRelationTest {

  private final TestDatabase database = TestDatabase.deployed();
  private WipViewsMigration migration;

  @BeforeEach
  void create() throws SQLException {
    database.create();
    PGSimpleDataSource dataSource = (PGSimpleDataSource) database.dataSource();
    dataSource.setOptions("-c wip_views.promote_limit=1s -c statement_timeout=20s");
    migration = WipViewsMigration.of(dataSource);
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

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
    givesUp(view, "could not replace wip_view_", () -> migration.recreate(List.of()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"wip_view_freshness", "wip_view_history"})
  void a_rollback_gives_up_and_names_who_holds_a_view(String view) throws Exception {
    givesUp(view, "could not drop " + view, migration::rollback);
  }

  private void givesUp(String view, String message, Runnable deploy) throws Exception {
    try (Connection holder = database.connect();
        Connection reader = database.connect()) {
      holder.setAutoCommit(false);
      holder.createStatement().execute("SELECT FROM " + view);
      reader.createStatement().execute("SET statement_timeout = '800ms'");

      CompletableFuture<Void> deployed = CompletableFuture.runAsync(deploy);
      while (!deployed.isDone()) {
        reader
            .createStatement()
            .execute("SELECT FROM " + view + " WHERE to_regclass('" + view + "') IS NOT NULL");
        TimeUnit.MILLISECONDS.sleep(20);
      }

      assertThatThrownBy(deployed::join)
          .hasMessageContaining(message)
          .hasMessageContaining("holds");
      assertThat(database.value("SELECT to_regclass('" + view + "')")).isEqualTo(view);
      holder.rollback();
    }
  }
}
