package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Tables for people, or JSON for scripts. */
final class FormatOption {

  enum Format {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return ConstantNames.of(this);
    }
  }

  /** Says what there is as the help does. */
  static final class Converter implements ITypeConverter<Format> {
    @Override
    public Format convert(String value) {
      return Stream.of(Format.values())
          .filter(format -> format.name().equalsIgnoreCase(value))
          .findFirst()
          .orElseThrow(
              () -> new TypeConversionException("'" + value + "' is neither text nor json"));
    }
  }

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = "text",
      converter = Converter.class,
      description = "One of ${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private Format format;

  boolean isJson() {
    return format == Format.JSON;
  }

  Output output() {
    return new Output(spec.commandLine());
  }
}
