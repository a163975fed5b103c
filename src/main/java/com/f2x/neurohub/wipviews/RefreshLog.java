package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.ConstantNames;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs a refresh that took long (INFO) or failed (WARN), as {@code key=value}; the history in the
 * database has all refreshes.
 */
final class RefreshLog {

  /** A refresh that takes as long as this is logged. */
  static final Duration LONG = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(WipViews.class);

  private RefreshLog() {}

  static void refreshed(Refresh refresh) {
    if (refresh.duration() != null && refresh.duration().compareTo(LONG) >= 0) {
      LOG.info(
          "event=refresh view={} outcome={} mode={} duration_ms={} rows={}",
          refresh.view(),
          ConstantNames.of(refresh.outcome()),
          ConstantNames.ofNullable(refresh.mode()),
          refresh.duration().toMillis(),
          refresh.rows());
    }
  }

  static void failed(WipViewsException failure, Duration after) {
    LOG.warn(
        "event=refresh view={} outcome=failed duration_ms={} sqlstate={} error=\"{}\"",
        failure.view().orElse(null),
        after.toMillis(),
        failure.sqlState().orElse(null),
        failure.getMessage().replaceAll("\\s+", " ").replace('"', '\''));
  }
}
