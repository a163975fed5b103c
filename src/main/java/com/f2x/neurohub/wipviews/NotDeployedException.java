package com.f2x.neurohub.wipviews;

/** The schema has no wip-views objects: nothing was deployed there, or the schema is another. */
public final class NotDeployedException extends WipViewsException {

  private static final long serialVersionUID = 1L;

  NotDeployedException(String message, String sqlState, String remedy, Throwable cause) {
    super(message, null, sqlState, remedy, cause);
  }
}
