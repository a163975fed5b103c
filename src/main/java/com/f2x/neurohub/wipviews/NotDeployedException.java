package com.f2x.neurohub.wipviews;

import org.jspecify.annotations.Nullable;

/**
 * The schema lacks wip-views objects: nothing was deployed there, an opt-in changelog was not, the
 * schema is another, or something of it was dropped since.
 */
public final class NotDeployedException extends WipViewsException {

  private static final long serialVersionUID = 1L;

  /**
   * Describes what is missing.
   *
   * @param message what is missing, one sentence; not null
   * @param sqlState SQLSTATE of the database's error; null if there was none
   * @param remedy what to do next, one sentence or a command; null if nothing is known to help
   * @param cause the error beneath; null if none
   */
  public NotDeployedException(
      String message,
      @Nullable String sqlState,
      @Nullable String remedy,
      @Nullable Throwable cause) {
    this(message, null, sqlState, remedy, cause);
  }

  NotDeployedException(
      String message,
      @Nullable String view,
      @Nullable String sqlState,
      @Nullable String remedy,
      @Nullable Throwable cause) {
    super(message, view, sqlState, remedy, cause);
  }
}
