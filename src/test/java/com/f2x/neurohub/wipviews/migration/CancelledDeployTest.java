package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.Changelog;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.DeployListener;
import com.f2x.neurohub.wipviews.internal.Sources;
import com.f2x.neurohub.wipviews.internal.Target;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A deploy that somebody ends while it waits. */
class CancelledDeployTest {

  private static final String TURN = "SELECT pg_advisory_lock(hashtext('wip-views deploy'), 0)";
  private static final String SETTINGS = "LOCK TABLE wip_view_settings IN ACCESS EXCLUSIVE MODE";
  private static final String WAITING =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
          + " AND application_name = 'cancelled' AND wait_event_type = 'Lock'";

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final AtomicReference<Connection> connected = new AtomicReference<>();

  private WipViewsMigration migration() {
    PGSimpleDataSource dataSource =
        new PGSimpleDataSource() {
          private static final long serialVersionUID = 1L;

          @Override
          public Connection getConnection() throws SQLException {
            connected.set(super.getConnection());
            return connected.get();
          }
        };
    dataSource.setUrl(database.url());
    dataSource.setUser(database.user());
    dataSource.setPassword(database.password());
    dataSource.setApplicationName("cancelled");
    return WipViewsMigration.of(dataSource);
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(strings = {TURN, SETTINGS})
  void an_interrupt_cancels_a_deploy_on_the_server(String lock) throws Exception {
    Map<String, String> before = CatalogSnapshot.of(database);
    WipViewsMigration migration = migration();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread deploy =
        new Thread(
            () -> {
              try {
                migration.update();
              } catch (WipViewsException e) {
                thrown.set(Thread.currentThread().isInterrupted() ? e : null);
              }
            });

    try (Connection holder = database.inTransaction(lock)) {
      deploy.start();
      Await.until("the deploy waits", () -> database.value(WAITING), "1"::equals);
      deploy.interrupt();
      deploy.join(300_000);

      assertThat(deploy.isAlive()).isFalse();
      assertThat(database.value(WAITING)).isEqualTo("0");
      assertThat(thrown.get())
          .isInstanceOf(WipViewsException.class)
          .hasMessage("cancelled, because the calling thread was interrupted");
      holder.rollback();
    }
    deploy.join();
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
    assertThatCode(migration::update).doesNotThrowAnyException();
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(strings = {TURN, SETTINGS})
  void the_session_of_a_dead_deploy_ends_on_the_server(String lock) throws Exception {
    WipViewsMigration migration = migration();

    try (Connection holder = database.inTransaction(lock)) {
      CompletableFuture<Void> deploy = CompletableFuture.runAsync(migration::update);
      Await.until("the deploy waits", () -> database.value(WAITING), "1"::equals);
      // the end of a process, as the server sees it
      connected.get().abort(Runnable::run);
      Await.until("the server ends its session", () -> database.value(WAITING), "0"::equals);
      Await.result(deploy.handle((done, failed) -> null));
      holder.rollback();
    }
    assertThatCode(migration::update).doesNotThrowAnyException();
  }

  @Thorough
  @Test
  void a_deploy_gives_a_connection_back_as_it_was() throws Exception {
    String settings =
        "SELECT current_setting('search_path') ||"
            + " current_setting('client_connection_check_interval') || (SELECT count(*) FROM"
            + " pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())";
    try (Connection connection = database.connect()) {
      connection.createStatement().execute("SET client_connection_check_interval = '7s'");
      String before = value(connection, settings);

      new Changelog(
              Target.of(connection, null), Sources.of(ChangelogFiles.ROOT), DeployListener.NONE)
          .update();

      assertThat(value(connection, settings)).isEqualTo(before).contains("7s");
    }
  }

  private static String value(Connection connection, String query) throws SQLException {
    try (var statement = connection.createStatement();
        var row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }
}
