package com.f2x.neurohub.wipviews.internal;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A query with a limit on the wait for its result: a pool or a network may hold a caller for half a
 * minute, and a statement's own timeout begins after that.
 *
 * <p>It runs on a daemon thread that ends with the result. A caller that asks meanwhile waits for
 * that result, but not for one that has been due for {@link #LOST}: a connection that was lost
 * silently may never give it. Thread-safe.
 *
 * @param <T> what the answer is
 */
public final class TimeLimitedQuery<T> {

  /** After this time a result is not expected any more. */
  static final Duration LOST = Duration.ofMinutes(1);

  private final Supplier<T> question;
  private final Duration timeout;
  private @Nullable FutureTask<T> asked;
  private long askedAt;

  /**
   * @param question asked on another thread; answers other than null, or throws
   * @param timeout how long to wait for the answer
   */
  public TimeLimitedQuery(Supplier<T> question, Duration timeout) {
    this.question = question;
    this.timeout = timeout;
  }

  /**
   * Asks.
   *
   * @return the answer; empty if there was none in time, or this thread was interrupted, which it
   *     then still is
   * @throws RuntimeException what the question threw
   */
  public Optional<T> ask() {
    FutureTask<T> answer = asked();
    try {
      return Optional.of(answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException thrown) {
        throw thrown;
      }
      throw (Error) e.getCause();
    }
  }

  private synchronized FutureTask<T> asked() {
    if (asked == null || asked.isDone() || System.nanoTime() - askedAt > LOST.toNanos()) {
      asked = new FutureTask<>(question::get);
      askedAt = System.nanoTime();
      Thread thread = new Thread(asked, "wip-views-reading");
      thread.setDaemon(true);
      thread.start();
    }
    return asked;
  }
}
