package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.internal.TimeLimitedDataSource;
import java.time.Duration;

/**
 * How often an instance looks at the table. It follows from the interval between runs: a run begins
 * at most a sixtieth of the interval late, and a dead instance is detected after half of it.
 *
 * @param polling between two looks for a run that is due
 * @param heartbeat between two signs of life of an instance during a run; when it has missed {@link
 *     #MISSED_HEARTBEATS}, it is taken for dead, by an instance that looks every second heartbeat
 */
record PollSettings(Duration polling, Duration heartbeat) {

  /** The fewest that db-scheduler allows. */
  static final int MISSED_HEARTBEATS = 4;

  static PollSettings of(Duration interval) {
    return new PollSettings(
        within(interval.dividedBy(60), Duration.ofMillis(200), Duration.ofSeconds(5)),
        within(interval.dividedBy(12), Duration.ofSeconds(1), Duration.ofSeconds(10)));
  }

  /** How long one of the scheduler's own statements may take. */
  Duration answer() {
    return heartbeat.multipliedBy(3);
  }

  /** How long one of the scheduler's connections may take to open, also on a busy machine. */
  Duration connecting() {
    return within(answer(), Duration.ofSeconds(5), TimeLimitedDataSource.CONNECTING);
  }

  /**
   * How long an instance, or the other end of a connection, is silent until it is taken for dead.
   */
  Duration silence() {
    return heartbeat.multipliedBy(MISSED_HEARTBEATS);
  }

  private static Duration within(Duration value, Duration least, Duration most) {
    if (value.compareTo(least) < 0) {
      return least;
    }
    return value.compareTo(most) > 0 ? most : value;
  }
}
