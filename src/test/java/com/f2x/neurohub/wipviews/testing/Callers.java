package com.f2x.neurohub.wipviews.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

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
      results.add(call.get());
    }
    return results;
  }

  @Override
  public void close() throws SQLException {
    threads.shutdownNow();
    for (Connection connection : connections) {
      connection.close();
    }
  }
}
