package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.cli.report.Report;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wip-views report}. */
@Command(
    name = "report",
    description = {
      "Write a page to look at: the queue at each station, the open lots, how fresh the views are,"
          + " how long their refreshes take, and what doctor finds. It needs nothing else: no"
          + " script, no network."
    })
final class ReportCommand implements Callable<Integer> {

  private static final String STANDARD_OUTPUT = "-";

  @Spec private CommandSpec spec;

  @Option(
      names = "--html",
      required = true,
      paramLabel = "FILE",
      description = "Where to; - is standard output. A file is replaced in one step.")
  private String file;

  @Mixin private ConnectionOptions connection;

  @Override
  public Integer call() throws IOException {
    Output output = new Output(spec.commandLine());
    if (file.equals(STANDARD_OUTPUT)) {
      output.begin(Report.html(connection.views()));
      return CommandLine.ExitCode.OK;
    }
    Path target = target();
    String html = Report.html(connection.views());
    // beside it, so that a web server never sees half of it
    Path beside =
        target.resolveSibling("." + target.getFileName() + "." + ProcessHandle.current().pid());
    try {
      Files.writeString(beside, html, StandardCharsets.UTF_8);
      Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(beside);
    }
    output.line(
        "Wrote "
            + file
            + ", "
            + Formats.size((long) html.getBytes(StandardCharsets.UTF_8).length)
            + ".");
    return CommandLine.ExitCode.OK;
  }

  /** Finds what is wrong with the file before the database is asked. */
  private Path target() throws IOException {
    Path path = Path.of(file).toAbsolutePath();
    // a link stays one
    Path target = Files.exists(path) ? path.toRealPath() : path;
    if (Files.isDirectory(target)) {
      throw new ParameterException(
          spec.commandLine(), "--html " + file + " is a folder: name a file");
    }
    if (!Files.isWritable(target.getParent())) {
      throw new ParameterException(
          spec.commandLine(),
          Files.isDirectory(target.getParent())
              ? "cannot write into the folder of --html " + file
              : "the folder of --html " + file + " does not exist");
    }
    return target;
  }
}
