package com.f2x.neurohub.wipviews.cli.report;

import java.util.Locale;

/** Lengths of bars, as CSS and SVG take them. */
final class Share {

  private Share() {}

  /** A part in percent of the whole, at most 100; 0 where there is no whole. */
  static String of(double part, double whole) {
    return number(whole == 0 ? 0 : Math.min(100, 100 * part / whole));
  }

  static String number(double number) {
    return String.format(Locale.ROOT, "%.1f", number);
  }
}
