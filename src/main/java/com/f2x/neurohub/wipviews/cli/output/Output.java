package com.f2x.neurohub.wipviews.cli.output;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Help.Ansi.Text;

/** Where a command prints, with colours where these are wanted. */
public final class Output {

  /** Columns of a terminal that everything fits in. */
  public static final int WIDTH = 80;

  /**
   * What a terminal obeys, or shows as another text: control characters, and those that change the
   * direction. The first group matches the escapes that colour our own lines.
   */
  private static final Pattern OBEYED =
      Pattern.compile(
          "(\u001b\\[(?:0|1|21|31|32|33|39)m)"
              + "|[\\p{Cc}&&[^\\t\\n]]"
              + "|[\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]");

  private final CommandLine command;

  public Output(CommandLine command) {
    this.command = command;
  }

  /**
   * Prints a line. Queries, names and messages of other sessions may be in it, whose control
   * characters must not reach a terminal.
   */
  public void line(String text) {
    command.getOut().println(visible(text));
  }

  /** The same text with a question mark for each character that cannot be seen. */
  public String visible(String text) {
    return OBEYED
        .matcher(text)
        .replaceAll(
            found ->
                found.group(1) != null && isTerminal()
                    ? Matcher.quoteReplacement(found.group(1))
                    : "?");
  }

  /** Tells whether the output can still be written. */
  public boolean isRead() {
    return !command.getOut().checkError();
  }

  /** Prints text, broken at spaces so that it fits. */
  public void paragraph(String text) {
    wrap(text, WIDTH).forEach(this::line);
  }

  /** Prints text below what it explains, broken at spaces so that it fits. */
  public void indented(String text) {
    wrap(text, WIDTH - 2).forEach(line -> line("  " + line));
  }

  /** One line of a query, which tells which it is. */
  public static String brief(String query) {
    String line = query.strip().replaceAll("\\s+", " ");
    return line.length() <= 2 * WIDTH ? line : line.substring(0, 2 * WIDTH) + "…";
  }

  public void heading(String text) {
    line("");
    line(strong(text).toString());
  }

  /** Prints text, and does not end the line. */
  public void begin(String text) {
    command.getOut().print(text);
    command.getOut().flush();
  }

  public void print(Grid grid) {
    grid.lines().forEach(this::line);
  }

  public void json(Object value) {
    // a machine gets the text as it is
    command.getOut().println(Json.write(value));
  }

  /** Tells whether what is printed is looked at on a terminal that understands more than text. */
  public boolean isTerminal() {
    return command.getColorScheme().ansi().enabled();
  }

  /** Where a script goes, as it is. */
  public PrintWriter writer() {
    return command.getOut();
  }

  /** Prints the one line on standard error that says what is wrong. */
  public void printError(String text) {
    command
        .getErr()
        .println(
            command
                .getColorScheme()
                .errorText(command.getCommandSpec().root().name() + ": " + visible(text)));
    command.getErr().flush();
  }

  public Grid grid() {
    return new Grid(command.getColorScheme());
  }

  public Text plain(String text) {
    return command.getColorScheme().apply(text, List.of());
  }

  public Text good(String text) {
    return styled(text, Style.fg_green);
  }

  public Text warning(String text) {
    return styled(text, Style.fg_yellow);
  }

  public Text bad(String text) {
    return styled(text, Style.fg_red);
  }

  public Text strong(String text) {
    return styled(text, Style.bold);
  }

  private Text styled(String text, Style style) {
    return command.getColorScheme().apply(text, List.of(style));
  }

  public static List<String> wrap(String text, int width) {
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
