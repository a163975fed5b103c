package com.f2x.neurohub.wipviews.testing;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** The one place where a test waits: for a condition, and never for longer than it has to. */
public final class Await {

  private static final Duration DEADLINE = Duration.ofSeconds(20);

  private Await() {}

  /**
   * Waits until a condition holds.
   *
   * @param what what is awaited, for the message
   * @throws AssertionError if it does not within 20 seconds
   */
  public static void until(String what, Callable<Boolean> condition) throws Exception {
    until(what, DEADLINE, condition);
  }

  /**
   * Waits until a condition holds, for what takes longer by its nature.
   *
   * @throws AssertionError if it does not within the given time
   */
  public static void until(String what, Duration within, Callable<Boolean> condition)
      throws Exception {
    Instant deadline = Instant.now().plus(within);
    while (!condition.call()) {
      if (Instant.now().isAfter(deadline)) {
        throw new AssertionError("not within " + within.toSeconds() + " s: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }
}
