package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code wip-views update}. */
@Command(name = "update", description = "Deploy what is not deployed yet.")
final class UpdateCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Option(
      names = "--sql",
      description = "Only print the SQL that would run, for psql; change nothing.")
  private boolean sql;

  @Mixin private ConnectionOptions connection;
  @Mixin private ParameterOptions parameters;

  @Override
  public Integer call() throws SQLException {
    Output output = new Output(spec.commandLine());
    WipViewsMigration migration = parameters.on(connection::migration);
    if (sql) {
      migration.updateSql(output.writer());
      return CommandLine.ExitCode.OK;
    }
    DeployedChanges before = DeployedChanges.read(connection);
    migration.withProgress(new Progress(output)).update();
    DeployedChanges after = DeployedChanges.read(connection);
    List<String> changed = after.since(before);
    output.paragraph(
        changed.isEmpty()
            ? "Nothing to do: " + after.place() + " is up to date."
            : "Deployed to " + after.place() + ": " + String.join(", ", changed) + ".");
    return CommandLine.ExitCode.OK;
  }
}
