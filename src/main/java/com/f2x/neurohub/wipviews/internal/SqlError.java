package com.f2x.neurohub.wipviews.internal;

import java.net.UnknownHostException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.stream.Collectors;
import liquibase.exception.PreconditionFailedException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * What the server said, without the driver's and Liquibase's wrapping.
 *
 * @param sqlState the SQLSTATE; null if there was none
 * @param message the primary message and its detail, one line
 * @param hint the server's hint; null if there is none that helps
 */
public record SqlError(@Nullable String sqlState, String message, @Nullable String hint) {

  private static final List<String> MISSING_NAME = List.of("42P01", "42883");

  /** The class of connection exceptions, which neither the server nor its driver uses. */
  private static final String NO_CONNECTION = "08000";

  /** Types of pools that are not on our class path: Tomcat's, and the cause of c3p0's. */
  private static final List<String> POOL_TIMEOUTS =
      List.of(
          "org.apache.tomcat.jdbc.pool.PoolExhaustedException",
          "com.mchange.v2.resourcepool.TimeoutException");

  /** The routine of the server that runs the RAISE of a function. */
  private static final String RAISED = "exec_stmt_raise";

  /**
   * Finds the database's error among the causes of a failure.
   *
   * @return the error, or null if the failure is not one of the database
   */
  public static @Nullable SqlError in(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof PSQLException e && e.getServerErrorMessage() != null) {
        ServerErrorMessage server = e.getServerErrorMessage();
        return new SqlError(e.getSQLState(), message(server), hint(server));
      }
      if (t instanceof Refusal e) {
        return new SqlError(e.getSQLState(), oneLine(e.getMessage()), e.hint());
      }
      if (t instanceof SQLException e && !(e.getCause() instanceof SQLException)) {
        return isOfUsedUpPool(e)
            ? new SqlError(
                NO_CONNECTION,
                "all connections of the pool are in use: " + oneLine(e.getMessage()),
                "Wait until one is given back, or allow the pool more.")
            : new SqlError(sqlState(e), oneLine(message(e)), null);
      }
    }
    return null;
  }

  /** The detail names the row or the object, without which the message is of little use. */
  private static String message(ServerErrorMessage server) {
    String detail = oneLine(server.getDetail());
    return oneLine(server.getMessage())
        + (detail.isEmpty() ? "" : " (" + detail.replaceFirst("\\.$", "") + ")");
  }

  /**
   * Finds the error among the causes of a failure to get a connection. One without a SQLSTATE is
   * not the driver's but the pool's.
   *
   * @return the error, or null if the failure is not one of the database
   */
  public static @Nullable SqlError whileConnecting(Throwable failure) {
    SqlError error = in(failure);
    return error != null && error.sqlState() == null
        ? new SqlError(
            NO_CONNECTION,
            "the pool gave no connection: " + error.message(),
            "If all of its connections are in use, wait or allow it more; if it was closed, use"
                + " another one.")
        : error;
  }

  /**
   * A pool that has no connection left shows that by the type of the exception (HikariCP, Tomcat)
   * or of its cause (DBCP2, c3p0), without a SQLSTATE; where no connection could be opened, the
   * SQLSTATE is the driver's.
   */
  private static boolean isOfUsedUpPool(SQLException e) {
    return e.getSQLState() == null
        && (e instanceof SQLTransientConnectionException
            || e instanceof SQLTimeoutException
            || e.getCause() instanceof NoSuchElementException
            || POOL_TIMEOUTS.contains(e.getClass().getName())
            || e.getCause() != null && POOL_TIMEOUTS.contains(e.getCause().getClass().getName()));
  }

  /** For a missing table or function the server only guesses a typo; a hint of RAISE is kept. */
  private static @Nullable String hint(ServerErrorMessage server) {
    boolean guess =
        MISSING_NAME.contains(server.getSQLState()) && !RAISED.equals(server.getRoutine());
    return guess ? null : server.getHint();
  }

  private static @Nullable String message(SQLException e) {
    return e.getCause() instanceof UnknownHostException host
        ? "unknown host " + host.getMessage()
        : e.getMessage();
  }

  private static @Nullable String sqlState(SQLException e) {
    return e.getSQLState() == null && e instanceof SQLNonTransientConnectionException
        ? NO_CONNECTION
        : e.getSQLState();
  }

  /** Returns the innermost message of a failure that is not one of the database, one line. */
  public static String innermostMessage(Throwable failure) {
    Throwable t = failure;
    while (t.getCause() != null && t.getCause() != t) {
      t = t.getCause();
    }
    if (t instanceof PreconditionFailedException e) {
      return e.getFailedPreconditions().stream()
          .map(precondition -> oneLine(precondition.getMessage()))
          .collect(Collectors.joining("; "));
    }
    return oneLine(t.getMessage() == null ? t.getClass().getSimpleName() : t.getMessage());
  }

  private static String oneLine(@Nullable String message) {
    return message == null ? "" : message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  /**
   * Tells whether the driver and the server could not agree on SSL, in any language of the message.
   */
  public boolean isOfSsl() {
    return sqlState != null
        && sqlState.startsWith("08")
        && message.toLowerCase(Locale.ROOT).contains("ssl");
  }

  /** Tells whether the database could not be reached, refused the login, or went away. */
  public boolean unavailable() {
    return sqlState != null
        && (sqlState.startsWith("08")
            || sqlState.startsWith("28")
            || sqlState.startsWith("57P")
            || sqlState.equals("3D000")
            || sqlState.equals("53300"));
  }
}
