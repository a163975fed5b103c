package com.f2x.neurohub.wipviews.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What one thing costs, side by side with another: measured in turns within one run, so that
 * whatever else the machine does falls on both.
 *
 * @param ratios of each turn
 * @param cost of the one, in the unit in which it was measured
 * @param besides of the other
 */
record Ratio(Measured ratios, Measured cost, Measured besides) {

  /** Does something, and returns what it cost. */
  @FunctionalInterface
  interface Cost {
    double get() throws Exception;
  }

  /** Does something. */
  @FunctionalInterface
  interface Action {
    void run() throws Exception;
  }

  /** Milliseconds that something takes. */
  static Cost millis(Action action) {
    return () -> {
      long start = System.nanoTime();
      action.run();
      return (System.nanoTime() - start) / 1e6;
    };
  }

  /** Turns that do not count. */
  static int warmUp(int turns) {
    return Math.max(1, turns / 5);
  }

  /** Measures in turns, now the one first and now the other; the first turns do not count. */
  static Ratio of(int turns, Cost one, Cost other) throws Exception {
    List<Double> ratios = new ArrayList<>();
    List<Double> costs = new ArrayList<>();
    List<Double> others = new ArrayList<>();
    for (int turn = -warmUp(turns); turn < turns; turn++) {
      double cost;
      double besides;
      if (turn % 2 == 0) {
        cost = one.get();
        besides = other.get();
      } else {
        besides = other.get();
        cost = one.get();
      }
      if (turn >= 0) {
        costs.add(cost);
        others.add(besides);
        ratios.add(cost / besides);
      }
    }
    return new Ratio(new Measured(ratios), new Measured(costs), new Measured(others));
  }

  double median() {
    return ratios.median();
  }

  /** The same, seen from the other side: how many times as much the other costs. */
  Ratio inverse() {
    return new Ratio(
        new Measured(ratios.values().stream().map(ratio -> 1 / ratio).toList()), besides, cost);
  }

  /** Both costs, in their unit. */
  String measured(String unit) {
    return cost + " to " + besides + " " + unit;
  }

  /** Median, and the spread of the turns. */
  @Override
  public String toString() {
    return ratios.toString();
  }
}
