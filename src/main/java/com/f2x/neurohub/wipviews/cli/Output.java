package com.f2x.neurohub.wipviews.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Help.Ansi.Text;

/** Where a command prints, with colours where these are wanted. */
final class Output {

  /** Columns of a terminal that everything fits in. */
  static final int WIDTH = 80;

  private final CommandLine command;

  Output(CommandLine command) {
    this.command = command;
  }

  void line(String text) {
    command.getOut().println(text);
  }

  /** Prints text, broken at spaces so that it fits. */
  void paragraph(String text) {
    wrap(text, WIDTH).forEach(this::line);
  }

  /** Prints text below what it explains, broken at spaces so that it fits. */
  void indented(String text) {
    wrap(text, WIDTH - 2).forEach(line -> line("  " + line));
  }

  /** One line of a query, which tells which it is. */
  static String brief(String query) {
    String line = query.strip().replaceAll("\\s+", " ");
    return line.length() <= 2 * WIDTH ? line : line.substring(0, 2 * WIDTH) + "…";
  }

  void heading(String text) {
    line("");
    line(strong(text).toString());
  }

  /** Prints text, and does not end the line. */
  void begin(String text) {
    command.getOut().print(text);
    command.getOut().flush();
  }

  void print(Grid grid) {
    grid.lines().forEach(this::line);
  }

  void json(Object value) {
    line(Json.write(value));
  }

  /** Tells whether what is printed is looked at on a terminal that understands more than text. */
  boolean isTerminal() {
    return command.getColorScheme().ansi().enabled();
  }

  /** Where a script goes, as it is. */
  PrintWriter writer() {
    return command.getOut();
  }

  /** Prints the one line on standard error that says what is not well. */
  void complain(String text) {
    command
        .getErr()
        .println(command.getColorScheme().errorText(WipViewsCommand.NAME + ": " + text));
    command.getErr().flush();
  }

  Grid grid() {
    return new Grid(command.getColorScheme());
  }

  Text plain(String text) {
    return command.getColorScheme().apply(text, List.of());
  }

  Text good(String text) {
    return styled(text, Style.fg_green);
  }

  Text warning(String text) {
    return styled(text, Style.fg_yellow);
  }

  Text bad(String text) {
    return styled(text, Style.fg_red);
  }

  Text strong(String text) {
    return styled(text, Style.bold);
  }

  private Text styled(String text, Style style) {
    return command.getColorScheme().apply(text, List.of(style));
  }

  static List<String> wrap(String text, int width) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ")) {
      if (!line.isEmpty() && line.length() + 1 + word.length() > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }
}
