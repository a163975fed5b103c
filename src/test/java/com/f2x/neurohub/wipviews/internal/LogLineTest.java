package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.spi.LoggingEventAware;

/** What a logger gets of a structured line. */
class LogLineTest {

  private final List<LoggingEvent> events = new ArrayList<>();
  private final List<String> messages = new ArrayList<>();

  private final LogLine line =
      LogLine.of("refresh").with("rows", 6).withText("error", "a {} \"b\"\n in two lines");

  @Test
  void a_logger_of_pairs_gets_them_and_the_message() {
    line.log(new Pairs(), Level.WARN);

    assertThat(events)
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getLevel()).isEqualTo(Level.WARN);
              assertThat(event.getMessage())
                  .isEqualTo("event=refresh rows=6 error=\"a {} 'b' in two lines\"");
              assertThat(event.getKeyValuePairs())
                  .extracting(pair -> pair.key, pair -> pair.value)
                  .containsExactly(
                      tuple("event", "refresh"),
                      tuple("rows", 6),
                      tuple("error", "a {} \"b\"\n in two lines"));
            });
    assertThat(messages).isEmpty();
  }

  @Test
  void a_logger_of_text_gets_each_pair_once() {
    line.log(new Text(), Level.WARN);

    assertThat(messages).containsExactly("event=refresh rows=6 error=\"a {} 'b' in two lines\"");
  }

  /** As slf4j-simple is. */
  private class Text extends LegacyAbstractLogger {

    private static final long serialVersionUID = 1;

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
      return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
        Level level,
        @Nullable Marker marker,
        String message,
        Object @Nullable [] arguments,
        @Nullable Throwable throwable) {
      messages.add(message);
    }

    @Override
    public boolean isTraceEnabled() {
      return true;
    }

    @Override
    public boolean isDebugEnabled() {
      return true;
    }

    @Override
    public boolean isInfoEnabled() {
      return true;
    }

    @Override
    public boolean isWarnEnabled() {
      return true;
    }

    @Override
    public boolean isErrorEnabled() {
      return true;
    }
  }

  /** As Logback is. */
  private final class Pairs extends Text implements LoggingEventAware {

    private static final long serialVersionUID = 1;

    @Override
    public void log(LoggingEvent event) {
      events.add(event);
    }
  }
}
