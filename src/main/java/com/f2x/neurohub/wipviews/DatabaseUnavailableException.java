package com.f2x.neurohub.wipviews;

/** The database could not be reached, refused the login, or went away. */
public final class DatabaseUnavailableException extends WipViewsException {

  private static final long serialVersionUID = 1L;

  DatabaseUnavailableException(
      String message, String view, String sqlState, String remedy, Throwable cause) {
    super(message, view, sqlState, remedy, cause);
  }
}
