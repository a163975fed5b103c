package com.f2x.neurohub.wipviews.refresh;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jooq.Table;

/**
 * A view, {@code mv_probe} on the table {@code probe}, whose refresh can be held half-way: its
 * query passes a gate, after its snapshot was taken, which a test shuts with an advisory lock.
 */
final class Probe {

  static final Table<?> MV_PROBE = WipViews.view("mv_probe");

  /** A refresh of it by the function. */
  static final String REFRESH = "SELECT * FROM refresh_wip_view('mv_probe')";

  private static final int GATE = 4711;

  private static final String TAKE_TURN =
      "SELECT pg_advisory_xact_lock('wip_view'::regclass::oid::integer, hashtext('%s'))";

  private final TestDatabase database;

  private Probe(TestDatabase database) {
    this.database = database;
  }

  /** Makes the view, populated, as the last in refresh order. */
  static Probe in(TestDatabase database) throws SQLException {
    database.execute(
        "CREATE TABLE probe (id integer, note text)",
        "CREATE FUNCTION gate() RETURNS integer LANGUAGE plpgsql AS"
            + " 'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN 0; END'",
        "CREATE MATERIALIZED VIEW mv_probe AS"
            + " SELECT id + g AS id, note FROM probe, (SELECT gate() AS g OFFSET 0) AS gate",
        "CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_probe', 9, '1 day', '')",
        "GRANT SELECT ON mv_probe, probe TO PUBLIC",
        "INSERT INTO probe VALUES (1, 'first')");
    return new Probe(database);
  }

  /** Everything as {@link #in} left it, with an empty history of the view. */
  void reset() throws SQLException {
    // one round trip, one transaction: it runs before every test
    database.execute(
        """
        TRUNCATE probe;
        INSERT INTO probe VALUES (1, 'first');
        DROP INDEX IF EXISTS mv_probe_id_idx;
        REFRESH MATERIALIZED VIEW mv_probe;
        CREATE UNIQUE INDEX mv_probe_id_idx ON mv_probe (id);
        TRUNCATE wip_view_refresh;
        UPDATE wip_view SET last_refresh_id = NULL;
        UPDATE wip_view SET refresh_order = 9 WHERE view_name = 'mv_probe'
        """);
  }

  /** Shuts the gate, as long as the result is open. */
  Gate shut() throws SQLException {
    return new Gate(database.connect());
  }

  /** Held by a session, so that it opens whatever happens to the test. */
  final class Gate implements AutoCloseable {

    private final Connection connection;

    private Gate(Connection connection) throws SQLException {
      this.connection = connection;
      try (Statement statement = connection.createStatement()) {
        statement.execute("SELECT pg_advisory_lock(" + GATE + ")");
      }
    }

    /** Waits until a refresh stands at the gate. */
    void awaitRefresh() throws Exception {
      awaitLocks("a refresh at the gate", "objsubid = 1 AND objid = " + GATE, 1);
    }

    /** Whether it still holds everybody back. */
    boolean isShut() throws SQLException {
      return !connection.isClosed()
          && database
              .value(
                  "SELECT count(*) FROM pg_locks WHERE granted AND objsubid = 1 AND objid = "
                      + GATE)
              .equals("1");
    }

    /** Lets everybody through, before it is closed. */
    void open() throws SQLException {
      connection.close();
    }

    /** Ends the session that stands at the gate. */
    void terminateRefresh() throws SQLException {
      end("pg_terminate_backend");
    }

    /** Ends the statement that stands at the gate. */
    void cancelRefresh() throws SQLException {
      end("pg_cancel_backend");
    }

    private void end(String function) throws SQLException {
      database.execute(
          "SELECT "
              + function
              + "(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1"
              + " AND objid = "
              + GATE);
    }

    @Override
    public void close() throws SQLException {
      connection.close();
    }
  }

  /** Takes the view's turn, as a refresh or a promotion does, until it is ended or closed. */
  DeployLock takeTurn() throws SQLException {
    return new DeployLock(database.connect());
  }

  /** Waits for a view's turn, and takes it in the connection's transaction. */
  boolean takeTurn(Connection connection, String view) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return statement.execute(TAKE_TURN.formatted(view));
    }
  }

  /** Cancels or terminates whoever waits for the view's turn. */
  void onWaiters(String function) throws SQLException {
    database.execute(
        "SELECT "
            + function
            + "(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 2"
            + " AND classid = 'wip_view'::regclass");
  }

  /** Held by a session, so that it ends whatever happens to the test. */
  static final class DeployLock implements AutoCloseable {

    private final Connection connection;

    private DeployLock(Connection connection) throws SQLException {
      this.connection = connection;
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute(TAKE_TURN.formatted("mv_probe"));
      }
    }

    void end() throws SQLException {
      connection.rollback();
    }

    @Override
    public void close() throws SQLException {
      connection.close();
    }
  }

  /** Waits until so many wait for the view's turn. */
  void awaitWaiters(int number) throws Exception {
    awaitLocks(
        number + " waiting for their turn",
        "classid = 'wip_view'::regclass AND objsubid = 2",
        number);
  }

  private void awaitLocks(String what, String condition, int number) throws Exception {
    Await.until(
        what,
        () ->
            database.value(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                    + " AND database = (SELECT oid FROM pg_database"
                    + " WHERE datname = current_database()) AND "
                    + condition),
        Integer.toString(number)::equals);
  }

  int count(String outcome) throws SQLException {
    return Integer.parseInt(
        database.value(
            "SELECT count(*) FROM wip_view_history WHERE view_name = 'mv_probe' AND outcome = '"
                + outcome
                + "'"));
  }

  /** What a caller got, and whether it then read what it had written before it called. */
  record CallerResult(Map<String, String> row, boolean readItsOwn) {}

  static CallerResult writeThenRefresh(int number, Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO probe VALUES (" + (100 + number) + ", 'of a caller')");
    }
    Map<String, String> row = Probe.rows(connection, REFRESH).get(0);
    return new CallerResult(
        row,
        Probe.rows(connection, "SELECT FROM mv_probe WHERE id = " + (100 + number)).size() == 1);
  }

  /** Reads rows by column name, as text. */
  static List<Map<String, String>> rows(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      List<Map<String, String>> rows = new ArrayList<>();
      while (result.next()) {
        Map<String, String> row = new LinkedHashMap<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          row.put(result.getMetaData().getColumnLabel(i), result.getString(i));
        }
        rows.add(row);
      }
      return rows;
    }
  }
}
