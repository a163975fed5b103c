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

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--param",
      paramLabel = "NAME=VALUE",
      description =
          "Set a changelog parameter: refresherRole, readerRole, stuckAfter, bottleneckAbove or"
              + " historyRetention. May be given several times.")
  private Map<String, String> parameters = new LinkedHashMap<>();

  /**
   * Gives the parameters to a migration, which is made only once all of them have a known name.
   *
   * @param known the names that there are
   */
  WipViewsMigration on(List<String> known, Supplier<WipViewsMigration> migration) {
    for (String name : parameters.keySet()) {
      if (!known.contains(name)) {
        throw new ParameterException(
            spec.commandLine(),
            "unknown parameter " + name + "; there are " + String.join(", ", known));
      }
    }
    WipViewsMigration with = migration.get();
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      with = with.withParameter(parameter.getKey(), parameter.getValue());
    }
    return with;
  }
}
