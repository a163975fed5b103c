package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.RecentRefreshes;
import com.f2x.neurohub.wipviews.cli.output.RecentRefreshes.Attempt;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How long the refreshes of a view took over time: a line, with a cross where one failed. All
 * places are those of the picture.
 */
record DurationChart(
    String id,
    String view,
    String description,
    List<Level> levels,
    List<Label> times,
    String line,
    List<Dot> dots,
    List<Failure> failures) {

  private static final int WIDTH = 520;
  private static final int HEIGHT = 190;
  private static final int LEFT = 76;
  private static final int RIGHT = WIDTH - 14;
  private static final int TOP = 14;
  private static final int BOTTOM = HEIGHT - 26;

  /** More points than this are a line only. */
  private static final int DOTS = 60;

  /** A duration at the side, and the line across. */
  record Level(String y, String labelY, String label) {}

  /** A time below. */
  record Label(int x, String anchor, String label) {}

  record Dot(String x, String y, String label) {}

  record Failure(String x, String cross, String label) {}

  /**
   * @param recent at least one attempt, in the order of time
   */
  static DurationChart of(String id, String view, RecentRefreshes recent, ZoneId zone) {
    Scale scale = Scale.of(recent, zone);
    List<Attempt> done = recent.attempts().stream().filter(a -> a.took() != null).toList();
    List<Attempt> failed = recent.attempts().stream().filter(a -> a.took() == null).toList();
    List<Dot> points =
        done.stream()
            .map(
                attempt ->
                    new Dot(
                        Share.number(scale.x(attempt.at())),
                        Share.number(scale.y(attempt.took().toNanos() / 1e6)),
                        scale.time(attempt.at()) + ": " + Formats.duration(attempt.took())))
            .toList();
    return new DurationChart(
        id,
        view,
        description(recent, failed.size(), scale),
        scale.levels(),
        scale.times(),
        points.stream().map(dot -> dot.x() + "," + dot.y()).collect(Collectors.joining(" ")),
        points.size() <= DOTS ? points : List.of(),
        failed.stream().map(attempt -> failure(attempt, scale)).toList());
  }

  private static String description(RecentRefreshes recent, int failed, Scale scale) {
    return Formats.count(recent.attempts().size(), "attempt")
        + " from "
        + scale.time(scale.first())
        + " to "
        + scale.time(scale.last())
        + ", "
        + (failed == 0 ? "none" : Formats.count(failed))
        + " failed. The longest took "
        + Formats.duration(recent.longest())
        + ".";
  }

  private static Failure failure(Attempt attempt, Scale scale) {
    double x = scale.x(attempt.at());
    return new Failure(
        Share.number(x),
        "M" + Share.number(x - 4) + " " + (BOTTOM - 8) + "l8 8m0 -8l-8 8",
        scale.time(attempt.at()) + ": failed");
  }

  int width() {
    return WIDTH;
  }

  int height() {
    return HEIGHT;
  }

  int left() {
    return LEFT;
  }

  int right() {
    return RIGHT;
  }

  int top() {
    return TOP;
  }

  int bottom() {
    return BOTTOM;
  }

  /** Beside the line across. */
  int labelX() {
    return LEFT - 8;
  }

  /** Below all. */
  int timeY() {
    return HEIGHT - 6;
  }

  /** Where times and durations are in the picture. */
  private record Scale(Instant first, Instant last, double highest, ZoneId zone) {

    static Scale of(RecentRefreshes recent, ZoneId zone) {
      List<Attempt> attempts = recent.attempts();
      return new Scale(
          attempts.get(0).at(),
          attempts.get(attempts.size() - 1).at(),
          roundUp(Math.max(1, recent.longest().toNanos() / 1e6)),
          zone);
    }

    /** The next of 1, 2, 5, 10, 20, 50 … */
    private static double roundUp(double millis) {
      double power = Math.pow(10, Math.floor(Math.log10(millis)));
      for (int factor : new int[] {1, 2, 5}) {
        if (millis <= factor * power) {
          return factor * power;
        }
      }
      return 10 * power;
    }

    double x(Instant at) {
      long span = Duration.between(first, last).toMillis();
      double part = span == 0 ? 0.5 : (double) Duration.between(first, at).toMillis() / span;
      return LEFT + part * (RIGHT - LEFT);
    }

    double y(double millis) {
      return BOTTOM - millis / highest * (BOTTOM - TOP);
    }

    List<Level> levels() {
      return List.of(level(0), level(highest / 2), level(highest));
    }

    private Level level(double millis) {
      return new Level(
          Share.number(y(millis)),
          Share.number(y(millis) + 4),
          millis == 0 ? "0" : Formats.duration(Duration.ofNanos((long) (millis * 1e6))));
    }

    List<Label> times() {
      Label start = new Label(LEFT, "start", time(first));
      return first.equals(last)
          ? List.of(start)
          : List.of(start, new Label(RIGHT, "end", time(last)));
    }

    String time(Instant at) {
      boolean sameDay = first.atZone(zone).toLocalDate().equals(last.atZone(zone).toLocalDate());
      return DateTimeFormatter.ofPattern(sameDay ? "HH:mm" : "MM-dd HH:mm", Locale.ROOT)
          .format(at.atZone(zone));
    }
  }
}
