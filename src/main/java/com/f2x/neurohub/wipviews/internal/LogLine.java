package com.f2x.neurohub.wipviews.internal;

import org.jspecify.annotations.Nullable;

/**
 * A log message of {@code key=value}, which begins with the event. It does not use the key-value
 * pairs of slf4j: Logback's default pattern, which Spring Boot uses too, leaves those out.
 */
public final class LogLine {

  private final StringBuilder line;

  private LogLine(String event) {
    this.line = new StringBuilder("event=").append(event);
  }

  /** Begins the line of an event. */
  public static LogLine of(String event) {
    return new LogLine(event);
  }

  /** Adds a value without spaces: a number, a name, a time. */
  public LogLine with(String key, @Nullable Object value) {
    line.append(' ').append(key).append('=').append(value);
    return this;
  }

  /** Adds a text, in quotes and on one line. */
  public LogLine withText(String key, String text) {
    return with(key, '"' + text.replaceAll("\\s+", " ").replace('"', '\'') + '"');
  }

  @Override
  public String toString() {
    return line.toString();
  }
}
