package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.internal.DelegatingDataSource;
import com.f2x.neurohub.wipviews.internal.LogLine;
import com.f2x.neurohub.wipviews.internal.SqlError;
import com.f2x.neurohub.wipviews.internal.TimeLimitedDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The connections of the scheduler itself, for its small statements. While the database is
 * unreachable it waits, where db-scheduler would log a stack trace with every poll, and lose what a
 * run that has just ended wanted to write.
 */
final class WaitingDataSource extends DelegatingDataSource implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(WaitingDataSource.class);

  private final Duration pause;
  private long successes;
  private boolean away;
  private boolean closed;

  /**
   * Connections of another data source.
   *
   * @param dataSource its connections are limited in time, so that one that was lost silently holds
   *     no thread
   * @param pause between two attempts while the database is unreachable
   */
  WaitingDataSource(TimeLimitedDataSource dataSource, Duration pause) {
    super(dataSource);
    this.pause = pause;
  }

  @Override
  public Connection getConnection() throws SQLException {
    while (true) {
      long before = successes();
      try {
        Connection connection = delegate().getConnection();
        back();
        return connection;
      } catch (SQLException e) {
        SqlError error = SqlError.whileConnecting(e);
        if (error == null || !error.unavailable() || !waited(error, before)) {
          throw e;
        }
      }
    }
  }

  private synchronized long successes() {
    return successes;
  }

  private synchronized void back() {
    successes++;
    if (away) {
      away = false;
      LogLine.of("database").with("state", "available").log(LOG, Level.INFO);
    }
  }

  /**
   * Waits a while, unless this is closed.
   *
   * @param before the successes when the failed attempt began: a failure is not news if another
   *     attempt has succeeded since
   */
  private synchronized boolean waited(SqlError error, long before) {
    if (closed) {
      return false;
    }
    if (!away && successes == before) {
      away = true;
      LogLine.of("database")
          .with("state", "unavailable")
          .with("retry_ms", pause.toMillis())
          .withText("error", error.message())
          .log(LOG, Level.WARN);
    }
    try {
      wait(pause.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    return !closed;
  }

  /** Afterwards a database that is unreachable is an error. */
  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
  }
}
