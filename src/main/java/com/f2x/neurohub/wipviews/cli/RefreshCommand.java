package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jooq.Table;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wip-views refresh}. */
@Command(
    name = "refresh",
    description = "Refresh all views, or the named ones, in refresh order, and say what happened.")
final class RefreshCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Option(
      names = "--max-age",
      paramLabel = "AGE",
      converter = DurationConverter.class,
      description = "Skip a view that is not older than this, such as 30s, 5m or 2h.")
  private @Nullable Duration maxAge;

  @Option(
      names = "--if-changed",
      description =
          "Skip a view that is not older than --max-age only if nothing that it reads was written"
              + " since it was last refreshed so, by the server's counts of rows.")
  private boolean ifChanged;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing but what failed, as a job of cron should.")
  private boolean quiet;

  @Mixin private NamedViews named;
  @Mixin private LimitOptions limits;
  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    if (ifChanged && maxAge == null) {
      throw new ParameterException(
          spec.commandLine(),
          "--if-changed needs --max-age, the age from which on a view is refreshed in any case");
    }
    Duration lockTimeout = limits.lockTimeout();
    Duration statementTimeout = limits.statementTimeout();
    WipViews views =
        connection
            .views()
            .withLockTimeout(lockTimeout)
            .withStatementTimeout(statementTimeout)
            .withParallelism(limits.jobs());
    Attempts attempts = new Attempts(format.output());
    List<WipViewsException> failures = new ArrayList<>();
    if (maxAge == null) {
      attempt(() -> refresh(views), attempts, failures);
    } else {
      for (Table<?> view : ViewNames.existing(views, named.names())) {
        attempt(() -> refreshIfDue(views, view, attempts), attempts, failures);
      }
    }
    if (!quiet) {
      attempts.print(format);
    }
    if (!failures.isEmpty()) {
      throw failure(failures);
    }
    return CommandLine.ExitCode.OK;
  }

  private static void attempt(
      Supplier<List<Refresh>> refresh, Attempts attempts, List<WipViewsException> failures) {
    try {
      attempts.add(refresh.get());
    } catch (RefreshFailedException e) {
      attempts.add(e.refreshes());
      failures.add(e);
    } catch (DatabaseUnavailableException e) {
      if (attempts.isEmpty()) {
        throw e;
      }
      failures.add(e);
    }
  }

  /** As one call, so that callers at the same moment share all of it. */
  private List<Refresh> refresh(WipViews views) {
    if (named.names().isEmpty()) {
      return views.refreshAll();
    }
    List<Table<?>> wanted = ViewNames.existing(views, named.names());
    return wanted.size() == 1 ? List.of(views.refresh(wanted.get(0))) : views.refreshAll(wanted);
  }

  private List<Refresh> refreshIfDue(WipViews views, Table<?> view, Attempts attempts) {
    Optional<Refresh> refresh =
        ifChanged ? views.refreshIfChanged(view, maxAge) : views.refreshIfOlderThan(view, maxAge);
    if (refresh.isEmpty()) {
      attempts.addSkipped(view.getName());
    }
    return refresh.stream().toList();
  }

  private static WipViewsException failure(List<WipViewsException> failures) {
    WipViewsException first = failures.get(0);
    return new WipViewsException(
        failures.stream().map(Throwable::getMessage).collect(Collectors.joining("; ")),
        first.view().orElse(null),
        first.sqlState().orElse(null),
        first.remedy().orElse(null),
        first);
  }
}
