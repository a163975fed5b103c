package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code freshness --watch}. */
class WatchTest {

  private static final String HOME = "\u001b[H";

  private final TestDatabase database = TestDatabase.deployed();

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void a_terminal_is_redrawn_also_while_the_database_is_away() throws Exception {
    Cli.Running watching = Cli.on(database).onTerminal().start("freshness", "--watch=100ms");
    Await.until("it is redrawn", () -> screens(watching), screens -> screens >= 3);
    assertThat(screen(watching))
        .contains("wip-views freshness, ", "every 100 ms; Ctrl-C ends", "mv_process_wip_queue")
        .doesNotContain("unreachable");

    database.drop();
    Await.until(
        "it says that the database is unreachable",
        () -> screen(watching),
        // the first word of it is that the session was ended
        screen ->
            words(screen).contains("The database is unreachable since ")
                && words(screen).contains("does not exist")
                && screen.contains("mv_process_wip_queue"));

    database.create();
    Await.until("it goes on", () -> screen(watching), screen -> !screen.contains("unreachable"));

    assertThat(watching.stop()).isZero();
    assertThat(watching.out()).startsWith("\u001b[?25l\u001b[2J").endsWith("\u001b[?25h");
  }

  @Thorough
  @Test
  void elsewhere_one_print_follows_the_other() throws Exception {
    Cli.Running watching = Cli.on(database).start("freshness", "--watch=100ms");
    Await.until("there are two prints", watching::out, out -> out.split("VIEW ").length >= 3);

    assertThat(watching.stop()).isZero();
    assertThat(watching.out())
        .doesNotContain("\u001b")
        .containsPattern("^\\d\\d:\\d\\d:\\d\\d\\RVIEW ")
        .containsPattern("\\R\\R\\d\\d:\\d\\d:\\d\\d\\RVIEW ");
  }

  @Test
  void what_is_wrong_from_the_start_is_not_waited_for() throws Exception {
    database.drop();

    Cli.Result result = Cli.on(database).run("freshness", "--watch");

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("does not exist");
  }

  @Test
  void watching_is_not_for_scripts() {
    Cli cli = Cli.on(database);

    assertThat(cli.run("freshness", "--watch", "--format", "json").exitCode()).isEqualTo(2);
    assertThat(cli.run("freshness", "--watch=5s", "--fail-if-stale").err())
        .contains("--watch is for people: leave out --fail-if-stale");
    assertThat(cli.run("freshness", "--watch=0s").err())
        .contains("--watch must be at least 100 ms");
  }

  @Thorough
  @Test
  void ctrl_c_on_a_terminal_ends_it_and_gives_the_cursor_back() throws Exception {
    boolean installed = Files.isExecutable(Path.of("/usr/bin/script"));
    if (!installed) {
      System.out.println("SKIPPED: there is no /usr/bin/script, which makes a terminal");
    }
    assumeTrue(installed, "there is no /usr/bin/script");
    List<String> command = CommandLineProcess.java(List.of());
    command.addAll(List.of("freshness", "--watch=100ms"));
    ProcessBuilder builder =
        new ProcessBuilder(
            "/usr/bin/script",
            "-qec",
            // a build in the background ignores SIGINT, and a JVM started so does too
            "env --default-signal=INT '" + String.join("' '", command) + "'",
            "/dev/null");
    builder.environment().putAll(CommandLineProcess.environment(database));
    builder.environment().put("TERM", "xterm");
    builder.environment().remove("NO_COLOR");
    Process process = builder.redirectErrorStream(true).start();
    try {
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      Future<Long> reading = Background.call(() -> process.getInputStream().transferTo(output));
      Await.until(
          "it is redrawn",
          () -> output.toString(StandardCharsets.UTF_8),
          screen -> screen.split("\u001b\\[H").length > 3);

      process.getOutputStream().write(3);
      process.getOutputStream().flush();

      Await.exitCode(process);
      Await.end(reading);
      String screen = output.toString(StandardCharsets.UTF_8);
      assertThat(screen).contains("mv_process_wip_queue", "\u001b[?25l", "\u001b[?25h");
      assertThat(screen.substring(screen.lastIndexOf("\u001b[?25h")))
          .doesNotContain("Exception", HOME);
    } finally {
      process.destroyForcibly();
    }
  }

  private static int screens(Cli.Running watching) {
    return watching.out().split("\u001b\\[H").length - 1;
  }

  /** What is on the terminal now. */
  /** Without escapes and line breaks: where a line ends depends on the database's name. */
  private static String words(String screen) {
    return screen.replaceAll("\u001b\\[[?0-9;]*[A-Za-z]", "").replaceAll("\\s+", " ");
  }

  private static String screen(Cli.Running watching) {
    String out = watching.out();
    int last = out.lastIndexOf(HOME);
    return last < 0 ? "" : out.substring(last);
  }
}
