package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.cli.output.RecentRefreshes;
import com.f2x.neurohub.wipviews.cli.output.Watch;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi.Text;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wip-views freshness}. */
@Command(
    name = "freshness",
    description = {
      "Show how fresh each view is: its age as part of its target, and how long the last refreshes"
          + " took, a cross for each that failed."
    })
final class FreshnessCommand implements Callable<Integer> {

  private static final int LONGEST_BAR = 20;
  private static final int RECENT = 20;

  @Spec private CommandSpec spec;

  @Option(
      names = "--fail-if-stale",
      description = "Exit 3 if a view is stale, frozen, unpopulated or missing.")
  private boolean failIfStale;

  @Option(
      names = "--watch",
      arity = "0..1",
      paramLabel = "TIME",
      fallbackValue = "2s",
      converter = DurationConverter.class,
      description =
          "Redraw it every 2s, or every TIME, until Ctrl-C; also while the database is"
              + " unreachable.")
  private @Nullable Duration watch;

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    Output output = format.output();
    WipViews views = connection.views();
    if (watch != null) {
      return watch(output, views);
    }
    List<Freshness> freshness = views.freshness();
    if (freshness.isEmpty()) {
      throw new NotDeployedException(
          "no view is registered in this schema",
          null,
          "Register one by its changelog, or deploy those of wip-views: "
              + CommandLines.of(connection.schema(), "update"),
          null);
    }
    if (format.isJson()) {
      output.json(freshness);
    } else {
      output.print(table(output, freshness, recent(views)));
    }
    List<Freshness> unhealthy =
        freshness.stream().filter(view -> view.state() != Freshness.State.FRESH).toList();
    if (!failIfStale || unhealthy.isEmpty()) {
      return CommandLine.ExitCode.OK;
    }
    output.printError(
        unhealthy.stream()
                .map(view -> view.view() + " is " + ConstantNames.of(view.state()))
                .collect(Collectors.joining(", "))
            + ". "
            + remedy(unhealthy.stream().map(Freshness::state).collect(Collectors.toSet())));
    return WipViewsCommand.UNHEALTHY;
  }

  private String remedy(Set<Freshness.State> states) {
    if (states.contains(Freshness.State.MISSING)) {
      return "Bring it back: " + CommandLines.of(connection.schema(), "recreate");
    }
    return states.contains(Freshness.State.FROZEN)
        ? "When the tables are migrated: " + CommandLines.of(connection.schema(), "thaw")
        : "Refresh it: " + CommandLines.of(connection.schema(), "refresh");
  }

  private int watch(Output output, WipViews views) {
    if (format.isJson() || failIfStale) {
      throw new ParameterException(
          spec.commandLine(),
          "--watch is for people: leave out "
              + (format.isJson() ? "--format json" : "--fail-if-stale")
              + ", or call freshness without --watch as often as you like");
    }
    if (watch.compareTo(Watch.SHORTEST) < 0) {
      throw new ParameterException(
          spec.commandLine(), "--watch must be at least " + Formats.duration(Watch.SHORTEST));
    }
    new Watch(output, "wip-views freshness", watch)
        .run(() -> table(output, views.freshness(), recent(views)).lines());
    return CommandLine.ExitCode.OK;
  }

  static Map<String, RecentRefreshes> recent(WipViews views) {
    return RecentRefreshes.byView(views, RECENT);
  }

  static Grid table(Output output, List<Freshness> views, Map<String, RecentRefreshes> recent) {
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
          styled(output, view.state(), ConstantNames.of(view.state())),
          Formats.ago(view.age()),
          Formats.duration(view.target()),
          Formats.duration(view.lastDuration()),
          Formats.count(view.rows()),
          Formats.size(view.bytes()));
      grid.note(bars(output, view, recent.getOrDefault(view.view(), new RecentRefreshes())));
      if (view.state() == Freshness.State.FROZEN) {
        grid.note("frozen since " + view.frozenSince());
      }
      if (view.runningPid() != null) {
        grid.note(running(view));
      }
      if (view.lastError() != null) {
        grid.note("last attempt failed: " + view.lastError());
      }
    }
    return grid;
  }

  /** What runs now: a refresh, or a promotion, of which nobody knows when it began. */
  private static String running(Freshness view) {
    StringBuilder running = new StringBuilder("pid ").append(view.runningPid());
    if (view.runningFor() == null) {
      running.append(" puts a new definition in its place");
    } else {
      running.append(" has been refreshing it for ").append(Formats.duration(view.runningFor()));
    }
    if (view.waitingCallers() > 0) {
      running.append(", ").append(Formats.count(view.waitingCallers())).append(" waiting");
    }
    if (isLong(view)) {
      running
          .append("; to end it: SELECT pg_cancel_backend(")
          .append(view.runningPid())
          .append(")");
    }
    return running.toString();
  }

  /** Whatever it takes, it makes rows that are stale already. */
  private static boolean isLong(Freshness view) {
    return view.runningFor() != null && view.runningFor().compareTo(view.target()) > 0;
  }

  /**
   * The age as part of the target, how long the last refreshes took, and how the last one ended.
   */
  private static Text bars(Output output, Freshness view, RecentRefreshes recent) {
    double part =
        view.age() == null ? 0 : (double) view.age().toMillis() / view.target().toMillis();
    int length = (int) Math.min(LONGEST_BAR, Math.ceil(part * LONGEST_BAR));
    String percent =
        view.age() == null ? Formats.NONE : part >= 9.995 ? ">999%" : Math.round(part * 100) + "%";
    String outcome =
        view.failuresInARow() > 1
            ? Formats.count(view.failuresInARow()) + " failed"
            : view.lastOutcome() == null ? "none yet" : ConstantNames.of(view.lastOutcome());
    return output
        .plain("  age ")
        .concat(styled(output, view.state(), "█".repeat(length)))
        .concat(output.plain("░".repeat(LONGEST_BAR - length)))
        .concat(output.plain(String.format(Locale.ROOT, " %5s  took ", percent)))
        .concat(output.plain(String.format(Locale.ROOT, "%-" + RECENT + "s", recent.sparkline())))
        .concat(output.plain("  last: "))
        .concat(view.failuresInARow() > 0 ? output.bad(outcome) : output.plain(outcome));
  }

  private static Text styled(Output output, Freshness.State state, String text) {
    return switch (state) {
      case FRESH -> output.good(text);
      case STALE, FROZEN -> output.warning(text);
      case UNPOPULATED, MISSING -> output.bad(text);
    };
  }
}
