package com.f2x.neurohub.wipviews.cli.output;

import com.f2x.neurohub.wipviews.internal.Durations;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Figures and sentences as people say them. */
public final class Formats {

  /** What every figure of both views rests on. */
  public static final String WHERE_AN_ITEM_IS =
      "An item is where its history says: after a PASS it waits at the next active station, after"
          + " anything else it is still at the station of that execution.";

  /** What stands for a figure that there is none of. */
  public static final String NONE = "-";

  private static final String[] UNITS = {"bytes", "kB", "MB", "GB", "TB", "PB"};

  private Formats() {}

  /** {@code 2 min ago}; {@code never} for null. */
  public static String ago(@Nullable Duration age) {
    if (age == null) {
      return "never";
    }
    return age.toSeconds() < 1 ? "just now" : coarse(age) + " ago";
  }

  /** {@code 12 s}, {@code 2 min}, {@code 5 h}, {@code 3 days}: one figure, rounded down. */
  public static String coarse(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds < 60) {
      return seconds + " s";
    } else if (seconds < 2 * 3600) {
      return seconds / 60 + " min";
    } else if (seconds < 48 * 3600) {
      return seconds / 3600 + " h";
    }
    return seconds / 86400 + " days";
  }

  /** {@code 85 ms}, {@code 1.2 s}, {@code 20 min}, {@code 2 h 5 min}. */
  public static String duration(@Nullable Duration duration) {
    return duration == null ? NONE : Durations.words(duration);
  }

  /** {@code 48 kB}, as {@code pg_size_pretty} says it. */
  public static String size(@Nullable Long bytes) {
    if (bytes == null) {
      return NONE;
    }
    int unit = 0;
    double size = bytes;
    while (size >= 10 * 1024 && unit < UNITS.length - 1) {
      size /= 1024;
      unit++;
    }
    return Math.round(size) + " " + UNITS[unit];
  }

  /** {@code 30,000}. */
  public static String count(@Nullable Number count) {
    return count == null ? NONE : String.format(Locale.ROOT, "%,d", count.longValue());
  }

  /** {@code 1 view}, {@code 2 views}. */
  public static String count(long count, String noun) {
    return count(count) + " " + noun + (count == 1 ? "" : "s");
  }

  /** {@code 87%}. */
  public static String percent(@Nullable BigDecimal percent) {
    return percent == null ? NONE : Math.round(percent.doubleValue()) + "%";
  }

  /** {@code 12 s}, {@code 2 min}: as {@link #coarse}. */
  public static String seconds(@Nullable Integer seconds) {
    return seconds == null ? NONE : coarse(Duration.ofSeconds(seconds));
  }

  /**
   * The text in one line, with a full stop unless it ends in one, or in what is there to be copied:
   * a command, or a statement with its semicolon. An empty one stays so.
   */
  public static String sentence(String text) {
    String line = text.strip().replaceAll("\\s*\\R\\s*", " ");
    return line.isEmpty() || line.matches(".*([.!?;]|: wip-views [^:]+)") ? line : line + ".";
  }
}
