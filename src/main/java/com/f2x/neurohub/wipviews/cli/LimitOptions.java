package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.internal.Durations;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How long a refresh may wait, how long it may take, and how many may run at once. */
final class LimitOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--lock-timeout",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description = "Fail a view after waiting this long for its lock, such as 5s.")
  private @Nullable Duration lockTimeout;

  @Option(
      names = "--statement-timeout",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description = "Fail a view that takes longer than this, such as 2m.")
  private @Nullable Duration statementTimeout;

  private int jobs = 1;

  @Option(
      names = "--jobs",
      paramLabel = "N",
      description =
          "Refresh up to so many views at once where all are refreshed, each over a connection of"
              + " its own; 1 by default.")
  private void jobs(int number) {
    if (number < 1) {
      throw new ParameterException(spec.commandLine(), "--jobs must be at least 1");
    }
    jobs = number;
  }

  /** Returns how many views are refreshed at once. */
  int jobs() {
    return jobs;
  }

  /** Returns the longest wait for a lock; null for the connection's own. */
  @Nullable Duration lockTimeout() {
    return checked("--lock-timeout", lockTimeout);
  }

  /** Returns the longest that a refresh may take; null for the connection's own. */
  @Nullable Duration statementTimeout() {
    return checked("--statement-timeout", statementTimeout);
  }

  private @Nullable Duration checked(String option, @Nullable Duration timeout) {
    if (timeout != null && !Durations.isTimeout(timeout)) {
      throw new ParameterException(
          spec.commandLine(),
          option + " must be " + Durations.TIMEOUT + "; leave it out for no limit");
    }
    return timeout;
  }
}
