package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.cli.output.Progress;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wip-views recreate}. */
@Command(
    name = "recreate",
    description = {
      "The recovery: recreate all views, or the named ones, whatever state they are in, and the"
          + " functions too. A view of another changelog than those at hand is recreated from the"
          + " registry.",
      "Each is built beside the live one, which serves its readers until the new one takes its"
          + " place.",
      "With --previous it undoes a promotion: it brings back what the last one replaced. update"
          + " leaves that so until the view's file changes; recreate without it brings back what"
          + " was deployed."
    })
final class RecreateCommand implements Callable<Integer> {

  /** A refresh by somebody else may be on record after the rebuild already. */
  private static final int RECENT = 20;

  @Option(
      names = "--previous",
      description = "Bring back the definition before; again, and it goes one further back.")
  private boolean previous;

  @Spec private CommandSpec spec;

  @Mixin private NamedViews named;
  @Mixin private ConnectionOptions connection;
  @Mixin private ChangelogOption changelog;
  @Mixin private ParameterOptions parameters;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    if (previous && named.names().isEmpty()) {
      throw new ParameterException(spec.commandLine(), "--previous needs the names of views");
    }
    WipViewsMigration migration =
        parameters.on(
            WipViewsMigration.parameterNames(),
            connection,
            changelog,
            () -> changelog.on(connection.migration()));
    WipViews views = connection.views();
    if (!format.isJson()) {
      migration = migration.withProgress(new Progress(format.output()));
    }
    Attempts made = new Attempts(format.output());
    for (String view : recreate(migration)) {
      views.history(WipViews.view(view), RECENT).stream()
          .filter(attempt -> attempt.mode() == Refresh.Mode.REBUILD)
          .findFirst()
          .ifPresent(rebuild -> made.add(List.of(rebuild)));
    }
    made.print(format);
    return CommandLine.ExitCode.OK;
  }

  private List<String> recreate(WipViewsMigration migration) {
    if (previous) {
      migration.recreatePrevious(named.names());
      return named.names();
    }
    return migration.recreate(named.names());
  }
}
