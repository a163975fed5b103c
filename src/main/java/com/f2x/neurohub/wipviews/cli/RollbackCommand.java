package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.internal.Changelog;
import com.f2x.neurohub.wipviews.internal.Changelog.Leaving;
import com.f2x.neurohub.wipviews.internal.DeployListener;
import com.f2x.neurohub.wipviews.internal.DeployedObjects.DeployedObject;
import com.f2x.neurohub.wipviews.internal.Refusal;
import com.f2x.neurohub.wipviews.internal.Target;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.sql.Connection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wip-views rollback}. */
@Command(
    name = "rollback",
    description = {
      "Remove every object: the views, the functions, the registry and its history. With"
          + " --changelog, the views of that one, and all the rest only if it includes that, and"
          + " no other changelog has views.",
      "The MES tables are not touched. Without --yes it only lists what would be removed."
    })
final class RollbackCommand implements Callable<Integer> {

  @Option(names = "--yes", description = "Do it.")
  private boolean yes;

  @Mixin private ConnectionOptions connection;
  @Mixin private ChangelogOption changelog;
  @Mixin private FormatOption format;

  @Override
  public Integer call() throws Exception {
    WipViewsMigration migration = changelog.on(connection.migration());
    Leaving leaving;
    try (Connection database = connection.dataSource().getConnection()) {
      leaving =
          new Changelog(
                  Target.of(database, connection.schema()),
                  changelog.sources(),
                  DeployListener.NONE)
              .leaving();
    }
    List<DeployedObject> objects = leaving.objects();
    Optional<Refusal> refusal = leaving.refusal();
    if (yes) {
      migration.rollback();
    }
    Output output = format.output();
    if (format.isJson()) {
      output.json(objects);
      return CommandLine.ExitCode.OK;
    }
    if (objects.isEmpty()) {
      output.paragraph("Nothing is deployed here: there is nothing to remove.");
      return CommandLine.ExitCode.OK;
    }
    output.paragraph(
        yes
            ? "Removed; the MES tables are untouched:"
            : "This would be removed; the MES tables would not be touched. To do it: wip-views"
                + " rollback --yes");
    Grid grid = output.grid().left("KIND").wrapping("NAME").right("SIZE");
    for (DeployedObject object : objects) {
      grid.row(
          object.kind(), object.name(), object.bytes() == null ? "" : Formats.size(object.bytes()));
    }
    output.print(grid);
    if (!yes && refusal.isPresent()) {
      output.paragraph(
          "But it would be refused: "
              + Formats.sentence(refusal.get().getMessage())
              + " "
              + Formats.sentence(refusal.get().hint()));
    }
    return CommandLine.ExitCode.OK;
  }
}
