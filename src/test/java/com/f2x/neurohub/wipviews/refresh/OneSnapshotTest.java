package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;

/** A caller whose transaction keeps the snapshot that it began with. */
class OneSnapshotTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static Probe probe;

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
  }

  @BeforeEach
  void reset() throws SQLException {
    probe.reset();
  }

  @ParameterizedTest
  @ValueSource(strings = {"REPEATABLE READ", "SERIALIZABLE"})
  void it_refreshes_when_nobody_else_has(String isolation) throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + isolation);

      assertThat(Probe.writeThenRefresh(1, connection).readItsOwn()).isTrue();
      assertThat(Probe.writeThenRefresh(2, connection).readItsOwn()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"REPEATABLE READ", "SERIALIZABLE"})
  void it_puts_no_older_rows_over_newer(String isolation) throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL " + isolation);
      statement.execute("SELECT FROM probe");
      database.execute("INSERT INTO probe VALUES (2, 'newer')", Probe.REFRESH);

      assertThatThrownBy(() -> statement.execute(Probe.REFRESH))
          .isInstanceOfSatisfying(
              PSQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("40001"))
          .hasMessageContaining(
              "cannot refresh the view: it was refreshed after this "
                  + isolation
                  + " transaction took its snapshot")
          .hasMessageContaining("Try again in a new transaction");
      connection.rollback();
    }
    assertThat(database.value("SELECT count(*) FROM mv_probe")).isEqualTo("2");
  }

  @Test
  void it_serves_nobody_it_cannot_see() throws Exception {
    try (Callers callers = new Callers();
        Connection old = database.connect();
        Statement statement = old.createStatement()) {
      old.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      statement.execute("SELECT FROM probe");
      Future<Probe.CallerResult> caller;
      try (Probe.DeployLock turn = probe.takeTurn()) {
        Future<?> older =
            callers.start(1, () -> old, (n, c) -> Probe.rows(c, Probe.REFRESH)).get(0);
        probe.awaitWaiters(1);
        caller = callers.start(1, database::connect, Probe::writeThenRefresh).get(0);
        probe.awaitWaiters(2);
        turn.end();
        Await.result(older);
        old.commit();
      }

      assertThat(caller.get().row()).containsEntry("outcome", "refreshed");
      assertThat(caller.get().readItsOwn()).isTrue();
    }
  }

  @Test
  void procedure_and_java_share_refreshes_at_any_isolation_level() throws Exception {
    database.execute(
        "ALTER DATABASE "
            + database.name()
            + " SET default_transaction_isolation = 'repeatable read'");
    try (Callers callers = new Callers()) {
      List<Future<Object>> calls;
      try (Probe.Gate gate = probe.shut()) {
        calls =
            callers.start(
                6,
                database::connect,
                (number, connection) -> {
                  if (number % 2 == 0) {
                    return WipViews.of(database.dataSource()).refresh(Probe.MV_PROBE);
                  }
                  try (Statement statement = connection.createStatement()) {
                    return statement.execute("CALL refresh_wip_views()");
                  }
                });
        gate.awaitRefresh();
        probe.awaitWaiters(5);
      }
      Callers.results(calls);
    } finally {
      database.execute(
          "ALTER DATABASE " + database.name() + " RESET default_transaction_isolation");
    }

    assertThat(probe.count("refreshed")).isBetween(1, 2);
    assertThat(probe.count("coalesced")).isBetween(4, 5);
  }
}
