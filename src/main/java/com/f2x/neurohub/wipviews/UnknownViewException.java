package com.f2x.neurohub.wipviews;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * A name was given that is no view's: it is not registered in {@code wip_view}, or, where views are
 * recreated, the jar defines none of that name.
 */
public final class UnknownViewException extends WipViewsException {

  private static final long serialVersionUID = 1L;

  UnknownViewException(
      String message, @Nullable String view, @Nullable String remedy, @Nullable Throwable cause) {
    super(message, view, "42704", remedy, cause);
  }

  /**
   * Refuses the first name that is not among those that are known.
   *
   * @param known the names that there are; not null
   * @param names names that somebody gave; not null
   * @throws UnknownViewException naming it, and those that there are
   */
  public static void unlessAmong(Collection<String> known, Collection<String> names) {
    for (String name : names) {
      if (!known.contains(name)) {
        throw of(known, name);
      }
    }
  }

  static UnknownViewException of(Collection<String> known, String name) {
    return new UnknownViewException(
        "unknown view \"" + name + "\"",
        name,
        "There are: " + String.join(", ", known) + ".",
        null);
  }
}
