package com.f2x.neurohub.wipviews.testing;

import com.f2x.neurohub.wipviews.cli.WipViewsCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The command line in a JVM of its own, whose two streams go to files. */
public record CommandLineProcess(Process process, Path out, Path err) implements AutoCloseable {

  /** Starts a command on a database, with these options of the JVM. */
  public static CommandLineProcess start(
      TestDatabase database, Path folder, List<String> options, String... arguments)
      throws IOException {
    Path out = Files.createTempFile(folder, "out", "");
    return start(database, folder, options, out, arguments);
  }

  /** Starts a command on a database. */
  public static CommandLineProcess start(TestDatabase database, Path folder, String... arguments)
      throws IOException {
    return start(database, folder, List.of(), arguments);
  }

  /** Starts a command on a database, whose standard output goes where it is told to. */
  public static CommandLineProcess start(
      TestDatabase database, Path folder, List<String> options, Path out, String... arguments)
      throws IOException {
    Path err = Files.createTempFile(folder, "err", "");
    List<String> command = java(options);
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().putAll(environment(database));
    return new CommandLineProcess(builder.start(), out, err);
  }

  /** What starts the command line, up to its first argument. */
  public static List<String> java(List<String> options) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // lives so shortly that the second compiler would cost more than it gives
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(options);
    command.addAll(
        List.of(
            "-classpath", System.getProperty("java.class.path"), WipViewsCommand.class.getName()));
    return command;
  }

  /** The variables that name a database and its superuser. */
  public static Map<String, String> environment(TestDatabase database) {
    return Map.of(
        "WIP_VIEWS_URL", database.url(),
        "WIP_VIEWS_USERNAME", database.user(),
        "WIP_VIEWS_PASSWORD", database.password());
  }

  /** Waits for its end. */
  public int exitCode() throws InterruptedException {
    return Await.exitCode(process);
  }

  /** What a JVM takes as it takes Ctrl-C. */
  public void terminate() {
    // not destroy(), which closes what it writes to as well
    process.toHandle().destroy();
  }

  /** What it has printed so far. */
  public List<String> outLines() throws IOException {
    return lines(out);
  }

  /** What it has printed to standard error so far. */
  public List<String> errLines() throws IOException {
    return lines(err);
  }

  private static List<String> lines(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8).lines().toList();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
