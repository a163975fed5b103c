package com.f2x.neurohub.wipviews.migration;

import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.SqlError;

/** What an error of a deploy means to its caller. */
final class DeployFailure {

  private static final String MISSING_RIGHT = "42501";
  private static final String CANCELLED = "57014";

  private DeployFailure() {}

  static WipViewsException of(Exception failure) {
    if (failure instanceof InterruptedException) {
      Thread.currentThread().interrupt();
      return new WipViewsException(
          "cancelled, because the calling thread was interrupted",
          null,
          CANCELLED,
          "Run it again: what was running was rolled back, and each view kept the rows it had.",
          failure);
    }
    SqlError error = SqlError.in(failure);
    // to change something here, which no parameter gives
    return error != null && MISSING_RIGHT.equals(error.sqlState()) && error.hint() == null
        ? new WipViewsException(
            error.message(),
            null,
            error.sqlState(),
            "Deploy as the role that owns it, or grant that role to this one.",
            failure)
        : WipViewsException.of(null, failure);
  }
}
