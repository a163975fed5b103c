package com.f2x.neurohub.wipviews.internal;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Command lines in a remedy, as a shell takes them. */
public final class CommandLines {

  private CommandLines() {}

  /**
   * Returns a command line of {@code wip-views}.
   *
   * @param schema the schema that has to be named; null if the command finds it by itself
   * @param words the command and its arguments
   */
  public static String of(@Nullable String schema, String... words) {
    return "wip-views "
        + Arrays.stream(words).map(CommandLines::quoted).collect(Collectors.joining(" "))
        + (schema == null ? "" : " --schema " + quoted(schema));
  }

  private static String quoted(String word) {
    return word.matches("[\\w-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
