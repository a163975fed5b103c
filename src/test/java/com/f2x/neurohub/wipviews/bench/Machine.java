package com.f2x.neurohub.wipviews.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The machine on which the benchmarks run, and what else it did meanwhile. */
final class Machine {

  private static final String NOT_KNOWN = "not known";

  private final Instant begin = Instant.now();
  private final String loadAtBegin = load();
  private final long[] ticksAtBegin = ticks();

  /** As it is now: the end of a run is when its last row is there. */
  String card() {
    return """
    | machine | |
    | --- | --- |
    | cores | %d, %s |
    | memory | %s |
    | server | %s |
    | Java | %s |
    | commit | %s |
    | when | %s to %s |
    | load average (1, 5, 15 minutes) | %s at the beginning, %s at the end |
    | taken by other virtual machines | %s |
    """
        .formatted(
            Runtime.getRuntime().availableProcessors(),
            fact("/proc/cpuinfo", "model name"),
            fact("/proc/meminfo", "MemTotal"),
            BenchServer.get().description(),
            Runtime.version(),
            commit(),
            begin.truncatedTo(ChronoUnit.SECONDS),
            Instant.now().truncatedTo(ChronoUnit.SECONDS),
            loadAtBegin,
            load(),
            stolen());
  }

  private static String fact(String file, String name) {
    return read(file)
        .lines()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse(NOT_KNOWN);
  }

  private static String load() {
    String[] load = read("/proc/loadavg").split(" ");
    return load.length < 3 ? NOT_KNOWN : String.join(" ", Arrays.copyOf(load, 3));
  }

  /** What all cores spent since the machine started, by kind. */
  private static long[] ticks() {
    String[] kinds = read("/proc/stat").lines().findFirst().orElse("").split(" +");
    // what guests get is in the first two already
    return Arrays.stream(kinds).skip(1).limit(8).mapToLong(Long::parseLong).toArray();
  }

  private String stolen() {
    long[] now = ticks();
    if (now.length < 8) {
      return NOT_KNOWN;
    }
    long all = 0;
    for (int kind = 0; kind < now.length; kind++) {
      all += now[kind] - ticksAtBegin[kind];
    }
    return String.format(
        Locale.ROOT, "%.1f %% of the time", 100.0 * (now[7] - ticksAtBegin[7]) / Math.max(1, all));
  }

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) {
      // not Linux
      return "";
    }
  }

  private static String commit() {
    String commit = git("rev-parse", "--short", "HEAD");
    return git("status", "--porcelain").isEmpty() ? commit : commit + ", with changes";
  }

  private static String git(String... arguments) {
    List<String> command = new ArrayList<>(List.of("git"));
    command.addAll(List.of(arguments));
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      return NOT_KNOWN;
    }
  }
}
