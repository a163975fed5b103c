package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
    Watching watching = Watching.start(Cli.on(database).onTerminal());
    Await.until("it is redrawn", () -> watching.screens() >= 3);
    assertThat(watching.screen())
        .contains("wip-views freshness, ", "every 100 ms; Ctrl-C ends", "mv_process_wip_queue")
        .doesNotContain("away");

    database.drop();
    Await.until("it says so", () -> watching.screen().contains("The database is away since "));
    assertThat(watching.screen()).contains("mv_process_wip_queue", "does not exist");

    database.create();
    Await.until("it goes on", () -> !watching.screen().contains("away"));

    assertThat(watching.stop()).isZero();
    assertThat(watching.out()).startsWith("\u001b[?25l\u001b[2J").endsWith("\u001b[?25h");
  }

  @Test
  void elsewhere_one_print_follows_the_other() throws Exception {
    Watching watching = Watching.start(Cli.on(database));
    Await.until("there are two", () -> watching.out().split("VIEW ").length >= 3);

    assertThat(watching.stop()).isZero();
    assertThat(watching.out()).doesNotContain("\u001b");
    assertThat(watching.out().lines().toList().get(0)).matches("\\d\\d:\\d\\d:\\d\\d");
    assertThat(watching.out().lines().toList().get(6)).isEmpty();
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

  @Test
  void ctrl_c_on_a_terminal_ends_it_and_gives_the_cursor_back() throws Exception {
    boolean installed = Files.isExecutable(Path.of("/usr/bin/script"));
    if (!installed) {
      System.out.println("SKIPPED: there is no /usr/bin/script, which makes a terminal");
    }
    assumeTrue(installed, "there is no /usr/bin/script");
    ProcessBuilder builder =
        new ProcessBuilder(
            "/usr/bin/script",
            "-qec",
            // a build in the background ignores SIGINT, and a JVM started so does too
            "env --default-signal=INT '"
                + Path.of(System.getProperty("java.home"), "bin", "java")
                + "' "
                + WipViewsCommand.class.getName()
                + " freshness --watch=100ms",
            "/dev/null");
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    builder.environment().put("WIP_VIEWS_URL", database.url());
    builder.environment().put("WIP_VIEWS_USERNAME", database.user());
    builder.environment().put("WIP_VIEWS_PASSWORD", database.password());
    builder.environment().put("TERM", "xterm");
    builder.environment().remove("NO_COLOR");
    Process process = builder.redirectErrorStream(true).start();
    try {
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      CompletableFuture<Void> reading =
          CompletableFuture.runAsync(() -> copy(process.getInputStream(), output));
      Await.until(
          "it is redrawn",
          () -> output.toString(StandardCharsets.UTF_8).split("\u001b\\[H").length > 3);

      process.getOutputStream().write(3);
      process.getOutputStream().flush();

      assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      reading.join();
      String screen = output.toString(StandardCharsets.UTF_8);
      assertThat(screen).contains("mv_process_wip_queue", "\u001b[?25l", "█", "\u001b[?25h");
      assertThat(screen.substring(screen.lastIndexOf("\u001b[?25h")))
          .doesNotContain("Exception", HOME);
    } finally {
      process.destroyForcibly();
    }
  }

  private static void copy(InputStream from, ByteArrayOutputStream to) {
    try {
      from.transferTo(to);
    } catch (IOException e) {
      // the terminal is gone
    }
  }

  /** The command in a thread, which can be interrupted, and what it has printed so far. */
  private record Watching(
      Thread thread, CompletableFuture<Integer> exitCode, StringWriter written) {

    static Watching start(Cli cli) {
      StringWriter out = new StringWriter();
      CompletableFuture<Integer> exitCode = new CompletableFuture<>();
      Thread thread =
          new Thread(
              () ->
                  exitCode.complete(
                      cli.commandLine()
                          .setOut(new PrintWriter(out))
                          .execute("freshness", "--watch=100ms")));
      thread.start();
      return new Watching(thread, exitCode, out);
    }

    String out() {
      return written.toString();
    }

    int screens() {
      return out().split("\u001b\\[H").length - 1;
    }

    /** What is on the terminal now. */
    String screen() {
      String out = out();
      int last = out.lastIndexOf(HOME);
      return last < 0 ? "" : out.substring(last);
    }

    int stop() throws Exception {
      thread.interrupt();
      return exitCode.get(10, TimeUnit.SECONDS);
    }
  }
}
