package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.DailyRefreshes;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Output;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code wip-views history}. */
@Command(
    name = "history",
    description = "Show the last attempts to refresh, latest first, or a summary of each day.")
final class HistoryCommand implements Callable<Integer> {

  private static final int LIMIT = 20;
  private static final int DAYS = 14;

  @Spec private CommandSpec spec;

  @Parameters(arity = "0..1", paramLabel = "VIEW", description = "Name of a view; none for all.")
  private @Nullable String name;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Attempts at most; default " + LIMIT + ".")
  private @Nullable Integer limit;

  @Option(
      names = "--summary",
      description = "Show each day instead: attempts by outcome, and how long refreshes took.")
  private boolean summary;

  @Option(
      names = "--days",
      paramLabel = "N",
      description = "Days at most of --summary, today included; default " + DAYS + ".")
  private @Nullable Integer days;

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    if (limit != null && summary) {
      throw wrong("--limit counts attempts: leave it out with --summary, or give --days");
    }
    if (days != null && !summary) {
      throw wrong("--days is of --summary: give both, or --limit");
    }
    int attemptsAtMost = atLeastOne("--limit", limit, LIMIT);
    int daysAtMost = atLeastOne("--days", days, DAYS);
    Table<?> view = name == null ? null : WipViews.view(name);
    Output output = format.output();
    WipViews views = connection.views();
    if (summary) {
      summary(output, views.daily(view, daysAtMost));
      return CommandLine.ExitCode.OK;
    }
    List<Refresh> history = views.history(view, attemptsAtMost);
    if (format.isJson()) {
      output.json(history);
    } else if (history.isEmpty()) {
      output.paragraph("No attempt is on record yet.");
    } else {
      table(output, history, clock(views));
    }
    return CommandLine.ExitCode.OK;
  }

  private int atLeastOne(String option, @Nullable Integer given, int otherwise) {
    if (given != null && given < 1) {
      throw wrong(option + " must be at least 1");
    }
    return given == null ? otherwise : given;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private void summary(Output output, List<DailyRefreshes> days) {
    if (format.isJson()) {
      output.json(days);
    } else if (days.isEmpty()) {
      output.paragraph("No attempt is on record yet.");
    } else {
      days.stream()
          .collect(
              Collectors.groupingBy(DailyRefreshes::view, LinkedHashMap::new, Collectors.toList()))
          .forEach((view, its) -> table(output, view, its));
    }
  }

  /** A table of its own for each view: with the name in a column it would be too wide. */
  private static void table(Output output, String view, List<DailyRefreshes> days) {
    output.heading(view);
    Grid grid =
        output
            .grid()
            .left("DAY")
            .right("ATTEMPTS")
            .right("REFRESHED")
            .right("COALESCED")
            .right("FAILED")
            .right("P50")
            .right("P95")
            .right("LONGEST");
    for (DailyRefreshes day : days) {
      grid.row(
          day.day(),
          Formats.count(day.attempts()),
          Formats.count(day.refreshed()),
          Formats.count(day.coalesced()),
          day.failed() == 0 ? "0" : output.bad(Formats.count(day.failed())),
          Formats.duration(day.p50Duration()),
          Formats.duration(day.p95Duration()),
          Formats.duration(day.maxDuration()));
      if (day.frozen() > 0) {
        grid.note(Formats.count(day.frozen()) + " did nothing: the view was frozen");
      }
    }
    output.print(grid);
  }

  /** The database's, which wrote the times on record; that of this machine may be another. */
  private static Instant clock(WipViews views) {
    return views
        .read(db -> db.select(DSL.currentOffsetDateTime()).fetchSingle().value1())
        .toInstant();
  }

  private static void table(Output output, List<Refresh> history, Instant now) {
    Grid grid =
        output
            .grid()
            .left("ASKED")
            .wrapping("VIEW")
            .left("OUTCOME")
            .left("MODE")
            .right("TOOK")
            .right("ROWS")
            .wrapping("BY");
    for (Refresh refresh : history) {
      grid.row(
          Formats.ago(Duration.between(refresh.requestedAt(), now)),
          refresh.view(),
          Attempts.outcome(output, refresh),
          Attempts.mode(refresh),
          Formats.duration(refresh.duration()),
          Formats.count(refresh.rows()),
          refresh.applicationName().isEmpty() ? refresh.role() : refresh.applicationName());
      Attempts.note(grid, refresh);
    }
    output.print(grid);
  }
}
