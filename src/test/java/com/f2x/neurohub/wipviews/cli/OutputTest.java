package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What reaches whoever looks. */
class OutputTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  @TempDir private Path folder;

  @Thorough
  @Test
  void a_full_disk_is_a_failure() throws Exception {
    Path full = Path.of("/dev/full");
    if (!Files.exists(full)) {
      System.out.println("SKIPPED: there is no /dev/full");
    }
    assumeTrue(Files.exists(full), "there is no /dev/full");

    CommandLineProcess freshness =
        CommandLineProcess.start(database, folder, List.of(), full, "freshness");

    assertThat(freshness.exitCode()).isEqualTo(1);
    assertThat(String.join(" ", freshness.errLines()))
        .isEqualTo(
            "wip-views: not all of the output could be written. Check whether the disk is full.");
  }

  @Test
  void a_script_that_was_cut_short_is_a_failure() {
    StringWriter err = new StringWriter();
    int exitCode =
        Cli.on(database)
            .commandLine()
            .setOut(new PrintWriter(new Full(0)))
            .setErr(new PrintWriter(err))
            .execute("update", "--sql");

    assertThat(exitCode).isEqualTo(1);
    assertThat(err.toString()).hasLineCount(1).contains("not all of the output could be written");
  }

  @Test
  void watching_ends_when_nobody_reads_any_more() throws Exception {
    // the first print is read, and no other
    StringWriter err = new StringWriter();
    Future<Integer> watching =
        Background.call(
            () ->
                Cli.on(database)
                    .commandLine()
                    .setOut(new PrintWriter(new Full(1)))
                    .setErr(new PrintWriter(err))
                    .execute("freshness", "--watch=100ms"));

    assertThat(Await.result(watching)).isEqualTo(1);
    assertThat(err.toString()).contains("not all of the output could be written");
  }

  @Test
  void a_terminal_obeys_nothing_but_our_own_colours() {
    StringWriter out = new StringWriter();
    Output output =
        new Output(
            new CommandLine(new WipViewsCommand(Map.of()))
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.ON))
                .setOut(new PrintWriter(out)));
    String foreign = "\u001b]0;title\u0007 \u001b[2J \u009b8m \u202egnp \r\u007f\u0000";

    output.line(output.good("fine") + " " + foreign);
    output.print(output.grid().left("QUERY").row(foreign).note(foreign));

    assertThat(out.toString().replaceAll("\u001b\\[(0|1|21|32|39)m", ""))
        .contains("fine ?]0;title? ?[2J ?8m ?gnp ???")
        .doesNotContainPattern("[\\p{Cc}\u202e&&[^\n]]");
    assertThat(out.toString()).contains("\u001b[32m");
  }

  @Test
  void the_query_of_another_session_is_shown_and_not_obeyed() throws Exception {
    try (Connection holder = database.connect();
        Connection waiter = database.connect();
        Statement hold = holder.createStatement();
        Statement wait = waiter.createStatement()) {
      holder.setAutoCommit(false);
      hold.execute("LOCK TABLE lots IN ACCESS EXCLUSIVE MODE -- \u001b[2J\u202e");
      Future<?> waiting = Background.call(() -> wait.execute("SELECT count(*) FROM lots"));
      Await.until(
          "somebody waits",
          () -> database.value("SELECT count(*) FROM wip_view_blockers").equals("1"));

      Cli.Result result = Cli.on(database).run("blockers");

      holder.rollback();
      Await.end(waiting);
      assertThat(result.out()).contains("?[2J?").doesNotContain("\u001b", "\u202e");
    }
  }

  /** A disk, or a pipe whose reader has gone, after so many flushes. */
  private static final class Full extends Writer {

    private int left;

    Full(int left) {
      this.left = left;
    }

    @Override
    public void write(char[] characters, int offset, int length) throws IOException {
      if (left <= 0) {
        throw new IOException("no space left on device");
      }
    }

    @Override
    public void flush() {
      left--;
    }

    @Override
    public void close() {}
  }
}
