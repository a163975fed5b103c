package com.f2x.neurohub.wipviews.internal;

import java.util.Locale;

/** Constants as the database spells them, and so do JSON, meters and logs. */
public final class ConstantNames {

  private ConstantNames() {}

  /** {@code refreshed} for {@code REFRESHED}; null for null. */
  public static String of(Enum<?> constant) {
    return constant == null ? null : constant.name().toLowerCase(Locale.ROOT);
  }
}
