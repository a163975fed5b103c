package com.f2x.neurohub.wipviews.internal;

/** How a view is vacuumed. */
public final class Vacuum {

  /**
   * Followed by the view's name. It waits for no lock, and skips the truncation, for which readers
   * would have to wait.
   */
  public static final String STATEMENT = "VACUUM (SKIP_LOCKED, ANALYZE, TRUNCATE false) ";

  private Vacuum() {}
}
