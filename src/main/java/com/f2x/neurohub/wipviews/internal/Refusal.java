package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;

/** Why something is not begun, and what to do: as the server says it, found before it has to. */
public final class Refusal extends SQLException {

  /** SQLSTATE object_not_in_prerequisite_state. */
  public static final String NOT_IN_PREREQUISITE_STATE = "55000";

  /** SQLSTATE dependent_objects_still_exist. */
  public static final String DEPENDENT_OBJECTS_STILL_EXIST = "2BP01";

  private static final long serialVersionUID = 1L;

  private final String hint;

  Refusal(String message, String sqlState, String hint) {
    super(message, sqlState);
    this.hint = hint;
  }

  /** Returns what to do. */
  public String hint() {
    return hint;
  }
}
