package com.f2x.neurohub.wipviews.internal;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventAware;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * A structured log line, which begins with the event: the key-value pairs of slf4j, which a JSON
 * layout writes as fields. The message has them too, as {@code key=value}, since Logback's default
 * pattern, which Spring Boot uses, leaves pairs out.
 */
public final class LogLine {

  private final Map<String, @Nullable Object> pairs = new LinkedHashMap<>();
  private final StringJoiner message = new StringJoiner(" ");

  private LogLine() {}

  /** Begins the line of an event. */
  public static LogLine of(String event) {
    return new LogLine().with("event", event);
  }

  /** Adds a value without spaces: a number, a name, a time. */
  public LogLine with(String key, @Nullable Object value) {
    pairs.put(key, value);
    message.add(key + "=" + value);
    return this;
  }

  /** Adds a text, which the message has in quotes and on one line. */
  public LogLine withText(String key, String text) {
    pairs.put(key, text);
    message.add(key + "=\"" + text.replaceAll("\\s+", " ").replace('"', '\'') + '"');
    return this;
  }

  /** Logs it; without pairs by a logger that would print them before the message. */
  public void log(Logger logger, Level level) {
    LoggingEventBuilder event = logger.atLevel(level);
    if (logger instanceof LoggingEventAware) {
      pairs.forEach(event::addKeyValue);
    }
    event.log(toString());
  }

  /** Returns the message. */
  @Override
  public String toString() {
    return message.toString();
  }
}
