package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Json.Freezing;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.cli.output.Progress;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.migration.ColumnUser;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code wip-views freeze}. */
@Command(
    name = "freeze",
    description = {
      "Set all views, or the named ones, free of the tables that they read, so that these can be"
          + " migrated. Each keeps its rows, indexes, grants and dependants; a refresh does nothing"
          + " until wip-views thaw.",
      "First it names what else uses columns of these tables, for which PostgreSQL will refuse to"
          + " retype or drop them."
    })
final class FreezeCommand implements Callable<Integer> {

  @Mixin private NamedViews views;
  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    Output output = format.output();
    WipViewsMigration migration = connection.migration();
    List<ColumnUser> users = migration.columnUsers(views.names());
    if (format.isJson()) {
      output.json(new Freezing(migration.freeze(views.names()), users));
      return CommandLine.ExitCode.OK;
    }
    name(output, users);
    List<String> frozen = migration.withProgress(new Progress(output)).freeze(views.names());
    output.paragraph(
        (frozen.isEmpty()
                ? "Nothing was frozen that was not before."
                : "Frozen: " + String.join(", ", frozen) + ".")
            + " When the tables are migrated: "
            + CommandLines.of(connection.schema(), "thaw"));
    return CommandLine.ExitCode.OK;
  }

  private static void name(Output output, List<ColumnUser> users) {
    if (users.isEmpty()) {
      output.paragraph("Nothing else uses columns of the tables that they read.");
      return;
    }
    Grid grid = output.grid().wrapping("USED BY").wrapping("TABLE").wrapping("COLUMNS");
    users.forEach(user -> grid.row(user.object(), user.table(), String.join(", ", user.columns())));
    output.print(grid);
    output.paragraph(
        "PostgreSQL will refuse to retype or drop one of these columns on account of what uses it:"
            + " drop that first, and create it again afterwards. Any other migration can go on.");
  }
}
