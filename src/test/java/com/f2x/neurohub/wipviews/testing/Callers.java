package com.f2x.neurohub.wipviews.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Callers at once, each on a thread and a connection of its own that is open before they start. */
public final class Callers implements AutoCloseable {

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Connection> connections = new ArrayList<>();

  public interface Opening {
    Connection open() throws SQLException;
  }

  public interface Call<T> {
    T run(int number, Connection connection) throws Exception;
  }

  /** Starts them, and waits for none. */
  public <T> List<Future<T>> start(int number, Opening opening, Call<T> call) throws Exception {
    CountDownLatch ready = new CountDownLatch(number);
    List<Future<T>> calls = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      Connection connection = opening.open();
      connections.add(connection);
      int caller = i;
      calls.add(
          threads.submit(
              () -> {
                ready.countDown();
                ready.await();
                return call.run(caller, connection);
              }));
    }
    return calls;
  }

  public static <T> List<T> results(List<Future<T>> calls) throws Exception {
    List<T> results = new ArrayList<>();
    for (Future<T> call : calls) {
      results.add(Await.result(call));
    }
    return results;
  }

  /** Waits until all have returned, so that none disturbs the next test, and closes them. */
  @Override
  public void close() throws SQLException {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(5, TimeUnit.MINUTES)) {
        throw new AssertionError("a caller has not returned");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      threads.shutdownNow();
    }
    for (Connection connection : connections) {
      connection.close();
    }
  }
}
