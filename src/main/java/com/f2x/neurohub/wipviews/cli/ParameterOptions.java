package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.util.ArrayList;
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

  /** A parameter of Liquibase's changelog, and an option here. */
  private static final String SCHEMA = "schema";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--param",
      paramLabel = "NAME=VALUE",
      description =
          "Set a changelog parameter: refresherRole, readerRole, stuckAfter, bottleneckAbove,"
              + " historyRetention, or schema, which is --schema. May be given several times.")
  private List<String> parameters = new ArrayList<>();

  /**
   * Gives the parameters to a migration, which is made only once all of them have a known name.
   *
   * @param names the names that there are, besides schema
   * @param connection is told the schema
   * @param changelog that of a service may have parameters of its own
   */
  WipViewsMigration on(
      List<String> names,
      ConnectionOptions connection,
      ChangelogOption changelog,
      Supplier<WipViewsMigration> migration) {
    List<String> known = new ArrayList<>(List.of(SCHEMA));
    known.addAll(names);
    Map<String, String> values = new LinkedHashMap<>();
    for (String parameter : parameters) {
      String[] parts = parameter.split("=", 2);
      if (parts.length < 2) {
        throw wrong("--param must be NAME=VALUE, not " + parameter);
      }
      if (!known.contains(parts[0]) && !changelog.isGiven()) {
        throw wrong("unknown parameter " + parts[0] + "; there are " + String.join(", ", known));
      }
      values.put(parts[0], parts[1]);
    }
    connection.schemaParameter(values.remove(SCHEMA));
    WipViewsMigration with = migration.get();
    for (Map.Entry<String, String> parameter : values.entrySet()) {
      with = with.withParameter(parameter.getKey(), parameter.getValue());
    }
    return with;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
