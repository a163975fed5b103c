package com.f2x.neurohub.wipviews.schedule;

import com.github.kagkarlsson.scheduler.task.ExecutionComplete;
import com.github.kagkarlsson.scheduler.task.schedule.CronSchedule;
import com.github.kagkarlsson.scheduler.task.schedule.Schedule;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;

/**
 * When runs are due: whenever one of some cron expressions fires.
 *
 * @param crons at least one, all in the same zone
 */
record CronTimes(List<CronSchedule> crons) implements Schedule {

  private static final String FORM =
      "six fields: second minute hour day-of-month month day-of-week, such as \"0 */2 6-22 * * *\"";

  /** How far ahead {@link #shortestInterval} looks: beyond a night of quarters of an hour. */
  private static final int RUNS_AHEAD = 100;

  static CronTimes of(List<String> expressions, ZoneId zone) {
    return new CronTimes(
        expressions.stream().map(expression -> new CronSchedule(expression, zone)).toList());
  }

  /**
   * Returns the expression if it is one that fires some day.
   *
   * @throws IllegalArgumentException naming it and the form, if it is not
   */
  static String checked(String expression) {
    // the parser takes fewer fields for names such as @hourly, and "-" for never
    if (expression.strip().split("\\s+").length != 6) {
      throw new IllegalArgumentException(
          "\"" + expression + "\" is not a cron expression of " + FORM);
    }
    Instant next;
    try {
      next = of(List.of(expression), ZoneOffset.UTC).after(Instant.EPOCH);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "\""
              + expression
              + "\" is not a cron expression of "
              + FORM
              + ": "
              + e.getMessage().replaceFirst("^Failed to parse cron expression\\. ", ""),
          e);
    }
    if (next.equals(NEVER)) {
      throw new IllegalArgumentException("the cron expression \"" + expression + "\" never fires");
    }
    return expression;
  }

  /** Returns when the first run after a moment is due. */
  Instant after(Instant moment) {
    // or the fraction would be carried over
    ExecutionComplete then =
        ExecutionComplete.simulatedSuccess(moment.truncatedTo(ChronoUnit.SECONDS));
    return crons.stream()
        .map(cron -> cron.getNextExecutionTime(then))
        .min(Comparator.naturalOrder())
        .orElseThrow();
  }

  /** Returns the shortest time between two runs, as far as can be foreseen. */
  Duration shortestInterval(Instant from) {
    Duration shortest = Duration.between(from, NEVER);
    Instant due = after(from);
    for (int i = 0; i < RUNS_AHEAD && due.isBefore(NEVER); i++) {
      Instant next = after(due);
      Duration interval = Duration.between(due, next);
      shortest = interval.compareTo(shortest) < 0 ? interval : shortest;
      due = next;
    }
    return shortest;
  }

  /** Returns when the next run is due after one has ended: runs that it missed are skipped. */
  @Override
  public Instant getNextExecutionTime(ExecutionComplete refresh) {
    return after(refresh.getTimeDone());
  }

  @Override
  public boolean isDeterministic() {
    return true;
  }
}
