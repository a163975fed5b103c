package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Parameters of the changelog. */
final class ParameterOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--param",
      paramLabel = "NAME=VALUE",
      description =
          "Set a changelog parameter: refresherRole, readerRole, stuckAfter, bottleneckAbove or"
              + " historyRetention. May be given several times.")
  private Map<String, String> parameters = new LinkedHashMap<>();

  /** Gives the parameters to a migration, unless one has a name that no changelog reads. */
  WipViewsMigration on(Supplier<WipViewsMigration> migration) {
    WipViewsMigration with = migration.get();
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      try {
        with = with.withParameter(parameter.getKey(), parameter.getValue());
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), e.getMessage(), e);
      }
    }
    return with;
  }
}
