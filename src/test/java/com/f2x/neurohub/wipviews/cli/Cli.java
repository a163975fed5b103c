package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The command line in this JVM, with an environment of its own. */
public record Cli(Map<String, String> environment, Help.Ansi ansi) {

  /** What a run came to. */
  public record Result(int exitCode, String out, String err) {

    public List<String> outLines() {
      return out.lines().toList();
    }

    public List<String> errLines() {
      return err.lines().toList();
    }

    public JsonNode json() {
      return JsonMapper.shared().readTree(out);
    }
  }

  public static Cli without() {
    return new Cli(Map.of(), Help.Ansi.OFF);
  }

  public static Cli on(TestDatabase database) {
    return new Cli(CommandLineProcess.environment(database), Help.Ansi.OFF);
  }

  public Cli with(String variable, String value) {
    Map<String, String> more = new HashMap<>(environment);
    more.put(variable, value);
    return new Cli(more, ansi);
  }

  public Cli onTerminal() {
    return new Cli(environment, Help.Ansi.ON);
  }

  CommandLine commandLine() {
    return WipViewsCommand.commandLine(environment).setColorScheme(Help.defaultColorScheme(ansi));
  }

  /** A command in a thread, which can be interrupted, and what it has printed so far. */
  public record Running(Thread thread, Future<Integer> exitCode, StringWriter written) {

    public String out() {
      return written.toString();
    }

    /** Interrupts it, as Ctrl-C does, and waits for its exit code. */
    public int stop() throws Exception {
      thread.interrupt();
      return Await.result(exitCode);
    }
  }

  public Running start(String... args) {
    StringWriter out = new StringWriter();
    FutureTask<Integer> exitCode =
        new FutureTask<>(() -> commandLine().setOut(new PrintWriter(out)).execute(args));
    Thread thread = new Thread(exitCode, "command");
    thread.start();
    return new Running(thread, exitCode, out);
  }

  public Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(args);
    return new Result(exitCode, out.toString(), err.toString());
  }
}
