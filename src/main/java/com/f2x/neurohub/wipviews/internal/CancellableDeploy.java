package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/** A deploy, which an interrupt of its thread cancels on the server. */
final class CancellableDeploy {

  private CancellableDeploy() {}

  /** What is run. */
  @FunctionalInterface
  interface Step {
    void run() throws Exception;
  }

  /**
   * Runs a deploy on a connection.
   *
   * @throws InterruptedException if that ended it; the thread is no longer interrupted
   */
  static void run(Connection connection, Step deploy) throws Exception {
    @Nullable PGConnection server =
        connection.isWrapperFor(PGConnection.class) ? connection.unwrap(PGConnection.class) : null;
    try (CancelOnInterrupt watch = CancelOnInterrupt.watch(() -> cancel(server))) {
      try {
        deploy.run();
      } catch (Exception e) {
        if (watch.cancelled()) {
          Thread.interrupted();
          throw (InterruptedException) new InterruptedException().initCause(e);
        }
        throw e;
      }
    }
  }

  private static void cancel(@Nullable PGConnection server) {
    try {
      if (server != null) {
        server.cancelQuery();
      }
    } catch (SQLException e) {
      // it is tried again as long as the deploy lasts
    }
  }
}
