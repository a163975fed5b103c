package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.cli.output.Formats;

/**
 * A figure at the head of the page.
 *
 * @param mood {@code good}, {@code warn} or {@code bad}; empty for a figure that is neither
 */
record Tile(String figure, String what, String mood) {

  static Tile of(long count, String one, String many, String mood) {
    return new Tile(Formats.count(count), count == 1 ? one : many, mood);
  }
}
