package com.f2x.neurohub.wipviews.testing;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Variants of one test that each cost a deploy. {@code -Dtest.variants=all} runs every one of them;
 * without it, those that have found something before.
 */
public final class Variants {

  private static final boolean ALL = System.getProperty("test.variants", "").equals("all");

  private Variants() {}

  /** Returns all, or as many as the test command has the time for. */
  public static Stream<String> first(int telling, String... all) {
    return Arrays.stream(all).limit(ALL ? all.length : telling);
  }

  /** Returns all, or every so many, the last one included. */
  public static <T> List<T> every(int step, List<T> all) {
    return IntStream.range(0, all.size())
        .filter(i -> ALL || (all.size() - 1 - i) % step == 0)
        .mapToObj(all::get)
        .toList();
  }
}
