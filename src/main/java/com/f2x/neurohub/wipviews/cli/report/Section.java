package com.f2x.neurohub.wipviews.cli.report;

import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Part of the page, which stands on its own.
 *
 * @param content what it shows; null if that cannot be read
 * @param unreadable why it cannot; null if it can
 * @param tiles its figures at the head of the page
 */
record Section<T>(@Nullable T content, @Nullable Unreadable unreadable, List<Tile> tiles) {

  /**
   * @param what what is wrong
   * @param remedy what to do; may be empty
   */
  record Unreadable(String what, String remedy) {}

  static <T> Section<T> of(Supplier<T> reading, Function<T, List<Tile>> tiles) {
    try {
      T content = reading.get();
      return new Section<>(content, null, tiles.apply(content));
    } catch (WipViewsException e) {
      return new Section<>(
          null,
          new Unreadable(
              Formats.sentence(e.getMessage()), e.remedy().map(Formats::sentence).orElse("")),
          List.of());
    }
  }

  static <T> Section<T> of(Supplier<T> reading) {
    return of(reading, content -> List.of());
  }
}
