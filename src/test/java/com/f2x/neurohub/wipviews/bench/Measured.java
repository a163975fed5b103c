package com.f2x.neurohub.wipviews.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What one thing cost, turn by turn.
 *
 * @param values ascending
 */
record Measured(List<Double> values) {

  Measured {
    values = values.stream().sorted().toList();
  }

  /** Does something so many times; the first times warm up and do not count. */
  static Measured of(int turns, Ratio.Cost one) throws Exception {
    List<Double> costs = new ArrayList<>();
    for (int turn = -Ratio.warmUp(turns); turn < turns; turn++) {
      double cost = one.get();
      if (turn >= 0) {
        costs.add(cost);
      }
    }
    return new Measured(costs);
  }

  double median() {
    return values.get(values.size() / 2);
  }

  /** Median, and the spread of the turns. */
  @Override
  public String toString() {
    return values.size() == 1
        ? number(median())
        : "%s (%s–%s)"
            .formatted(
                number(median()), number(values.get(0)), number(values.get(values.size() - 1)));
  }

  static String number(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.2f" : "%,.0f", value);
  }
}
