package com.f2x.neurohub.wipviews;

import org.jspecify.annotations.Nullable;

/** The database could not be reached, refused the login, or went away. */
public final class DatabaseUnavailableException extends WipViewsException {

  private static final long serialVersionUID = 1L;

  DatabaseUnavailableException(
      String message,
      @Nullable String view,
      @Nullable String sqlState,
      @Nullable String remedy,
      @Nullable Throwable cause) {
    super(message, view, sqlState, remedy, cause);
  }
}
