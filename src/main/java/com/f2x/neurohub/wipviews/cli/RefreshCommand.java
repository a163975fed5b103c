package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.cli.Json.Attempt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jooq.Table;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code wip-views refresh}. */
@Command(
    name = "refresh",
    description = "Refresh all views, or the named ones, and say what happened.")
final class RefreshCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "VIEW", description = "Names of views; none for all, in refresh order.")
  private List<String> names = List.of();

  @Option(
      names = "--max-age",
      paramLabel = "AGE",
      converter = DurationConverter.class,
      description = "Skip a view that is not older than this, such as 30s, 5m or 2h.")
  private Duration maxAge;

  @Option(
      names = "--lock-timeout",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description = "Fail a view after this long a wait for its lock, such as 5s.")
  private Duration lockTimeout;

  @Option(
      names = "--statement-timeout",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description = "Fail a view that takes longer than this, such as 2m.")
  private Duration statementTimeout;

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    requireMillisecond("--lock-timeout", lockTimeout);
    requireMillisecond("--statement-timeout", statementTimeout);
    WipViews views =
        connection.views().withLockTimeout(lockTimeout).withStatementTimeout(statementTimeout);
    List<Attempt> attempts = new ArrayList<>();
    List<WipViewsException> failures = new ArrayList<>();
    for (Table<?> view : ViewNames.existing(views, names)) {
      try {
        attempts.add(
            refresh(views, view).map(Attempt::of).orElseGet(() -> Attempt.skipped(view.getName())));
      } catch (RefreshFailedException e) {
        e.refreshes().stream().map(Attempt::of).forEach(attempts::add);
        failures.add(e);
      } catch (DatabaseUnavailableException e) {
        failures.add(e);
        break;
      }
    }
    Attempts.print(format, attempts);
    if (!failures.isEmpty()) {
      WipViewsException first = failures.get(0);
      throw new WipViewsException(
          failures.stream().map(Throwable::getMessage).collect(Collectors.joining("; ")),
          first.view().orElse(null),
          first.sqlState().orElse(null),
          first.remedy().orElse(null),
          first);
    }
    return CommandLine.ExitCode.OK;
  }

  private Optional<Refresh> refresh(WipViews views, Table<?> view) {
    return maxAge == null
        ? Optional.of(views.refresh(view))
        : views.refreshIfOlderThan(view, maxAge);
  }

  private void requireMillisecond(String option, Duration timeout) {
    if (timeout != null && timeout.isZero()) {
      throw new ParameterException(
          spec.commandLine(), option + " must be at least 1ms; leave it out for no limit");
    }
  }
}
