package com.f2x.neurohub.wipviews.internal;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Durations as people say them. */
public final class Durations {

  /** The longest that the server takes for a timeout. */
  public static final Duration LONGEST_TIMEOUT = Duration.ofMillis(Integer.MAX_VALUE);

  /** What {@link #isTimeout} asks for. */
  public static final String TIMEOUT = "at least 1ms and at most " + words(LONGEST_TIMEOUT);

  private Durations() {}

  /** Tells whether the server takes a duration for a timeout; not of null. */
  public static boolean isTimeout(Duration duration) {
    return duration.compareTo(Duration.ofMillis(1)) >= 0
        && duration.compareTo(LONGEST_TIMEOUT) <= 0;
  }

  /**
   * Returns the same timeout; null for null.
   *
   * @throws IllegalArgumentException if the server does not take it
   */
  public static @Nullable Duration timeout(@Nullable Duration timeout) {
    if (timeout != null && !isTimeout(timeout)) {
      throw new IllegalArgumentException("a timeout is " + TIMEOUT + ": " + timeout);
    }
    return timeout;
  }

  /** {@code 85 ms}, {@code 1.2 s}, {@code 20 min}, {@code 2 h 5 min}; not of null. */
  public static String words(Duration duration) {
    long millis = duration.toMillis();
    long seconds = duration.toSeconds();
    if (millis < 1000) {
      return millis == 0 && !duration.isZero() ? "<1 ms" : millis + " ms";
    } else if (seconds < 60) {
      return millis % 1000 == 0
          ? seconds + " s"
          : String.format(Locale.ROOT, "%.1f s", Math.floor(millis / 100.0) / 10);
    } else if (seconds < 3600) {
      return pair(seconds / 60, "min", seconds % 60, "s");
    } else if (seconds < 86400) {
      return pair(seconds / 3600, "h", seconds % 3600 / 60, "min");
    }
    return pair(seconds / 86400, "d", seconds % 86400 / 3600, "h");
  }

  private static String pair(long large, String unit, long small, String smallUnit) {
    return large + " " + unit + (small == 0 ? "" : " " + small + " " + smallUnit);
  }
}
