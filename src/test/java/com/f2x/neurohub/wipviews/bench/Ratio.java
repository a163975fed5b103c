package com.f2x.neurohub.wipviews.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What one thing costs, side by side with another: measured in turns within one run, so that
 * whatever else the machine does falls on both.
 *
 * @param ratios of each turn, ascending
 * @param cost median of the one, in the unit in which it was measured
 * @param besides median of the other
 */
record Ratio(List<Double> ratios, double cost, double besides) {

  /** Does something, and returns what it cost. */
  @FunctionalInterface
  interface Measured {
    double cost() throws Exception;
  }

  /** Does something. */
  @FunctionalInterface
  interface Action {
    void run() throws Exception;
  }

  /** Milliseconds that something takes. */
  static Measured millis(Action action) {
    return () -> {
      long start = System.nanoTime();
      action.run();
      return (System.nanoTime() - start) / 1e6;
    };
  }

  /** Measures in turns, each time the other one first; the first turns warm up and do not count. */
  static Ratio of(int turns, Measured one, Measured other) throws Exception {
    List<Double> ratios = new ArrayList<>();
    List<Double> costs = new ArrayList<>();
    List<Double> others = new ArrayList<>();
    int warmUp = Math.max(1, turns / 5);
    for (int turn = -warmUp; turn < turns; turn++) {
      double cost;
      double besides;
      if (turn % 2 == 0) {
        cost = one.cost();
        besides = other.cost();
      } else {
        besides = other.cost();
        cost = one.cost();
      }
      if (turn >= 0) {
        costs.add(cost);
        others.add(besides);
        ratios.add(cost / besides);
      }
    }
    return new Ratio(ratios.stream().sorted().toList(), median(costs), median(others));
  }

  static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  double median() {
    return median(ratios);
  }

  /** The same, seen from the other side: how many times as much the other costs. */
  Ratio inverse() {
    return new Ratio(ratios.stream().map(ratio -> 1 / ratio).sorted().toList(), besides, cost);
  }

  /** Median, and the spread of the turns. */
  @Override
  public String toString() {
    return number(median())
        + " ("
        + number(ratios.get(0))
        + "–"
        + number(ratios.get(ratios.size() - 1))
        + ")";
  }

  static String number(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.2f" : "%,.0f", value);
  }
}
