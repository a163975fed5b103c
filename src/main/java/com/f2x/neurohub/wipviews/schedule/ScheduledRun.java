package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.LogLine;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/**
 * What became of one run of a schedule.
 *
 * @param due when it was due; earlier than {@code startedAt} by more than a moment if runs were
 *     missed, or an instance died
 * @param startedAt when this instance began with it, by the clock of this instance
 * @param duration how long it took
 * @param interval the time between two runs at that hour
 * @param slow whether it took longer than the interval, so that a run was skipped
 * @param refreshes what happened to each view, as far as it is on record
 * @param failure why not all were refreshed; empty if all were
 */
public record ScheduledRun(
    Instant due,
    Instant startedAt,
    Duration duration,
    Duration interval,
    boolean slow,
    List<Refresh> refreshes,
    Optional<WipViewsException> failure) {

  /**
   * Returns it as one line of {@code key=value}, for a log: times in ISO 8601, durations in
   * milliseconds, and the keys {@code frozen}, {@code slow} and {@code error} only where there is
   * something to say.
   */
  @Override
  public String toString() {
    return line().toString();
  }

  LogLine line() {
    LogLine line =
        LogLine.of("run")
            .with("due", due.truncatedTo(ChronoUnit.SECONDS))
            .with("duration_ms", duration.toMillis())
            .with("interval_ms", interval.toMillis())
            .with("refreshed", count(Outcome.REFRESHED))
            .with("coalesced", count(Outcome.COALESCED))
            .with("failed", count(Outcome.FAILED));
    if (count(Outcome.FROZEN) > 0) {
      line.with("frozen", count(Outcome.FROZEN));
    }
    if (slow) {
      line.with("slow", true);
    }
    failure.ifPresent(e -> line.withText("error", e.getMessage()));
    return line;
  }

  private long count(Outcome outcome) {
    return refreshes.stream().filter(refresh -> refresh.outcome() == outcome).count();
  }
}
