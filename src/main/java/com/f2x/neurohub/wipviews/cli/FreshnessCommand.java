package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.cli.Json.ViewFreshness;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi.Text;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wip-views freshness}. */
@Command(name = "freshness", description = "Show how fresh each view is.")
final class FreshnessCommand implements Callable<Integer> {

  @Option(
      names = "--fail-if-stale",
      description = "Exit 3 if a view is stale, unpopulated or missing.")
  private boolean failIfStale;

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    List<Freshness> views = connection.views().freshness();
    Output output = format.output();
    if (format.isJson()) {
      output.json(views.stream().map(ViewFreshness::of).toList());
    } else {
      table(output, views);
    }
    List<Freshness> unhealthy =
        views.stream().filter(view -> view.state() != Freshness.State.FRESH).toList();
    if (!failIfStale || unhealthy.isEmpty()) {
      return CommandLine.ExitCode.OK;
    }
    output.complain(
        unhealthy.stream()
                .map(view -> view.view() + " is " + Json.lowerCase(view.state()))
                .collect(Collectors.joining(", "))
            + ". "
            + (unhealthy.stream().anyMatch(view -> view.state() == Freshness.State.MISSING)
                ? "Bring it back: wip-views recreate."
                : "Refresh it: wip-views refresh."));
    return WipViewsCommand.UNHEALTHY;
  }

  static void table(Output output, List<Freshness> views) {
    Grid grid =
        output
            .grid()
            .wrapping("VIEW")
            .left("STATE")
            .left("REFRESHED")
            .right("TARGET")
            .right("TOOK")
            .right("ROWS")
            .right("SIZE");
    for (Freshness view : views) {
      grid.row(
          view.view(),
          state(output, view.state()),
          Words.ago(view.age()),
          Words.duration(view.target()),
          Words.duration(view.lastDuration()),
          Words.count(view.rows()),
          Words.size(view.bytes()));
      if (view.lastError() != null) {
        grid.note("last attempt failed: " + view.lastError());
      }
    }
    output.print(grid);
  }

  private static Text state(Output output, Freshness.State state) {
    String name = Json.lowerCase(state);
    return switch (state) {
      case FRESH -> output.good(name);
      case STALE -> output.warning(name);
      case UNPOPULATED, MISSING -> output.bad(name);
    };
  }
}
