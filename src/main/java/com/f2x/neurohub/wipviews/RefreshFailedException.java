package com.f2x.neurohub.wipviews;

import java.util.List;

/**
 * A view, or some of several, could not be refreshed. The views that failed kept the rows they had;
 * each failure is on record in {@code wip_view_refresh}.
 */
public final class RefreshFailedException extends WipViewsException {

  private static final long serialVersionUID = 1L;

  private final transient List<Refresh> refreshes;

  RefreshFailedException(WipViewsException first, String message, List<Refresh> refreshes) {
    super(
        message,
        first.view().orElse(null),
        first.sqlState().orElse(null),
        first.remedy().orElse(null),
        first.getCause());
    this.refreshes = List.copyOf(refreshes);
  }

  /**
   * Returns what happened to each view that was to be refreshed, also to those that were, in
   * refresh order. A failure that could not be recorded, because no connection could be had, is not
   * in it.
   */
  public List<Refresh> refreshes() {
    return refreshes == null ? List.of() : refreshes;
  }
}
