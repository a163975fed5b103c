package com.f2x.neurohub.wipviews.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * The one table of all benchmarks, under a card of the machine, and what is behind its rows: the
 * plan of a query, or the time of each step. Written to {@code target/bench.md} and {@code
 * target/bench-plans.md} as they grow; the table is printed when the last benchmark has ended.
 *
 * <p>A target that is not reached fails nothing: it says by how much.
 */
final class Report implements BeforeAllCallback, AutoCloseable {

  private static final Path FILE = Path.of("target/bench.md");
  private static final Path PLANS = Path.of("target/bench-plans.md");

  private static final String HEAD =
      """

      | row | what | side by side with | ratio: median (spread) | measured: median (spread) | to reach | holds |
      | --- | --- | --- | --- | --- | --- | --- |
      """;

  private static final Machine MACHINE = new Machine();

  /** By place in the table. */
  private static final Map<String, String> ROWS = new TreeMap<>();

  private static final Map<String, StringBuilder> BEHIND = new TreeMap<>();

  @Override
  public void beforeAll(ExtensionContext context) {
    context
        .getRoot()
        .getStore(Namespace.create(Report.class))
        .computeIfAbsent(Report.class, key -> this);
  }

  /** A row whose ratio has to stay below something. */
  static void atMost(double target, String place, String what, String besides, Ratio ratio) {
    atMost(target, place, what, besides, ratio, "ms");
  }

  static void atMost(
      double target, String place, String what, String besides, Ratio ratio, String unit) {
    row(
        place,
        what,
        besides,
        ratio.toString(),
        ratio.measured(unit),
        "at most " + plain(target) + " times",
        holds(target, ratio.median()));
  }

  /** A row where the other thing has to cost so many times as much. */
  static void atLeast(double target, String place, String what, String besides, Ratio ratio) {
    Ratio times = ratio.inverse();
    row(
        place,
        what,
        besides,
        times + " times faster",
        ratio.measured("ms"),
        "at least " + plain(target) + " times faster",
        times.median() >= target
            ? "yes"
            : "no, by " + Measured.number(target / times.median()) + " times");
  }

  /** A row whose time has to stay below something; what it is beside is told, too. */
  static void under(double target, String place, String what, String besides, Ratio ratio) {
    under(target, place, what, besides, ratio.toString(), ratio.measured("ms"), ratio.cost());
  }

  static void under(double target, String place, String what, Measured time) {
    under(target, place, what, "", "", time + " ms", time);
  }

  private static void under(
      double target,
      String place,
      String what,
      String besides,
      String ratio,
      String measured,
      Measured time) {
    row(
        place,
        what,
        besides,
        ratio,
        measured,
        "under " + plain(target) + " ms",
        holds(target, time.median()));
  }

  /** As printed: beyond two places it is noise. */
  static String holds(double target, double measured) {
    return Math.round(100 * measured) <= Math.round(100 * target)
        ? "yes"
        : "no, by " + Measured.number(measured / target) + " times";
  }

  /** A row without a target: what the reader should know besides. */
  static void note(String place, String what, String besides, Ratio ratio, String unit) {
    row(place, what, besides, ratio.toString(), ratio.measured(unit), "", "");
  }

  static void row(
      String place,
      String what,
      String besides,
      String ratio,
      String measured,
      String target,
      String holds) {
    synchronized (ROWS) {
      String row =
          "| " + String.join(" | ", place, what, besides, ratio, measured, target, holds) + " |\n";
      if (ROWS.put(place, row) != null) {
        throw new IllegalStateException("two rows are called " + place);
      }
      write(FILE, table());
      System.out.print(row);
    }
  }

  /** What is behind a row. */
  static void behind(String place, String title, List<String> lines) {
    synchronized (ROWS) {
      BEHIND
          .computeIfAbsent(place, absent -> new StringBuilder("\n## " + absent + "\n"))
          .append("\n%s:\n\n```\n%s\n```\n".formatted(title, String.join("\n", lines)));
      write(PLANS, plans());
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String plain(double target) {
    return target == Math.rint(target)
        ? String.format(Locale.ROOT, "%,.0f", target)
        : Double.toString(target);
  }

  private static String table() {
    return MACHINE.card() + HEAD + String.join("", ROWS.values());
  }

  private static String plans() {
    return "# Behind the rows of bench.md\n" + String.join("", BEHIND.values());
  }

  @Override
  public void close() {
    System.out.println("\n" + table() + "\nwhat is behind its rows: " + PLANS);
  }
}
