package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** Parameters of the changelog. */
final class ParameterOptions {

  @Option(
      names = "--param",
      paramLabel = "NAME=VALUE",
      description =
          "Set a changelog parameter: refresherRole, readerRole, stuckAfter, bottleneckAbove or"
              + " historyRetention. May be given several times.")
  private Map<String, String> parameters = new LinkedHashMap<>();

  WipViewsMigration on(WipViewsMigration migration) {
    WipViewsMigration with = migration;
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      with = with.withParameter(parameter.getKey(), parameter.getValue());
    }
    return with;
  }
}
