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
record Cli(Map<String, String> environment, Help.Ansi ansi) {

  /** What a run came to. */
  record Result(int exitCode, String out, String err) {

    List<String> outLines() {
      return out.lines().toList();
    }

    List<String> errLines() {
      return err.lines().toList();
    }

    JsonNode json() {
      return JsonMapper.shared().readTree(out);
    }
  }

  static Cli without() {
    return new Cli(Map.of(), Help.Ansi.OFF);
  }

  static Cli on(TestDatabase database) {
    return without()
        .with("WIP_VIEWS_URL", database.url())
        .with("WIP_VIEWS_USERNAME", database.user())
        .with("WIP_VIEWS_PASSWORD", database.password());
  }

  Cli with(String variable, String value) {
    Map<String, String> more = new HashMap<>(environment);
    more.put(variable, value);
    return new Cli(more, ansi);
  }

  Cli onTerminal() {
    return new Cli(environment, Help.Ansi.ON);
  }

  CommandLine commandLine() {
    return WipViewsCommand.commandLine(environment).setColorScheme(Help.defaultColorScheme(ansi));
  }

  Result run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(args);
    return new Result(exitCode, out.toString(), err.toString());
  }
}
