package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.ServiceChangelog;
import com.f2x.neurohub.wipviews.internal.Sources;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The changelog of a service. */
final class ChangelogOption {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--changelog",
      paramLabel = "FILE",
      description = "Also the changelog of a service, with entries of views of its own.")
  private @Nullable String changelog;

  boolean isGiven() {
    return changelog != null;
  }

  WipViewsMigration on(WipViewsMigration migration) {
    try {
      return changelog == null ? migration : migration.withChangelog(changelog);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
  }

  /** What the command reads, where it is not a migration that reads it. */
  Sources sources() {
    Sources sources = Sources.of(ChangelogFiles.ROOT);
    return changelog == null ? sources : sources.withService(ServiceChangelog.of(changelog));
  }
}
