package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Json.Freezing;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.cli.output.Progress;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code wip-views thaw}. */
@Command(
    name = "thaw",
    description = {
      "End wip-views freeze for all views, or the named ones: put the definition that was deployed"
          + " last in the place of the frozen one, with new rows.",
      "Where the tables no longer suit a view, it names the columns, and the frozen view still"
          + " serves its readers."
    })
final class ThawCommand implements Callable<Integer> {

  @Mixin private NamedViews views;
  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    Output output = format.output();
    WipViewsMigration migration = connection.migration();
    if (format.isJson()) {
      output.json(new Freezing(migration.thaw(views.names()), List.of()));
      return CommandLine.ExitCode.OK;
    }
    List<String> thawed = migration.withProgress(new Progress(output)).thaw(views.names());
    output.paragraph(
        thawed.isEmpty()
            ? "Nothing to thaw: no view is frozen."
            : "Thawed: " + String.join(", ", thawed) + ".");
    return CommandLine.ExitCode.OK;
  }
}
