package com.f2x.neurohub.wipviews.internal;

import java.util.logging.Level;
import liquibase.logging.core.AbstractLogService;
import liquibase.logging.core.AbstractLogger;
import org.slf4j.LoggerFactory;

/** Sends Liquibase's log to slf4j, under the names of Liquibase's classes. */
final class Slf4jLogService extends AbstractLogService {

  /** Never chosen by Liquibase itself: it serves our runs, not those of the host. */
  @Override
  public int getPriority() {
    return PRIORITY_NOT_APPLICABLE;
  }

  @Override
  @SuppressWarnings("rawtypes") // as it is declared
  public liquibase.logging.Logger getLog(Class type) {
    return new Slf4jLogger(LoggerFactory.getLogger(type));
  }

  @SuppressWarnings("try") // Liquibase's loggers can be closed, and declare any exception
  private static final class Slf4jLogger extends AbstractLogger {

    private final org.slf4j.Logger log;

    Slf4jLogger(org.slf4j.Logger log) {
      this.log = log;
    }

    @Override
    public void log(Level level, String message, Throwable e) {
      // what it logs at this level is not meant to be seen
      if (level != Level.OFF) {
        log.atLevel(slf4j(level)).setCause(e).log(message);
      }
    }

    private static org.slf4j.event.Level slf4j(Level level) {
      if (level.intValue() >= Level.SEVERE.intValue()) {
        return org.slf4j.event.Level.ERROR;
      } else if (level.intValue() >= Level.WARNING.intValue()) {
        return org.slf4j.event.Level.WARN;
      } else if (level.intValue() >= Level.INFO.intValue()) {
        return org.slf4j.event.Level.INFO;
      }
      return level.intValue() >= Level.FINE.intValue()
          ? org.slf4j.event.Level.DEBUG
          : org.slf4j.event.Level.TRACE;
    }
  }
}
