package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.RecentRefreshes.Attempt;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;

/** How long the refreshes of a view took over time: a line in SVG, a cross where one failed. */
final class DurationChart {

  private static final int WIDTH = 520;
  private static final int HEIGHT = 190;
  private static final int LEFT = 76;
  private static final int RIGHT = WIDTH - 14;
  private static final int TOP = 14;
  private static final int BOTTOM = HEIGHT - 26;

  /** More points than this are a line only. */
  private static final int DOTS = 60;

  private final String view;
  private final RecentRefreshes recent;
  private final ZoneId zone;
  private final Instant first;
  private final Instant last;
  private final double highest;

  /**
   * @param recent at least one attempt, in the order of time
   */
  DurationChart(String view, RecentRefreshes recent, ZoneId zone) {
    this.view = view;
    this.recent = recent;
    this.zone = zone;
    List<Attempt> attempts = recent.attempts();
    this.first = attempts.get(0).at();
    this.last = attempts.get(attempts.size() - 1).at();
    this.highest = round(Math.max(1, recent.longest().toNanos() / 1e6));
  }

  /** The next of 1, 2, 5, 10, 20, 50 … */
  private static double round(double millis) {
    double power = Math.pow(10, Math.floor(Math.log10(millis)));
    for (int factor : new int[] {1, 2, 5}) {
      if (millis <= factor * power) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  void write(Html html, String id) {
    html.element(
        "svg",
        svg -> {
          svg.element("title", "How long refreshes of " + view + " took", "id", id + "-title");
          svg.element("desc", description(), "id", id + "-desc");
          for (int half = 0; half <= 2; half++) {
            horizontal(svg, highest * half / 2);
          }
          label(svg, first, LEFT, "start");
          label(svg, last, RIGHT, "end");
          line(svg);
          recent.attempts().stream()
              .filter(attempt -> attempt.took() == null)
              .forEach(failure -> cross(svg, failure));
        },
        "viewBox",
        "0 0 " + WIDTH + " " + HEIGHT,
        "role",
        "img",
        "aria-labelledby",
        id + "-title " + id + "-desc");
  }

  private String description() {
    long failures = recent.attempts().stream().filter(attempt -> attempt.took() == null).count();
    return Words.count(recent.attempts().size(), "attempt")
        + " from "
        + time(first)
        + " to "
        + time(last)
        + ", "
        + (failures == 0 ? "none" : Words.count(failures))
        + " failed. The longest took "
        + Words.duration(recent.longest())
        + ".";
  }

  private void horizontal(Html svg, double millis) {
    String y = number(y(millis));
    svg.element("line", "", "class", "grid", "x1", "" + LEFT, "x2", "" + RIGHT, "y1", y, "y2", y);
    svg.element(
        "text",
        millis == 0 ? "0" : Words.duration(Duration.ofNanos((long) (millis * 1e6))),
        "x",
        "" + (LEFT - 8),
        "y",
        number(y(millis) + 4),
        "text-anchor",
        "end");
  }

  private void label(Html svg, Instant at, int x, String anchor) {
    if (anchor.equals("start") || !first.equals(last)) {
      svg.element("text", time(at), "x", "" + x, "y", "" + (HEIGHT - 6), "text-anchor", anchor);
    }
  }

  private void line(Html svg) {
    StringBuilder points = new StringBuilder();
    List<Attempt> done =
        recent.attempts().stream().filter(attempt -> attempt.took() != null).toList();
    done.forEach(
        attempt ->
            points
                .append(number(x(attempt.at())))
                .append(',')
                .append(number(y(millis(attempt))))
                .append(' '));
    svg.element("polyline", "", "class", "took", "points", points.toString().strip());
    if (done.size() <= DOTS) {
      done.forEach(
          attempt ->
              svg.element(
                  "circle",
                  dot ->
                      dot.element(
                          "title", time(attempt.at()) + ": " + Words.duration(attempt.took())),
                  "class",
                  "took",
                  "cx",
                  number(x(attempt.at())),
                  "cy",
                  number(y(millis(attempt))),
                  "r",
                  "2.5"));
    }
  }

  private void cross(Html svg, Attempt failure) {
    double x = x(failure.at());
    String middle = number(x);
    svg.element(
        "line",
        "",
        "class",
        "since",
        "x1",
        middle,
        "x2",
        middle,
        "y1",
        "" + TOP,
        "y2",
        "" + BOTTOM);
    svg.element(
        "path",
        path -> path.element("title", time(failure.at()) + ": failed"),
        "class",
        "failed",
        "d",
        "M" + number(x - 4) + " " + (BOTTOM - 8) + "l8 8m0 -8l-8 8");
  }

  private double x(Instant at) {
    long span = Duration.between(first, last).toMillis();
    double part = span == 0 ? 0.5 : (double) Duration.between(first, at).toMillis() / span;
    return LEFT + part * (RIGHT - LEFT);
  }

  private double y(double millis) {
    return BOTTOM - millis / highest * (BOTTOM - TOP);
  }

  private static double millis(Attempt attempt) {
    return attempt.took().toNanos() / 1e6;
  }

  private String time(Instant at) {
    boolean sameDay = first.atZone(zone).toLocalDate().equals(last.atZone(zone).toLocalDate());
    return DateTimeFormatter.ofPattern(sameDay ? "HH:mm" : "MM-dd HH:mm", Locale.ROOT)
        .format(at.atZone(zone));
  }

  private static String number(double number) {
    return String.format(Locale.ROOT, "%.1f", number);
  }
}
