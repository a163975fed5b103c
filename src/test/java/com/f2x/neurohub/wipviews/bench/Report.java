package com.f2x.neurohub.wipviews.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * The one table of all benchmarks: printed when the last of them has ended, and written to {@code
 * target/bench.md} as it grows.
 *
 * <p>A target that is not reached fails nothing: it says by how much.
 */
final class Report implements BeforeAllCallback, AutoCloseable {

  private static final Path FILE = Path.of("target/bench.md");

  private static final String HEAD =
      """
      | what | side by side with | ratio: median (spread) | measured | to reach | holds |
      | --- | --- | --- | --- | --- | --- |
      """;

  /** By place in the table. */
  private static final Map<String, String> ROWS = new TreeMap<>();

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
        measured(ratio, unit),
        "at most " + plain(target) + " times",
        // as printed: beyond two places it is noise
        Math.round(100 * ratio.median()) <= Math.round(100 * target)
            ? "yes"
            : "no, by " + Ratio.number(ratio.median() / target) + " times");
  }

  /** A row where the other thing has to cost so many times as much. */
  static void atLeast(double target, String place, String what, String besides, Ratio ratio) {
    Ratio times = ratio.inverse();
    row(
        place,
        what,
        besides,
        times + " times faster",
        measured(ratio, "ms"),
        "at least " + plain(target) + " times faster",
        times.median() >= target
            ? "yes"
            : "no, by " + Ratio.number(target / times.median()) + " times");
  }

  /** A row without a target: what the reader should know besides. */
  static void note(String place, String what, String besides, Ratio ratio, String unit) {
    row(place, what, besides, ratio.toString(), measured(ratio, unit), "", "");
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
      ROWS.put(
          place + what + besides,
          "| " + String.join(" | ", what, besides, ratio, measured, target, holds) + " |\n");
      try {
        Files.createDirectories(FILE.getParent());
        Files.writeString(FILE, table());
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }

  private static String measured(Ratio ratio, String unit) {
    return Ratio.number(ratio.cost()) + " to " + Ratio.number(ratio.besides()) + " " + unit;
  }

  private static String plain(double target) {
    return target == Math.rint(target)
        ? String.format(Locale.ROOT, "%,.0f", target)
        : Double.toString(target);
  }

  private static String table() {
    return HEAD + String.join("", ROWS.values());
  }

  @Override
  public void close() {
    System.out.println("\n" + table());
  }
}
