package com.f2x.neurohub.wipviews.cli.output;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import java.time.Duration;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Shows something again and again until the thread is interrupted, which is what Ctrl-C does. A
 * terminal is redrawn in place; elsewhere one print follows the other, as long as somebody reads
 * them. It waits for a database that becomes unreachable.
 */
public final class Watch {

  public static final Duration SHORTEST = Duration.ofMillis(100);

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);

  private static final String ESCAPE = "\u001b[";
  private static final String HIDE_CURSOR = ESCAPE + "?25l";
  private static final String SHOW_CURSOR = ESCAPE + "?25h";
  private static final String CLEAR = ESCAPE + "2J";
  private static final String HOME = ESCAPE + "H";
  private static final String CLEAR_REST_OF_LINE = ESCAPE + "K";
  private static final String CLEAR_BELOW = ESCAPE + "J";

  private final Output output;
  private final String title;
  private final Duration every;

  public Watch(Output output, String title, Duration every) {
    this.output = output;
    this.title = title;
    this.every = every;
  }

  /**
   * @param lines reads what is shown now
   * @throws com.f2x.neurohub.wipviews.WipViewsException if it cannot be read, except for a database
   *     that became unreachable after the first time
   */
  public void run(Supplier<List<String>> lines) {
    List<String> shown = lines.get();
    @Nullable String since = null;
    @Nullable String away = null;
    begin();
    try {
      draw(shown, away);
      while (output.isRead()) {
        TimeUnit.NANOSECONDS.sleep(every.toNanos());
        try {
          shown = lines.get();
          since = null;
          away = null;
        } catch (DatabaseUnavailableException e) {
          since = since != null ? since : now();
          // the reason of the last try: the first one only says that a session was ended
          away = "since " + since + ": " + e.getMessage();
        }
        draw(shown, away);
      }
    } catch (InterruptedException e) {
      // that is how it ends
    } finally {
      end();
    }
  }

  private void begin() {
    if (output.isTerminal()) {
      output.begin(HIDE_CURSOR + CLEAR);
    }
  }

  private void end() {
    if (output.isTerminal()) {
      output.begin(SHOW_CURSOR);
    }
  }

  private void draw(List<String> shown, @Nullable String away) {
    List<String> lines = new ArrayList<>();
    if (output.isTerminal()) {
      lines.add(title + ", " + now() + ", every " + Formats.duration(every) + "; Ctrl-C ends");
    } else {
      lines.add(now());
    }
    lines.addAll(shown);
    if (away != null) {
      Output.wrap("The database is unreachable " + away, Output.WIDTH)
          .forEach(line -> lines.add(output.bad(line).toString()));
    }
    if (output.isTerminal()) {
      StringBuilder screen = new StringBuilder(HOME);
      lines.forEach(
          line ->
              screen
                  .append(output.visible(line))
                  .append(CLEAR_REST_OF_LINE)
                  .append(System.lineSeparator()));
      output.begin(screen.append(CLEAR_BELOW).toString());
    } else {
      lines.add("");
      lines.forEach(output::line);
    }
  }

  private static String now() {
    return TIME.format(LocalTime.now());
  }
}
