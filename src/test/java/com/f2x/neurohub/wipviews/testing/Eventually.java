package com.f2x.neurohub.wipviews.testing;

import java.time.Duration;
import java.util.concurrent.Callable;

/** The one place where tests wait: for a condition, with a deadline. */
public final class Eventually {

  private static final Duration DEADLINE = Duration.ofSeconds(20);
  private static final long POLL_MILLIS = 10;

  private Eventually() {}

  /**
   * Waits until a condition holds.
   *
   * @param what named in the error when it does not
   * @param condition asked again and again
   */
  public static void eventually(String what, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not within " + DEADLINE.toSeconds() + " s: " + what);
      }
      Thread.sleep(POLL_MILLIS);
    }
  }
}
