package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.internal.DelegatingDataSource;
import com.f2x.neurohub.wipviews.internal.LogLine;
import com.f2x.neurohub.wipviews.internal.TimeLimitedDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The connections that refreshes run on. A refresh may take any time, so that no timeout tells a
 * running one from one whose connection was lost silently: after a failover behind an address that
 * stays, or where a firewall dropped it. The server knows, and is asked over another connection;
 * the thread that waits on the lost one then gets an error.
 *
 * <p>Behind a pooler, which has sessions of its own with the server, nothing is watched: that is
 * the pooler's task.
 */
final class WatchedDataSource extends DelegatingDataSource {

  private static final Logger LOG = LoggerFactory.getLogger(RefreshSchedule.class);

  private static final String SESSION =
      """
      SELECT a.pid, a.backend_start
      FROM pg_catalog.pg_stat_activity AS a
      WHERE a.pid = pg_catalog.pg_backend_pid()
      """;

  /**
   * No row: the session is gone, or it was one of another server. True: it waits for us while we
   * wait for it, so that a message was lost; it would keep its locks, and is ended.
   */
  private static final String LOOK =
      """
      SELECT
        CASE
          WHEN a.state <> 'active' AND a.state_change < pg_catalog.clock_timestamp() - ?::interval
            THEN pg_catalog.pg_terminate_backend(a.pid)
          ELSE false
        END
      FROM pg_catalog.pg_stat_activity AS a
      WHERE a.pid = ?::integer AND a.backend_start IS NOT DISTINCT FROM ?::timestamptz
      """;

  /** A session that has waited for us for less may belong to a JVM that is paused for a moment. */
  private static final Duration STANDSTILL = Duration.ofSeconds(10);

  /** A session on the server; the start tells it from a later one, or another server's. */
  private record Session(int pid, OffsetDateTime startedAt, Instant takenAt) {}

  private final Map<Connection, Session> taken = new ConcurrentHashMap<>();

  WatchedDataSource(DataSource dataSource) {
    super(dataSource);
  }

  @Override
  public Connection getConnection() throws SQLException {
    // until the server has answered once, there is nothing to ask it about
    return TimeLimitedDataSource.within(TimeLimitedDataSource.CONNECTING, this::connect);
  }

  private Connection connect() throws SQLException {
    Connection connection = delegate().getConnection();
    try {
      Session session = session(connection);
      // a pooler makes up a pid
      if (connection.isWrapperFor(PGConnection.class)
          && connection.unwrap(PGConnection.class).getBackendPID() == session.pid()) {
        taken.put(connection, session);
      }
      return closing(connection, () -> taken.remove(connection));
    } catch (SQLException | RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  private static Session session(Connection connection) throws SQLException {
    try (Statement query = connection.createStatement();
        ResultSet row = query.executeQuery(SESSION)) {
      row.next();
      Session session =
          new Session(row.getInt(1), row.getObject(2, OffsetDateTime.class), Instant.now());
      if (!connection.getAutoCommit()) {
        // no transaction may have begun for the caller
        connection.rollback();
      }
      return session;
    }
  }

  /**
   * Checks the server's end of each connection that was taken a while ago, and gives up those that
   * have none, or one that has heard nothing from us since.
   *
   * @param other where another connection comes from, to the same server
   * @param silence how long is a while
   */
  void giveUpLost(DataSource other, Duration silence) throws SQLException {
    giveUpLost(other, silence, silence.compareTo(STANDSTILL) < 0 ? STANDSTILL : silence);
  }

  /**
   * @param waiting how long the server has to have waited for us
   */
  void giveUpLost(DataSource other, Duration silence, Duration waiting) throws SQLException {
    Instant since = Instant.now().minus(silence);
    Set<Map.Entry<Connection, Session>> inUse = taken.entrySet();
    if (inUse.stream().noneMatch(entry -> entry.getValue().takenAt().isBefore(since))) {
      return;
    }
    try (Connection connection = other.getConnection();
        PreparedStatement look = connection.prepareStatement(LOOK)) {
      for (Map.Entry<Connection, Session> entry : inUse) {
        Session session = entry.getValue();
        if (session.takenAt().isBefore(since)
            && isLost(look, session, waiting)
            // or its refresh has just ended
            && taken.remove(entry.getKey(), session)) {
          LogLine.of("connection")
              .with("state", "lost")
              .with("pid", session.pid())
              .log(LOG, Level.WARN);
          entry.getKey().abort(Runnable::run);
        }
      }
    }
  }

  private static boolean isLost(PreparedStatement look, Session session, Duration waiting)
      throws SQLException {
    look.setString(1, waiting.toMillis() + " ms");
    look.setInt(2, session.pid());
    look.setObject(3, session.startedAt());
    try (ResultSet row = look.executeQuery()) {
      return !row.next() || row.getBoolean(1);
    }
  }
}
