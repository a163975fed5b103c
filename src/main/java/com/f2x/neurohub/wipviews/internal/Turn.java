package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * This process's turn to deploy, held by the connection; it then gives the connection back as it
 * was, since Liquibase sets its search_path and leaves it so.
 */
final class Turn implements AutoCloseable {

  private static final String CHECK_INTERVAL = "client_connection_check_interval";

  /**
   * What a database or a role may have set otherwise. In one snapshot, what others do meanwhile
   * would be a serialization failure.
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

  Turn(Connection connection) throws SQLException {
    this.connection = connection;
    this.autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(true);
    remember("search_path");
    if (connection.getSchema() == null) {
      // Liquibase appends what there is to the schema that it sets, and an empty path is no list
      set("search_path", "public");
    }
    for (Map.Entry<String, String> setting : PINNED.entrySet()) {
      remember(setting.getKey());
      set(setting.getKey(), setting.getValue());
    }
    for (String limit : limitsOfAllSessions()) {
      remember(limit);
      set(limit, "0");
    }
    // or what a deploy that was killed waits for, or builds, goes on without it
    remember(CHECK_INTERVAL);
    checkConnection("1s");
  }

  /** A limit that is set for all sessions of a role is not meant for a deploy. */
  private List<String> limitsOfAllSessions() throws SQLException {
    String names =
        select(
            """
            coalesce(string_agg(name, ','), '') FROM pg_catalog.pg_settings
            WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
              AND source IN ('database', 'user', 'database user')
            """);
    return names.isEmpty() ? List.of() : List.of(names.split(","));
  }

  void await() throws SQLException {
    select("pg_advisory_lock(hashtext('wip-views deploy'), 0)");
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

  /** Lets the server look whether the client is still there, where its platform can. */
  private void checkConnection(String interval) throws SQLException {
    try {
      set(CHECK_INTERVAL, interval);
    } catch (SQLException e) {
      if (!"22023".equals(e.getSQLState()) && !"42704".equals(e.getSQLState())) {
        throw e;
      }
    }
  }

  private String select(String expression, String... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT " + expression)) {
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
