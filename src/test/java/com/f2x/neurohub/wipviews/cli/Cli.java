package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    return without()
        .with("WIP_VIEWS_URL", database.url())
        .with("WIP_VIEWS_USERNAME", database.user())
        .with("WIP_VIEWS_PASSWORD", database.password());
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

  public Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(args);
    return new Result(exitCode, out.toString(), err.toString());
  }
}
