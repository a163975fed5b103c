package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Json;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Help.Ansi.Text;

/** What happened to views, one row each. */
final class Attempts {

  private final Output output;
  private final Grid grid;
  private final List<Object> json = new ArrayList<>();

  Attempts(Output output) {
    this.output = output;
    this.grid =
        output.grid().wrapping("VIEW").left("OUTCOME").left("MODE").right("TOOK").right("ROWS");
  }

  boolean isEmpty() {
    return json.isEmpty();
  }

  Attempts add(List<Refresh> refreshes) {
    for (Refresh refresh : refreshes) {
      json.add(refresh);
      grid.row(
          refresh.view(),
          outcome(output, refresh),
          mode(refresh),
          Formats.duration(refresh.duration()),
          Formats.count(refresh.rows()));
      note(grid, refresh);
    }
    return this;
  }

  /** No attempt was made: the view was fresh enough. */
  void addSkipped(String view) {
    json.add(Json.skipped(view));
    grid.row(view, output.plain("skipped"), Formats.NONE, Formats.NONE, Formats.NONE);
  }

  void print(FormatOption format) {
    if (format.isJson()) {
      output.json(json);
    } else if (!isEmpty()) {
      output.print(grid);
    }
  }

  void printTable() {
    output.print(grid);
  }

  static Text outcome(Output output, Refresh refresh) {
    String outcome = ConstantNames.of(refresh.outcome());
    return switch (refresh.outcome()) {
      case REFRESHED -> output.good(outcome);
      case FAILED -> output.bad(outcome);
      default -> output.plain(outcome);
    };
  }

  static String mode(Refresh refresh) {
    return refresh.mode() == null ? Formats.NONE : ConstantNames.of(refresh.mode());
  }

  /** Why it is not as one would expect. */
  static void note(Grid grid, Refresh refresh) {
    if (refresh.error() != null) {
      grid.note(
          refresh.error() + (refresh.sqlState() == null ? "" : " (" + refresh.sqlState() + ")"));
    } else if (refresh.modeReason() != null) {
      grid.note("plain: " + refresh.modeReason());
    } else if (refresh.servedBy() != null) {
      grid.note("served by the refresh " + refresh.servedBy());
    }
  }
}
