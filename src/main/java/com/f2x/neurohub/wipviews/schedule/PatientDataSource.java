package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.internal.SqlError;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections of the scheduler itself, for its small statements. While the database is away it
 * waits for it, where db-scheduler would log a stack trace with every poll, and give up on what a
 * tick that has just ended wanted to write. A statement that gets no answer fails in the end, so
 * that a connection that vanished without a word holds nobody.
 */
final class PatientDataSource extends DelegatingDataSource implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PatientDataSource.class);

  private final Duration pause;
  private final Duration answerWithin;
  private long successes;
  private boolean away;
  private boolean closed;

  /**
   * Connections of another data source.
   *
   * @param pause between two attempts while the database is away
   * @param answerWithin how long a statement may take
   */
  PatientDataSource(DataSource dataSource, Duration pause, Duration answerWithin) {
    super(dataSource);
    this.pause = pause;
    this.answerWithin = answerWithin;
  }

  @Override
  public Connection getConnection() throws SQLException {
    while (true) {
      long before = successes();
      try {
        Connection connection = delegate().getConnection();
        back();
        return impatient(connection);
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
      LOG.info("event=database state=available");
    }
  }

  /**
   * Waits a while, unless nobody should any more.
   *
   * @param before the successes when the attempt began that failed: what another one has meanwhile
   *     succeeded in is no news
   */
  private synchronized boolean waited(SqlError error, long before) {
    if (closed) {
      return false;
    }
    if (!away && successes == before) {
      away = true;
      LOG.warn(
          "event=database state=unavailable retry_ms={} error=\"{}\"",
          pause.toMillis(),
          error.message());
    }
    try {
      wait(pause.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    return !closed;
  }

  /** Afterwards nobody waits: a database that is away is an error. */
  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
  }

  private Connection impatient(Connection connection) throws SQLException {
    int before = connection.getNetworkTimeout();
    connection.setNetworkTimeout(Runnable::run, (int) answerWithin.toMillis());
    return closing(
        connection,
        () -> {
          if (!connection.isClosed()) {
            // it may go back to a pool
            connection.setNetworkTimeout(Runnable::run, before);
          }
        });
  }
}
