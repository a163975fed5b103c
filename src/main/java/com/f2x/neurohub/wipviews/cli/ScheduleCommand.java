package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Policy;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wip-views schedule}. */
@Command(
    name = "schedule",
    description = {
      "Refresh on a schedule until stopped, one line for each run. Any number of processes may"
          + " share the runs.",
      "SIGTERM and Ctrl-C end it when the refresh that runs has ended, or cancel that after"
          + " --grace; the exit code is then the signal's, 143 or 130."
    })
final class ScheduleCommand implements Callable<Integer> {

  /** Beyond the grace: what a refresh that was cancelled may take to end. */
  private static final Duration CANCELLATION = Duration.ofSeconds(10);

  /** What a shell completes. */
  static final class Policies extends ArrayList<String> {

    private static final long serialVersionUID = 1L;

    Policies() {
      super(List.of("production", "development"));
    }
  }

  @Spec private CommandSpec spec;

  @Option(
      names = "--policy",
      paramLabel = "POLICY",
      completionCandidates = Policies.class,
      description =
          "production (every 2 minutes from 6 to 23 o'clock, else every 15; the default) or"
              + " development (every 5 minutes).")
  private @Nullable String policy;

  @Option(
      names = "--cron",
      paramLabel = "'S M H D M W'",
      description =
          "Six fields in place of a policy: second, minute, hour, day of month, month, day of"
              + " week.")
  private @Nullable String cron;

  @Option(
      names = "--zone",
      paramLabel = "ZONE",
      description = "By whose clocks, such as Asia/Seoul; the system's by default.")
  private @Nullable String zone;

  @Option(
      names = "--grace",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description = "How long a stop waits for the refresh that runs, such as 1m; 30s by default.")
  private Duration grace = RefreshSchedule.DEFAULT_GRACE;

  @Mixin private LimitOptions limits;
  @Mixin private ConnectionOptions connection;

  @Override
  public Integer call() {
    Output output = new Output(spec.commandLine());
    PGSimpleDataSource dataSource = dataSource();
    RefreshSchedule schedule =
        configured(RefreshSchedule.builder(dataSource))
            .schema(connection.schema())
            .listener(run -> output.line(run.toString()))
            .build();
    ((WipViewsCommand) spec.root().userObject())
        .shutdownTimeout(grace.multipliedBy(2).plus(CANCELLATION));
    try (RefreshSchedule.Running running = schedule.start()) {
      output.line(
          "schedule=\""
              + String.join("; ", cron == null ? policy().crons() : List.of(cron))
              + "\" zone="
              + (zone == null ? ZoneId.systemDefault() + " (the system's)" : zone)
              + " next="
              + running.nextRefresh().map(ScheduleCommand::seconds).orElse("none"));
      awaitSignal();
      output.line("stopping");
    }
    output.line("stopped");
    return CommandLine.ExitCode.OK;
  }

  private static void awaitSignal() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      // that is how it ends
    }
  }

  private static String seconds(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** One that finds out when its peer has vanished. */
  private PGSimpleDataSource dataSource() {
    PGSimpleDataSource dataSource = connection.dataSource();
    dataSource.setTcpKeepAlive(true);
    return dataSource;
  }

  private RefreshSchedule.Builder configured(RefreshSchedule.Builder schedule) {
    if (policy != null && cron != null) {
      throw wrong("--policy and --cron exclude each other");
    }
    try {
      RefreshSchedule.Builder when = cron == null ? schedule.policy(policy()) : schedule.cron(cron);
      return (zone == null ? when.zone(ZoneId.systemDefault()) : when.zone(zone))
          .grace(grace)
          .lockTimeout(limits.lockTimeout())
          .statementTimeout(limits.statementTimeout())
          .parallelism(limits.jobs());
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private Policy policy() {
    return switch (policy == null ? "production" : policy.toLowerCase(Locale.ROOT)) {
      case "production" -> Policy.PRODUCTION;
      case "development" -> Policy.DEVELOPMENT;
      case "on-demand", "on_demand" ->
          throw wrong("on demand there is nothing to schedule: run wip-views refresh");
      default -> throw wrong("--policy is production or development, not " + policy);
    };
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
