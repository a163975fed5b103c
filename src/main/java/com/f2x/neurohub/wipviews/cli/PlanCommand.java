package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Json.Planned;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.cli.output.PlanText;
import com.f2x.neurohub.wipviews.migration.Plan;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code wip-views plan}. */
@Command(
    name = "plan",
    description = {
      "Say what update would do, view by view, from a real build that is rolled back: columns,"
          + " rows that would differ, what becomes of each dependant, what would be lost, and who"
          + " holds the view now.",
      "Nothing is changed; readers and refreshes go on. Exits 0 if update would succeed or has"
          + " nothing to do, 1 if it would be refused."
    })
final class PlanCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @ArgGroup private UpdateCommand.OptIns optIns = new UpdateCommand.OptIns();

  @Mixin private ConnectionOptions connection;
  @Mixin private ChangelogOption changelog;
  @Mixin private ParameterOptions parameters;
  @Mixin private FormatOption format;

  @Override
  public Integer call() {
    Output output = format.output();
    WipViewsMigration migration =
        parameters.on(
            optIns.parameterNames(spec),
            connection,
            changelog,
            () -> changelog.on(optIns.on(connection.migration())));
    if (!format.isJson()) {
      migration = migration.withProgress(output::paragraph);
    }
    Plan plan = migration.plan();
    if (format.isJson()) {
      output.json(Planned.of(plan));
    } else {
      new PlanText(output).print(plan);
    }
    if (!plan.succeeds()) {
      output.printError(
          "update would be refused: " + Formats.count(plan.refusals().size(), "reason") + ".");
      return CommandLine.ExitCode.SOFTWARE;
    }
    return CommandLine.ExitCode.OK;
  }
}
