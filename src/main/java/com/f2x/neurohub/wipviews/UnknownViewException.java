package com.f2x.neurohub.wipviews;

/** A name was given that is not registered in {@code wip_view}. */
public final class UnknownViewException extends WipViewsException {

  private static final long serialVersionUID = 1L;

  UnknownViewException(String message, String view, String remedy, Throwable cause) {
    super(message, view, "42704", remedy, cause);
  }
}
