package com.f2x.neurohub.wipviews.testing;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * The one place where a test waits: for a condition, and no longer than it takes. The deadline ends
 * a test that would hang; nothing is slow enough to come near it.
 */
public final class Await {

  private static final Duration DEADLINE = Duration.ofMinutes(5);

  private Await() {}

  /**
   * Waits until a condition holds.
   *
   * @param what what is awaited, for the message
   */
  public static void until(String what, Callable<Boolean> condition) throws Exception {
    until(what, condition, holds -> holds, false);
  }

  /**
   * Waits until what is read is as it is wanted.
   *
   * @param what what is awaited, for the message, which also shows what was read last
   * @return what was read last
   */
  public static <T> T until(String what, Callable<T> reading, Predicate<? super T> wanted)
      throws Exception {
    return until(what, reading, wanted, true);
  }

  private static <T> T until(
      String what, Callable<T> reading, Predicate<? super T> wanted, boolean showing)
      throws Exception {
    Instant deadline = Instant.now().plus(DEADLINE);
    long pause = 0;
    T last = reading.call();
    while (!wanted.test(last)) {
      if (Instant.now().isAfter(deadline)) {
        throw late(what + (showing ? "; last seen: " + last : ""));
      }
      // what has taken long may take a little longer: reading costs the machine that is waited for
      pause = Math.min(pause + 2, 100);
      TimeUnit.MILLISECONDS.sleep(pause);
      last = reading.call();
    }
    return last;
  }

  /** Waits until a process has ended, and gives its exit code. */
  public static int exitCode(Process process) throws InterruptedException {
    if (!process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
      String command = process.info().commandLine().orElse("process " + process.pid());
      process.destroyForcibly();
      throw late("the end of " + command);
    }
    return process.exitValue();
  }

  /** Waits until a call has returned, and gives what it returned. */
  public static <T> T result(Future<T> call) throws Exception {
    try {
      return call.get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      call.cancel(true);
      throw late("the end of a call");
    }
  }

  /** Waits until a call is over, however it ended. */
  public static void end(Future<?> call) throws Exception {
    try {
      result(call);
    } catch (ExecutionException e) {
      // over, all the same
    }
  }

  private static AssertionError late(String what) {
    return new AssertionError("not within " + DEADLINE.toSeconds() + " s: " + what);
  }
}
