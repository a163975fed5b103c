package com.f2x.neurohub.wipviews;

import org.jspecify.annotations.Nullable;

/**
 * Watches refreshes and promotions while they last, as a tracer does. Given to {@link
 * WipViews#withObserver} and {@code WipViewsMigration.withObserver}; with Micrometer, {@code
 * WipViewsObservations} of the package {@code metrics} is one.
 *
 * <p>It is called in the thread that does the work, at the beginning and at the end, so that what
 * it opens encloses the statements. What it throws is thrown by the call.
 */
@FunctionalInterface
public interface CallObserver {

  /** What is done. */
  enum Operation {
    /** A refresh, also one that another caller's refresh serves. */
    REFRESH,
    /**
     * The promotion of a view, built beside the live one: by a deploy, a recreation, a freeze, a
     * thaw, or an undo.
     */
    PROMOTE
  }

  /**
   * Something begins.
   *
   * @param operation what
   * @param view the view; null for all
   * @return is told the end
   */
  Ending begin(Operation operation, @Nullable String view);

  /**
   * Returns the observer of what other threads do for the call that this thread makes, where it has
   * to know what encloses the call.
   */
  default CallObserver ofThisThread() {
    return this;
  }

  /** The end of what began. */
  @FunctionalInterface
  interface Ending {

    /**
     * It ended.
     *
     * @param refresh what happened to the view; null if nothing is known of it, or it was no
     *     refresh
     * @param failure why it failed; null if it did not
     */
    void ended(@Nullable Refresh refresh, @Nullable Throwable failure);

    /**
     * It ended, and nothing is known of a refresh.
     *
     * @param failure why it failed; null if it did not
     */
    default void ended(@Nullable Throwable failure) {
      ended(null, failure);
    }
  }
}
