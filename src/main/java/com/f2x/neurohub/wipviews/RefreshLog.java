package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.RefreshAttempt.Outcome;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import com.f2x.neurohub.wipviews.internal.LogLine;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Logs a refresh that took long (INFO) or failed (WARN), as {@code key=value}; the history in the
 * database has all refreshes.
 */
final class RefreshLog {

  /** A refresh that takes as long as this is logged. */
  static final Duration LONG = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(WipViews.class);

  private RefreshLog() {}

  /** Logs an attempt; of those that share one, the one that made it. */
  static void ended(Outcome outcome, Duration after) {
    WipViewsException failure = outcome.failure();
    Refresh refresh = outcome.refresh();
    if (failure != null && !outcome.shared()) {
      failed(failure, after);
    } else if (failure == null && refresh != null) {
      refreshed(refresh);
    }
  }

  static void refreshed(Refresh refresh) {
    if (refresh.duration() != null && refresh.duration().compareTo(LONG) >= 0) {
      LogLine.of("refresh")
          .with("view", refresh.view())
          .with("outcome", ConstantNames.of(refresh.outcome()))
          .with("mode", ConstantNames.ofNullable(refresh.mode()))
          .with("duration_ms", refresh.duration().toMillis())
          .with("rows", refresh.rows())
          .log(LOG, Level.INFO);
    }
  }

  static void failed(WipViewsException failure, Duration after) {
    LogLine.of("refresh")
        .with("view", failure.view().orElse(null))
        .with("outcome", "failed")
        .with("duration_ms", after.toMillis())
        .with("sqlstate", failure.sqlState().orElse(null))
        .withText("error", failure.getMessage())
        .log(LOG, Level.WARN);
  }
}
