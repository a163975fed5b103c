package com.f2x.neurohub.wipviews.testing;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * A pool of so many connections and no more, which counts how many are in use. Where none is given
 * back in time, it fails as HikariCP does.
 */
public final class BoundedPool implements DataSource, AutoCloseable {

  private final DataSource dataSource;
  private final int size;
  private final Duration timeout;
  private final Semaphore free;
  private final Deque<Connection> idle = new ConcurrentLinkedDeque<>();
  private int inUse;
  private int mostInUse;
  private volatile String setting;

  public BoundedPool(DataSource dataSource, int size, Duration timeout) {
    this.dataSource = dataSource;
    this.size = size;
    this.timeout = timeout;
    this.free = new Semaphore(size, true);
  }

  /** Has each connection begin with a statement from now on. */
  public void setting(String statement) {
    setting = statement;
  }

  /** How many connections were in use at one moment, at most. */
  public synchronized int mostInUse() {
    return mostInUse;
  }

  public synchronized int inUse() {
    return inUse;
  }

  @Override
  public Connection getConnection() throws SQLException {
    try {
      if (!free.tryAcquire(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new SQLTransientConnectionException(
            "Pool - Connection is not available, request timed out after "
                + timeout.toMillis()
                + "ms (total="
                + size
                + ")");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SQLException("Pool - Interrupted during connection acquisition", e);
    }
    count(1);
    try {
      Connection connection = idle.poll();
      if (connection == null || !connection.isValid(5)) {
        connection = dataSource.getConnection();
      }
      if (setting != null) {
        try (Statement statement = connection.createStatement()) {
          statement.execute(setting);
        }
      }
      return lent(connection);
    } catch (SQLException | RuntimeException e) {
      count(-1);
      free.release();
      throw e;
    }
  }

  private synchronized void count(int change) {
    inUse += change;
    mostInUse = Math.max(mostInUse, inUse);
  }

  private Connection lent(Connection connection) {
    boolean[] returned = new boolean[1];
    return (Connection)
        Proxy.newProxyInstance(
            BoundedPool.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, args) -> {
              if (method.getName().equals("close")) {
                if (!returned[0]) {
                  returned[0] = true;
                  idle.push(connection);
                  count(-1);
                  free.release();
                }
                return null;
              }
              try {
                return method.invoke(connection, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Override
  public void close() throws SQLException {
    for (Connection connection : idle) {
      connection.close();
    }
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    throw new SQLFeatureNotSupportedException();
  }

  @Override
  public PrintWriter getLogWriter() {
    return null;
  }

  @Override
  public void setLogWriter(PrintWriter out) {}

  @Override
  public void setLoginTimeout(int seconds) {}

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    throw new SQLFeatureNotSupportedException();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    throw new SQLException("wraps nothing");
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return false;
  }
}
