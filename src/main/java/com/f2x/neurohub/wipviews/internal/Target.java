package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.conf.Settings;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The schema of a deploy, and the connection to it. The schema is resolved once: resolving it
 * again, later or in another session, could find another one.
 *
 * @param connection the connection
 * @param schema the schema; never null
 * @param isNamed whether it was named, so that a command line has to name it too
 */
public record Target(Connection connection, String schema, boolean isNamed) {

  /** If no schema is named, and none is on the search_path. */
  private static final String DEFAULT_SCHEMA = "public";

  /**
   * Resolves the schema.
   *
   * @param schema its name; null for the one on top of the connection's search_path
   */
  public static Target of(Connection connection, @Nullable String schema) throws SQLException {
    if (schema != null) {
      return new Target(connection, schema, true);
    }
    try (PreparedStatement query =
            connection.prepareStatement("SELECT pg_catalog.current_schema()");
        ResultSet row = query.executeQuery()) {
      row.next();
      String first = row.getString(1);
      return new Target(connection, first == null ? DEFAULT_SCHEMA : first, first == null);
    }
  }

  /**
   * Reads the catalog, in a transaction, or a subtransaction of the current one, that is rolled
   * back. Only the system's names are found unqualified, whatever others have planted on the
   * connection's search_path, and the connection is left as it was.
   */
  public <T extends @Nullable Object> T ask(Question<T> question) throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(false);
    Savepoint before = connection.setSavepoint();
    try {
      DSLContext db =
          DSL.using(connection, SQLDialect.POSTGRES, new Settings().withExecuteLogging(false));
      db.execute("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)");
      return question.of(db);
    } finally {
      if (!connection.isClosed()) {
        connection.rollback(before);
        connection.releaseSavepoint(before);
        if (autoCommit) {
          connection.rollback();
          connection.setAutoCommit(true);
        }
      }
    }
  }

  /** A name of this schema, for SQL; neither name has a quote in it. */
  String qualified(String name) {
    return "\"" + schema + "\".\"" + name + "\"";
  }

  /** Stops where nothing can be deployed. */
  public void refuseReadOnly() throws SQLException {
    Record server =
        ask(
            db ->
                db.fetchSingle(
                    "SELECT pg_is_in_recovery(),"
                        + " current_setting('transaction_read_only')::boolean"));
    boolean standby = server.get(0, Boolean.class);
    if (standby || server.get(1, Boolean.class)) {
      throw new Refusal(
          standby
              ? "cannot deploy to a standby: it is read-only"
              : "cannot deploy: the database's transactions are read-only",
          "25006",
          "Connect to the primary, or lift default_transaction_read_only.");
    }
  }

  /** The command line of {@code wip-views} with these words, for this schema. */
  String command(String... words) {
    return CommandLines.of(isNamed ? schema : null, words);
  }

  /** What is asked. */
  @FunctionalInterface
  public interface Question<T extends @Nullable Object> {
    T of(DSLContext db) throws SQLException;
  }
}
