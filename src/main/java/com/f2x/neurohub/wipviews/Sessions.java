package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.CancelOnInterrupt;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.ConnectionProvider;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.ResultQuery;
import org.jooq.SQLDialect;
import org.jooq.conf.MappedSchema;
import org.jooq.conf.RenderMapping;
import org.jooq.conf.Settings;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jooq.impl.DataSourceConnectionProvider;
import org.jspecify.annotations.Nullable;

/**
 * The database sessions of a {@link WipViews}: the source of their connections, and their settings.
 * Immutable.
 *
 * @param connections where they come from
 * @param dataSource the same, if the transactions on them are all our own; else null
 * @param schema where everything is deployed; null for the one on top of the search_path
 * @param lockTimeout limit of a refresh; null for the connection's own
 * @param statementTimeout limit of a refresh and of a read; null for the connection's own
 * @param parallelism how many views one call refreshes at once, each over a connection of its own
 * @param observer watches what is done
 */
record Sessions(
    ConnectionProvider connections,
    @Nullable DataSource dataSource,
    @Nullable String schema,
    @Nullable Duration lockTimeout,
    @Nullable Duration statementTimeout,
    int parallelism,
    CallObserver observer) {

  private static final CallObserver UNOBSERVED = (operation, view) -> (refresh, failure) -> {};

  /** A request takes milliseconds: a shorter statement timeout is not applied to it. */
  private static final Duration REQUEST_LIMIT = Duration.ofSeconds(1);

  /**
   * A snapshot that is taken before the wait for a turn would not show what was refreshed
   * meanwhile.
   */
  private static final String READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

  /** Work on one connection. */
  interface Query<T extends @Nullable Object> {
    T run(Connection connection, DSLContext db) throws SQLException;
  }

  static Sessions of(DataSource dataSource) {
    return new Sessions(
        new DataSourceConnectionProvider(dataSource), dataSource, null, null, null, 1, UNOBSERVED);
  }

  static Sessions of(ConnectionProvider connections) {
    return new Sessions(connections, null, null, null, null, 1, UNOBSERVED);
  }

  Sessions withSchema(@Nullable String schema) {
    return new Sessions(
        connections, dataSource, schema, lockTimeout, statementTimeout, parallelism, observer);
  }

  Sessions withLockTimeout(@Nullable Duration timeout) {
    return new Sessions(
        connections, dataSource, schema, timeout, statementTimeout, parallelism, observer);
  }

  Sessions withStatementTimeout(@Nullable Duration timeout) {
    return new Sessions(
        connections, dataSource, schema, lockTimeout, timeout, parallelism, observer);
  }

  Sessions withParallelism(int views) {
    return new Sessions(
        connections, dataSource, schema, lockTimeout, statementTimeout, views, observer);
  }

  Sessions withObserver(CallObserver watching) {
    return new Sessions(
        connections, dataSource, schema, lockTimeout, statementTimeout, parallelism, watching);
  }

  /** Whether every transaction is our own; otherwise it may be a caller's. */
  boolean ownTransactions() {
    return dataSource != null;
  }

  /** Reads, within the statement timeout. */
  <T extends @Nullable Object> T reading(@Nullable String view, Query<T> query) {
    int seconds =
        statementTimeout == null
            ? 0
            : Math.toIntExact(statementTimeout.plusMillis(999).toSeconds());
    return query(view, new Settings().withQueryTimeout(seconds), query);
  }

  /**
   * Runs a query on one connection.
   *
   * @param view the view that a failure is about; null if none
   */
  <T extends @Nullable Object> T query(@Nullable String view, Query<T> query) {
    return query(view, new Settings(), query);
  }

  private <T extends @Nullable Object> T query(
      @Nullable String view, Settings settings, Query<T> query) {
    settings.withExecuteLogging(false);
    if (schema != null) {
      settings.withRenderMapping(
          new RenderMapping().withSchemata(new MappedSchema().withInput("").withOutput(schema)));
    }
    Connection connection = acquire(view);
    try {
      DSLContext db = DSL.using(connection, SQLDialect.POSTGRES, settings);
      try {
        return query.run(connection, db);
      } catch (DataAccessException | SQLException e) {
        throw new ErrorTranslator(db, schema).ofRequest(view, e);
      }
    } finally {
      connections.release(connection);
    }
  }

  private Connection acquire(@Nullable String view) {
    try {
      return connections.acquire();
    } catch (DataAccessException e) {
      throw ErrorTranslator.isOfAnInterrupt(e)
          ? ErrorTranslator.interrupted(view, e)
          : WipViewsException.whileConnecting(view, e);
    }
  }

  /** Runs a query in a transaction of its own, and leaves the connection as it was. */
  static <T extends @Nullable Object> T transaction(
      Connection connection, DSLContext db, String settings, Supplier<T> query)
      throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(false);
    try {
      db.execute(settings + READ_COMMITTED);
      T result = query.get();
      connection.commit();
      return result;
    } catch (DataAccessException | SQLException | WipViewsException e) {
      rollback(connection, e);
      throw e;
    } finally {
      if (!connection.isClosed()) {
        connection.setAutoCommit(autoCommit);
      }
    }
  }

  private static void rollback(Connection connection, Exception failure) {
    try {
      if (!connection.isClosed()) {
        connection.rollback();
      }
    } catch (SQLException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * Statements that set the limits of a transaction; empty if there are none. Others may follow.
   */
  static String limits(@Nullable Duration lockTimeout, @Nullable Duration statementTimeout) {
    return (lockTimeout == null ? "" : "SET LOCAL lock_timeout = " + lockTimeout.toMillis() + "; ")
        + (statementTimeout == null
            ? ""
            : "SET LOCAL statement_timeout = " + statementTimeout.toMillis() + "; ");
  }

  /**
   * The limits of what comes before a refresh, so that a refresh that is cut short is on record.
   */
  String bookkeepingLimits() {
    boolean tiny = statementTimeout != null && statementTimeout.compareTo(REQUEST_LIMIT) < 0;
    return limits(lockTimeout, tiny ? REQUEST_LIMIT : statementTimeout);
  }

  static <R extends Record> Result<R> cancellable(@Nullable String view, ResultQuery<R> query) {
    return cancellable(view, query::cancel, query::fetch);
  }

  /** Runs a part of a refresh, which an interrupt of this thread cancels on the server. */
  static <T> T cancellable(@Nullable String view, Runnable cancel, Supplier<T> part) {
    try (CancelOnInterrupt watch = CancelOnInterrupt.watch(cancel)) {
      try {
        return part.get();
      } catch (DataAccessException e) {
        if (watch.cancelled()
            && WipViewsException.of(view, e).sqlState().equals(Optional.of("57014"))) {
          throw ErrorTranslator.interrupted(view, e);
        }
        throw e;
      }
    }
  }
}
