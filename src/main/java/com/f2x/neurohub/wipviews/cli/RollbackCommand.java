package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.cli.output.Words;
import com.f2x.neurohub.wipviews.internal.DeployedObjects;
import com.f2x.neurohub.wipviews.internal.DeployedObjects.DeployedObject;
import com.f2x.neurohub.wipviews.internal.Refusal;
import com.f2x.neurohub.wipviews.internal.Target;
import java.sql.Connection;
import java.sql.SQLException;
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
      "Take every object away again: the views, the functions, the registry and its history.",
      "The MES tables are not touched. Without --yes it only says what would go."
    })
final class RollbackCommand implements Callable<Integer> {

  @Option(names = "--yes", description = "Do it.")
  private boolean yes;

  @Mixin private ConnectionOptions connection;
  @Mixin private FormatOption format;

  @Override
  public Integer call() throws SQLException {
    List<DeployedObject> objects;
    Optional<Refusal> refusal;
    try (Connection database = connection.dataSource().getConnection()) {
      Target target = Target.of(database, connection.schema());
      objects = DeployedObjects.read(target);
      refusal = DeployedObjects.whyNotRolledBack(target);
    }
    if (yes) {
      connection.migration().rollback();
    }
    Output output = format.output();
    if (format.isJson()) {
      output.json(objects);
      return CommandLine.ExitCode.OK;
    }
    if (objects.isEmpty()) {
      output.paragraph("Nothing is deployed here, so nothing to take away.");
      return CommandLine.ExitCode.OK;
    }
    output.paragraph(
        yes
            ? "Taken away, the MES tables untouched:"
            : "This would go, the MES tables untouched; do it with wip-views rollback --yes:");
    Grid grid = output.grid().left("KIND").wrapping("NAME").right("SIZE");
    for (DeployedObject object : objects) {
      grid.row(
          object.kind(), object.name(), object.bytes() == null ? "" : Words.size(object.bytes()));
    }
    output.print(grid);
    if (!yes && refusal.isPresent()) {
      output.paragraph(
          "But it would be refused: "
              + Words.sentence(refusal.get().getMessage())
              + " "
              + Words.sentence(refusal.get().hint()));
    }
    return CommandLine.ExitCode.OK;
  }
}
