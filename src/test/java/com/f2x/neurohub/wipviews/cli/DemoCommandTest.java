package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Help;

/** The demo as a process of its own. */
@Thorough
class DemoCommandTest {

  /** The child's own, so that whatever it leaves there is seen. */
  @TempDir Path temporary;

  private Process process;

  @AfterEach
  void end() throws InterruptedException {
    // by its shutdown hook, which stops the server too
    process.destroy();
    Await.exitCode(process);
  }

  @Test
  void it_shows_the_whole_job_and_leaves_nothing_behind() throws Exception {
    start("demo", "--lots", "20", "--production", "600ms");

    assertThat(Await.exitCode(process)).as(err()).isZero();
    assertThat(err()).isEmpty();
    assertThat(out().lines().filter(line -> !line.contains(temporary.toString())))
        .allMatch(line -> columns(line) <= Output.WIDTH, "fits 80 columns");
    assertThat(out())
        // 14.20.0 is the version of the binaries, 14.20 that of the server
        .contains(System.getProperty("postgres.binaries").replaceFirst("\\.0$", ""))
        .contains("8 stations", "loaded 20 of 20 lots")
        .containsPattern("[\\d,]+ items and [\\d,]+ history rows")
        .contains("펌웨어 업로드", "stuck")
        .containsPattern("An item is where its history says")
        .containsPattern("WIP-KR\\w+-\\d{3} +PASS at 5 +6 Performance Test")
        .containsPattern("mv_process_wip_queue +fresh")
        .containsPattern("Production goes on .* \\d+ moves of items")
        .containsPattern("[\\d,]+ reads?, 0 errors")
        .contains("The demo took");
    assertNothingIsLeft();
  }

  @Test
  void ctrl_c_in_the_middle_ends_it_quietly_and_its_server_too() throws Exception {
    start("demo");
    Await.until("it loads", this::out, out -> out.contains("Loading a factory"));

    // a terminal sends it to all that run in front: the server, too, which then ends every session
    String server = Files.readAllLines(directories().get(0).resolve("postmaster.pid")).get(0);
    new ProcessBuilder("kill", "-INT", server, Long.toString(process.pid())).start().waitFor();

    assertThat(Await.exitCode(process)).isEqualTo(130);
    assertThat(err()).isEqualTo("wip-views: stopped by a signal.\n");
    assertThat(out()).doesNotContain("The demo took");
    assertNothingIsLeft();
  }

  @Test
  void ended_while_the_server_starts_it_leaves_nothing_behind() throws Exception {
    start("demo");
    Await.until("it has made its directory", () -> !directories().isEmpty());

    interrupt();

    // the start may have failed of it before the process ended
    assertThat(err()).isIn("", "wip-views: stopped by a signal.\n");
    assertThat(out()).doesNotContain("The demo took");
    assertNothingIsLeft();
  }

  private void start(String... args) throws IOException {
    List<String> command =
        CommandLineProcess.java(
            List.of(
                "-Djava.io.tmpdir=" + temporary,
                // the unpacked binaries are shared with the other tests
                "-Dot.epg.working-dir="
                    + new File(System.getProperty("java.io.tmpdir"), "embedded-pg")));
    command.addAll(List.of(args));
    process =
        new ProcessBuilder(command)
            .redirectOutput(temporary.resolve("out").toFile())
            .redirectError(temporary.resolve("err").toFile())
            .start();
  }

  /** What Ctrl-C does to a JVM, SIGTERM does too. */
  private void interrupt() throws InterruptedException {
    process.destroy();
    Await.exitCode(process);
  }

  private void assertNothingIsLeft() throws IOException {
    assertThat(directories()).isEmpty();
    assertThat(
            ProcessHandle.allProcesses()
                .filter(other -> other.pid() != ProcessHandle.current().pid())
                .map(other -> other.info().commandLine().orElse(""))
                .filter(commandLine -> commandLine.contains(temporary.toString())))
        .isEmpty();
  }

  /** Columns that a line takes on a terminal. */
  private static int columns(String line) {
    return Help.defaultColorScheme(Help.Ansi.OFF).apply(line, List.of()).getCJKAdjustedLength();
  }

  private List<Path> directories() throws IOException {
    try (Stream<Path> files = Files.list(temporary)) {
      return files.filter(file -> file.getFileName().toString().startsWith("wip-views")).toList();
    }
  }

  private String out() throws IOException {
    return Files.readString(temporary.resolve("out"), StandardCharsets.UTF_8);
  }

  private String err() throws IOException {
    return Files.readString(temporary.resolve("err"), StandardCharsets.UTF_8);
  }
}
