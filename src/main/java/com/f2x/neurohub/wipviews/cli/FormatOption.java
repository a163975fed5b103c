package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.internal.Spelling;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Tables for people, or JSON for scripts. */
final class FormatOption {

  enum Format {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return Spelling.of(this);
    }
  }

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "One of ${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private Format format;

  boolean isJson() {
    return format == Format.JSON;
  }

  Output output() {
    return new Output(spec.commandLine());
  }
}
