package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Json.Attempt;
import com.f2x.neurohub.wipviews.cli.output.Output;
import java.util.List;
import picocli.CommandLine.Help.Ansi.Text;

/** What happened to views, one row each. */
final class Attempts {

  private Attempts() {}

  static void print(FormatOption format, List<Attempt> attempts) {
    if (format.isJson()) {
      format.output().json(attempts);
    } else if (!attempts.isEmpty()) {
      table(format.output(), attempts);
    }
  }

  static void table(Output output, List<Attempt> attempts) {
    Grid grid =
        output.grid().wrapping("VIEW").left("OUTCOME").left("MODE").right("TOOK").right("ROWS");
    for (Attempt attempt : attempts) {
      grid.row(
          attempt.viewName(),
          outcome(output, attempt),
          attempt.mode() == null ? Formats.NONE : attempt.mode(),
          Formats.duration(attempt.duration()),
          Formats.count(attempt.rows()));
      note(grid, attempt);
    }
    output.print(grid);
  }

  static Text outcome(Output output, Attempt attempt) {
    return switch (attempt.outcome()) {
      case "refreshed" -> output.good(attempt.outcome());
      case "failed" -> output.bad(attempt.outcome());
      default -> output.plain(attempt.outcome());
    };
  }

  /** Why it is not as one would expect. */
  static void note(Grid grid, Attempt attempt) {
    if (attempt.error() != null) {
      grid.note(
          attempt.error() + (attempt.sqlstate() == null ? "" : " (" + attempt.sqlstate() + ")"));
    } else if (attempt.modeReason() != null) {
      grid.note("plain: " + attempt.modeReason());
    } else if (attempt.servedBy() != null) {
      grid.note("served by the refresh " + attempt.servedBy());
    }
  }
}
