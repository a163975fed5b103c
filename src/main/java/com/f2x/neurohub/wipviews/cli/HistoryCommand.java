package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.cli.Json.Attempt;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code wip-views history}. */
@Command(name = "history", description = "Show the last attempts to refresh, latest first.")
final class HistoryCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Parameters(arity = "0..1", paramLabel = "VIEW", description = "Name of a view; none for all.")
  private String name;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "20",
      description = "Attempts at most; default ${DEFAULT-VALUE}.")
  private int limit;

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    if (limit < 1) {
      throw new ParameterException(spec.commandLine(), "--limit must be at least 1");
    }
    List<Refresh> history =
        connection.views().history(name == null ? null : ViewNames.table(name), limit);
    Output output = format.output();
    if (format.isJson()) {
      output.json(history.stream().map(Attempt::of).toList());
    } else if (history.isEmpty()) {
      output.paragraph("No attempt is on record yet.");
    } else {
      table(output, history);
    }
    return CommandLine.ExitCode.OK;
  }

  private static void table(Output output, List<Refresh> history) {
    Instant now = Instant.now();
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
      Attempt attempt = Attempt.of(refresh);
      grid.row(
          Words.ago(Duration.between(refresh.requestedAt(), now)),
          attempt.viewName(),
          Attempts.outcome(output, attempt),
          attempt.mode() == null ? Words.NONE : attempt.mode(),
          Words.duration(attempt.duration()),
          Words.count(attempt.rows()),
          attempt.applicationName().isEmpty() ? attempt.role() : attempt.applicationName());
      Attempts.note(grid, attempt);
    }
    output.print(grid);
  }
}
