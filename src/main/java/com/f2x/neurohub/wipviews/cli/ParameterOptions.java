package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Parameters of the changelog. */
final class ParameterOptions {

  /** Liquibase would ignore a misspelt one without a word. */
  private static final List<String> NAMES =
      List.of("refresherRole", "readerRole", "stuckAfter", "bottleneckAbove", "historyRetention");

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
    for (String name : parameters.keySet()) {
      if (!NAMES.contains(name)) {
        throw new ParameterException(
            spec.commandLine(),
            "unknown parameter " + name + "; there are " + String.join(", ", NAMES));
      }
    }
    WipViewsMigration with = migration.get();
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      with = with.withParameter(parameter.getKey(), parameter.getValue());
    }
    return with;
  }
}
