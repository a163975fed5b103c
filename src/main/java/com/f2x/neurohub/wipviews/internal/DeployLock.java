package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The lock under which a process deploys, held by the connection. Restores the connection's
 * settings at the end, since Liquibase sets its search_path and leaves it so.
 */
final class DeployLock implements AutoCloseable {

  /** What others.rollback.sql reads. */
  static final String ROLLBACK = "wip_views.rollback";

  /** What a recovery sets, for wip_view_promote() to replace a frozen view. */
  private static final String THAW = "wip_views.thaw";

  /** How an empty search_path is printed, by what it was set with. */
  private static final Set<String> EMPTY_PATHS = Set.of("", "\"\"");

  private static final String CHECK_INTERVAL = "client_connection_check_interval";

  /**
   * Settings that a database or a role may have set differently. Within one snapshot, what others
   * do meanwhile would be a serialization failure.
   */
  private static final Map<String, String> PINNED =
      Map.of(
          "default_transaction_isolation", "read committed",
          "default_transaction_deferrable", "off",
          "standard_conforming_strings", "on",
          "quote_all_identifiers", "off");

  private final Connection connection;
  private final boolean autoCommit;
  private final Map<String, String> before = new LinkedHashMap<>();

  DeployLock(Target target) throws SQLException {
    this.connection = target.connection();
    this.autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(true);
    remember("search_path");
    remember(ROLLBACK);
    remember(THAW);
    if (EMPTY_PATHS.contains(before.get("search_path"))) {
      // Liquibase appends what there is to the schema that it sets, and an empty path is no list
      set("search_path", "pg_temp");
    }
    for (Map.Entry<String, String> setting : PINNED.entrySet()) {
      remember(setting.getKey());
      set(setting.getKey(), setting.getValue());
    }
    for (String limit : limitsOfAllSessions(target)) {
      remember(limit);
      set(limit, "0");
    }
    // or what a deploy that was killed waits for, or builds, goes on without it
    remember(CHECK_INTERVAL);
    checkConnection("1s");
  }

  /** A limit that is set for all sessions of a role does not apply to a deploy. */
  private static List<String> limitsOfAllSessions(Target target) throws SQLException {
    return target.ask(
        db ->
            db.resultQuery(
                    """
                    SELECT name
                    FROM pg_settings
                    WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
                      AND source IN ('database', 'user', 'database user')
                    """)
                .fetch(0, String.class));
  }

  void await() throws SQLException {
    select("pg_advisory_lock(pg_catalog.hashtext('wip-views deploy'), 0)");
  }

  @Override
  public void close() throws SQLException {
    if (connection.isClosed()) {
      return;
    }
    if (!connection.getAutoCommit()) {
      connection.rollback();
      connection.setAutoCommit(true);
    }
    checkConnection(before.remove(CHECK_INTERVAL));
    for (Map.Entry<String, String> setting : before.entrySet()) {
      set(setting.getKey(), setting.getValue());
    }
    // that of Liquibase too, which a cancelled deploy may have been kept from letting go
    select("pg_advisory_unlock_all()");
    connection.setAutoCommit(autoCommit);
  }

  private void remember(String setting) throws SQLException {
    before.put(setting, select("current_setting(?, true)", setting));
  }

  private void set(String setting, String value) throws SQLException {
    select("set_config(?, ?, false)", setting, value);
  }

  /** Lets the server check whether the client is still there, where its platform can. */
  private void checkConnection(String interval) throws SQLException {
    try {
      set(CHECK_INTERVAL, interval);
    } catch (SQLException e) {
      if (!"22023".equals(e.getSQLState()) && !"42704".equals(e.getSQLState())) {
        throw e;
      }
    }
  }

  private String select(String call, String... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT pg_catalog." + call)) {
      for (int i = 0; i < values.length; i++) {
        statement.setString(i + 1, values[i]);
      }
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }
}
