package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.TimeLimitedDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notifies a service of each refresh of a view, by any caller, so that it can push instead of poll.
 *
 * <pre>{@code
 * try (RefreshListener listener = RefreshListener.start(dataSource, notice -> push(notice.view()))) {
 *   …
 * }
 * }</pre>
 *
 * <p>It owns one daemon thread, on which the handler is called, and one connection for as long as
 * it is open; not one through a pooler in transaction mode, which forgets who listens. When the
 * connection is lost it takes another one, and tries again until it has one, at first after {@link
 * #FIRST_BACK_OFF}, at last every {@link #LAST_BACK_OFF}; then it calls {@link
 * Handler#listening()}.
 *
 * <p>A notice is a hint to read the view, not a proof: any role of the database may send one.
 *
 * <p>Thread-safe.
 */
public final class RefreshListener implements AutoCloseable {

  /** The wait before the first attempt to connect again; it doubles with each that fails. */
  public static final Duration FIRST_BACK_OFF = Duration.ofMillis(100);

  /** The longest wait between two attempts to connect again. */
  public static final Duration LAST_BACK_OFF = Duration.ofSeconds(30);

  /** The channel of the database's {@code NOTIFY}. */
  public static final String CHANNEL = "wip_view_refreshed";

  private static final Logger LOG = LoggerFactory.getLogger(RefreshListener.class);

  /** How long {@link #close()} may have to wait for the thread. */
  private static final int POLL_MILLIS = 200;

  /** Silence after which the connection is asked whether it is still there. */
  private static final Duration SILENCE = Duration.ofSeconds(30);

  private static final int VALID_SECONDS = 5;

  /** How long the server may take to answer; listening itself is no question. */
  private static final Duration ANSWER = Duration.ofSeconds(30);

  private final DataSource dataSource;
  private final @Nullable String schema;
  private final Handler handler;
  private final Thread thread;
  private boolean closed;

  private RefreshListener(DataSource dataSource, @Nullable String schema, Handler handler) {
    this.dataSource =
        new TimeLimitedDataSource(
            Objects.requireNonNull(dataSource, "dataSource"),
            TimeLimitedDataSource.CONNECTING,
            ANSWER);
    this.schema = schema;
    this.handler = Objects.requireNonNull(handler, "handler");
    this.thread = new Thread(this::run, "wip-views-listener");
    thread.setDaemon(true);
  }

  /**
   * A refresh that was committed.
   *
   * @param view name of the view
   * @param refreshId {@link Refresh#id} of the refresh
   * @param rows rows in the view afterwards
   * @param startedAt when it began to read, by the database's clock: the rows are at least as new
   */
  public record Notice(String view, long refreshId, long rows, Instant startedAt) {}

  /**
   * Handles the notices, on the listener's thread: a slow handler delays the next notice. An
   * exception is logged, and the listener goes on.
   */
  @FunctionalInterface
  public interface Handler {

    /**
     * A view of the schema was refreshed.
     *
     * @param notice what happened; not null
     */
    void refreshed(Notice notice);

    /**
     * Called once when the listener has connected, and each time that it has connected again:
     * notices before this may have been missed, those after it are not. The place to read the views
     * again.
     */
    default void listening() {}
  }

  /**
   * Listens to the views of the schema on top of the connection's search_path.
   *
   * @param dataSource where the connection comes from; not null
   * @param handler told of each refresh; not null
   * @return the listener, whose connection may still be under way
   */
  public static RefreshListener start(DataSource dataSource, Handler handler) {
    return start(dataSource, null, handler);
  }

  /**
   * Listens to the views of one schema. Returns at once: it waits for a database that is
   * unreachable.
   *
   * @param dataSource where the connection comes from; not null
   * @param schema its name, unquoted; null for the one on top of the connection's search_path
   * @param handler told of each refresh; not null
   * @return the listener, whose connection may still be under way
   */
  public static RefreshListener start(
      DataSource dataSource, @Nullable String schema, Handler handler) {
    RefreshListener listener = new RefreshListener(dataSource, schema, handler);
    listener.thread.start();
    return listener;
  }

  /**
   * Ends it and returns the connection. Waits for a handler that is running; the handler is not
   * called afterwards, unless it calls this itself. Does nothing the second time.
   */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    if (Thread.currentThread() == thread) {
      return;
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean open() {
    return !closed;
  }

  private void run() {
    Duration backOff = FIRST_BACK_OFF;
    while (open()) {
      try (Connection connection = dataSource.getConnection()) {
        connection.setAutoCommit(true);
        execute(connection, "LISTEN " + CHANNEL);
        backOff = FIRST_BACK_OFF;
        call(handler::listening);
        listen(connection);
        // it may go back to a pool
        execute(connection, "UNLISTEN " + CHANNEL);
      } catch (SQLException e) {
        if (open()) {
          LOG.warn(
              "not listening for refreshes, trying again in {} ms: {}",
              backOff.toMillis(),
              e.getMessage());
          pause(backOff);
          backOff = backOff.multipliedBy(2);
          backOff = backOff.compareTo(LAST_BACK_OFF) > 0 ? LAST_BACK_OFF : backOff;
        }
      }
    }
  }

  private void listen(Connection connection) throws SQLException {
    PGConnection notifications = connection.unwrap(PGConnection.class);
    long heard = System.nanoTime();
    while (open()) {
      PGNotification[] heardNow = notifications.getNotifications(POLL_MILLIS);
      if (heardNow != null && heardNow.length > 0) {
        heard = System.nanoTime();
        for (PGNotification notification : heardNow) {
          if (open()) {
            deliver(connection, notification.getParameter());
          }
        }
      } else if (System.nanoTime() - heard > SILENCE.toNanos()) {
        // a peer that vanished without a word is noticed by asking only
        if (!connection.isValid(VALID_SECONDS)) {
          throw new SQLException("the connection is lost", "08006");
        }
        heard = System.nanoTime();
      }
    }
  }

  /** The server reads its own JSON: no parser is needed for it here. */
  private void deliver(Connection connection, String payload) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT n.view, n.refresh_id, n.rows, n.started_at FROM"
                + " pg_catalog.json_to_record(?::json) AS n (schema text, view text, refresh_id"
                + " bigint, rows bigint, started_at timestamptz) WHERE n.schema = coalesce(?::text,"
                + " pg_catalog.current_schema()::text) AND n.view IS NOT NULL AND n.refresh_id IS"
                + " NOT NULL AND n.rows IS NOT NULL AND n.started_at IS NOT NULL")) {
      statement.setString(1, payload);
      statement.setString(2, schema);
      try (ResultSet row = statement.executeQuery()) {
        if (row.next()) {
          Notice notice =
              new Notice(
                  row.getString(1),
                  row.getLong(2),
                  row.getLong(3),
                  row.getObject(4, OffsetDateTime.class).toInstant());
          call(() -> handler.refreshed(notice));
        }
      }
    } catch (SQLException e) {
      // class 22: somebody else's words on our channel
      if (e.getSQLState() == null || !e.getSQLState().startsWith("22")) {
        throw e;
      }
      LOG.debug("ignored a notice that is none of ours: {}", e.getMessage());
    }
  }

  private static void call(Runnable step) {
    try {
      step.run();
    } catch (RuntimeException e) {
      LOG.warn("the handler of a refresh failed", e);
    }
  }

  private synchronized void pause(Duration time) {
    long until = System.nanoTime() + time.toNanos();
    try {
      for (long left = time.toMillis(); !closed && left > 0; ) {
        wait(left);
        left = (until - System.nanoTime()) / 1_000_000;
      }
    } catch (InterruptedException e) {
      // nobody else knows this thread
      closed = true;
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
