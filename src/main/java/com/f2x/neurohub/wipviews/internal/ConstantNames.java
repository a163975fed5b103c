package com.f2x.neurohub.wipviews.internal;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Constants as they are spelled in the database, in JSON, meters and logs. */
public final class ConstantNames {

  private ConstantNames() {}

  /** {@code refreshed} for {@code REFRESHED}. */
  public static String of(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** The same; null for null. */
  public static @Nullable String ofNullable(@Nullable Enum<?> constant) {
    return constant == null ? null : of(constant);
  }
}
