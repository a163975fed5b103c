package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;

/**
 * Connections with time limits. A server, or the network, may fall silent while a connection is
 * being opened or a statement runs, and most drivers have no limit for either by default.
 */
public final class TimeLimitedDataSource extends DelegatingDataSource {

  /** As long as pools let their callers wait. */
  public static final Duration CONNECTING = Duration.ofSeconds(30);

  private final Duration connecting;
  private final Duration answer;

  /**
   * Connections of another data source.
   *
   * @param connecting how long it may take to get one
   * @param answer how long a statement may take
   */
  public TimeLimitedDataSource(DataSource dataSource, Duration connecting, Duration answer) {
    super(dataSource);
    this.connecting = connecting;
    this.answer = answer;
  }

  @Override
  public Connection getConnection() throws SQLException {
    Connection connection = within(connecting, delegate()::getConnection);
    int before = connection.getNetworkTimeout();
    connection.setNetworkTimeout(Runnable::run, (int) answer.toMillis());
    return closing(
        connection,
        () -> {
          if (!connection.isClosed()) {
            // it may go back to a pool
            connection.setNetworkTimeout(Runnable::run, before);
          }
        });
  }

  /**
   * Gets a connection on a daemon thread, which ends with it. One that comes too late is closed.
   *
   * @throws SQLException what getting it threw; with SQLSTATE 08001 if it took too long
   */
  public static Connection within(Duration limit, Callable<Connection> connecting)
      throws SQLException {
    CompletableFuture<Connection> result = new CompletableFuture<>();
    Thread thread = new Thread(() -> connect(connecting, result), "wip-views-connecting");
    thread.setDaemon(true);
    thread.start();
    try {
      return result.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SQLException failure) {
        throw failure;
      } else if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new SQLException(e.getCause());
    } catch (TimeoutException e) {
      return late(
          result,
          new SQLTransientConnectionException(
              "no connection within " + Durations.words(limit), "08001", e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      // a pool notices
      thread.interrupt();
      return late(result, new SQLException("interrupted while waiting for a connection", e));
    }
  }

  private static void connect(
      Callable<Connection> connecting, CompletableFuture<Connection> result) {
    try {
      Connection connection = connecting.call();
      if (!result.complete(connection)) {
        connection.close();
      }
    } catch (Exception | Error e) {
      result.completeExceptionally(e);
    }
  }

  /** The wait is over, unless the connection has come at this moment. */
  private static Connection late(CompletableFuture<Connection> result, SQLException failure)
      throws SQLException {
    if (result.completeExceptionally(failure) || result.isCompletedExceptionally()) {
      throw failure;
    }
    return result.join();
  }
}
