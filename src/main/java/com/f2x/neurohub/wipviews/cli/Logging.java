package com.f2x.neurohub.wipviews.cli;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What the libraries may say. They log to standard error by slf4j-simple and by java.util.logging;
 * an operator wants the one line that the command says itself.
 */
final class Logging {

  private static final String SIMPLE = "org.slf4j.simpleLogger.";

  /** Held, since java.util.logging forgets the level of a logger that nobody refers to. */
  private static final Logger ROOT = Logger.getLogger("");

  private Logging() {}

  /** To be called before anything logs: slf4j-simple reads its properties only once. */
  static void configure(boolean debug) {
    set(SIMPLE + "defaultLogLevel", debug ? "info" : "warn");
    if (!debug) {
      // jOOQ: the dialect is newer than a server of version 14. The build tests that they agree.
      set(SIMPLE + "log.org.jooq.impl.DefaultExecuteContext", "error");
      // The embedded server reports what is thrown as well.
      set(SIMPLE + "log.io.zonky.test.db.postgres", "off");
      set(SIMPLE + "log.org.jooq.Constants", "off");
      // Liquibase logs, with all the SQL, what it then throws; and a refresh that fails says so.
      set(SIMPLE + "log.liquibase", "off");
      set(SIMPLE + "log.com.f2x.neurohub.wipviews.WipViews", "off");
      // The schedule prints its runs, and says in a sentence what db-scheduler has a trace for.
      set(SIMPLE + "log.com.f2x.neurohub.wipviews.schedule.ScheduledRun", "off");
      set(SIMPLE + "log.com.github.kagkarlsson", "off");
    }
    set("org.jooq.no-logo", "true");
    set("org.jooq.no-tips", "true");
    // Liquibase and the driver, whose warnings may hold a URL; both throw what matters.
    ROOT.setLevel(debug ? Level.INFO : Level.OFF);
  }

  private static void set(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
