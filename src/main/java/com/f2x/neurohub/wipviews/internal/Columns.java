package com.f2x.neurohub.wipviews.internal;

import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A record as the row that it was read from: its components under the names of their columns, which
 * JSON has too, on the command line and over HTTP.
 */
public final class Columns {

  private Columns() {}

  /** Returns the name of the column of a component, by its accessor. */
  public static String name(Method accessor) {
    Column column = accessor.getAnnotation(Column.class);
    return column == null
        ? accessor.getName().replaceAll("\\p{Upper}", "_$0").toLowerCase(Locale.ROOT)
        : column.value();
  }

  /**
   * Returns the row: constants in lower case, times in ISO 8601, durations in seconds. Plain
   * values, so that any JSON library writes them in the same way, however a service has configured
   * it.
   */
  public static Map<String, @Nullable Object> of(Record value) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    for (RecordComponent component : value.getClass().getRecordComponents()) {
      row.put(name(component.getAccessor()), plain(get(value, component)));
    }
    return row;
  }

  private static @Nullable Object get(Record value, RecordComponent component) {
    try {
      return component.getAccessor().invoke(value);
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException("not a public record: " + value, e);
    }
  }

  private static @Nullable Object plain(@Nullable Object value) {
    if (value instanceof Enum<?> constant) {
      return ConstantNames.of(constant);
    }
    if (value instanceof Instant time) {
      return time.toString();
    }
    return value instanceof Duration duration ? seconds(duration) : value;
  }

  /** To the microsecond, as PostgreSQL has it. */
  private static BigDecimal seconds(Duration duration) {
    return BigDecimal.valueOf(duration.toSeconds() * 1_000_000 + duration.toNanosPart() / 1_000, 6);
  }
}
