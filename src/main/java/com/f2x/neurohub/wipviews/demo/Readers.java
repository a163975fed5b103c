package com.f2x.neurohub.wipviews.demo;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * People who read a view without a break, each over a connection of their own, and note how it
 * goes.
 *
 * <p>Thread-safe.
 */
public final class Readers {

  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong reads = new AtomicLong();
  private final AtomicLong errors = new AtomicLong();
  private final AtomicLong slowestNanos = new AtomicLong();
  private final AtomicReference<@Nullable String> firstError = new AtomicReference<>();
  private volatile boolean reading = true;

  private Readers() {}

  /**
   * What the readers met with.
   *
   * @param reads queries that answered
   * @param errors queries that failed
   * @param slowest the longest that a query took
   * @param firstError message of the first query that failed; null if none did
   */
  public record Result(long reads, long errors, Duration slowest, @Nullable String firstError) {}

  /**
   * Starts readers, and returns when each of them has read once or failed.
   *
   * @param dataSource where each takes one connection
   * @param number how many
   * @param query what they read
   * @throws InterruptedException if interrupted meanwhile; they are stopped then
   */
  public static Readers start(DataSource dataSource, int number, String query)
      throws InterruptedException {
    Readers readers = new Readers();
    CountDownLatch begun = new CountDownLatch(number);
    for (int i = 1; i <= number; i++) {
      Thread thread =
          new Thread(() -> readers.read(dataSource, query, begun), "wip-views-reader-" + i);
      thread.setDaemon(true);
      readers.threads.add(thread);
      thread.start();
    }
    try {
      begun.await();
      return readers;
    } catch (InterruptedException e) {
      readers.reading = false;
      throw e;
    }
  }

  private void read(DataSource dataSource, String query, CountDownLatch begun) {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      while (reading) {
        long start = System.nanoTime();
        try (ResultSet rows = statement.executeQuery(query)) {
          while (rows.next()) {
            rows.getObject(1);
          }
          reads.incrementAndGet();
        } catch (SQLException e) {
          failed(e);
        }
        slowestNanos.accumulateAndGet(System.nanoTime() - start, Math::max);
        begun.countDown();
      }
    } catch (SQLException e) {
      failed(e);
    } finally {
      begun.countDown();
    }
  }

  private void failed(SQLException failure) {
    errors.incrementAndGet();
    firstError.compareAndSet(null, failure.getMessage());
  }

  /**
   * Stops them, and waits for the last to have read.
   *
   * @return what they met with
   * @throws InterruptedException if interrupted meanwhile
   */
  public Result stop() throws InterruptedException {
    reading = false;
    for (Thread thread : threads) {
      thread.join();
    }
    return new Result(
        reads.get(), errors.get(), Duration.ofNanos(slowestNanos.get()), firstError.get());
  }
}
