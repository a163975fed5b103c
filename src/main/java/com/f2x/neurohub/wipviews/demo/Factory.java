package com.f2x.neurohub.wipviews.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A believable factory in an empty minimal MES: lots, units and their history, and a production
 * that goes on. For demo, tests and benchmarks; never for an MES in use.
 *
 * <p>The MES is the schema in front on the connection's {@code search_path}; its four tables and
 * its stations must exist ({@code mes-schema.changelog.yaml}). The role needs to insert into them,
 * to update them, to use their sequences and to create temporary tables.
 *
 * <p>The same {@link Size} always gives the same factory, apart from its times, which are reckoned
 * back from the moment of loading. What it shows: every status of lots and units, units that failed
 * and wait for rework, units that passed after it, a firmware upload where more than 50 units queue
 * (from 60 open lots on) and some have been stuck for over an hour, executions under way, and
 * executions that ended within the last hour at each of the six stations. It writes what the
 * guide's MES writes: the history says where a unit is; {@code current_process_id} is the process
 * where it was last; the label, process 7, gives a unit its serial and leaves it COMPLETED.
 *
 * <p>Instances hold no state but their SQL: they are immutable and thread-safe. A connection is
 * used by one thread at a time.
 */
public final class Factory {

  /** Lots written at a time: enough to be fast, few enough to report progress. */
  private static final int LOTS_PER_BATCH = 500;

  /** Files of the folder {@code factory}, in the order of what happens. */
  private static final List<String> FILES =
      List.of("plan.sql", "load.sql", "stations.sql", "lots.sql");

  private static final String SECTION = "-- @";

  private static final List<String> STEPS =
      List.of(
          "produce_work",
          "produce_rework",
          "produce_start",
          "produce_label",
          "produce_settle_lots",
          "produce_close_lot",
          "produce_plan_lot",
          "produce_fill_lot");

  private final Map<String, String> sql;

  private Factory(Map<String, String> sql) {
    this.sql = sql;
  }

  /**
   * How much to load. A lot has 100 units, about six history rows each once it is done; of the open
   * lots, three tenths are completed, four in progress and three only planned, a third of these
   * still without units.
   *
   * @param lots lots in all, at least 1
   * @param openLots the youngest of them, which are not closed; from 0 to {@code lots}
   * @param unitsInLine about how many units of a lot in progress stand at stations; from 4 to 90
   */
  public record Size(int lots, int openLots, int unitsInLine) {

    /**
     * Eight units in the line.
     *
     * @param lots lots in all, at least 1
     * @param openLots the youngest of them, which are not closed; from 0 to {@code lots}
     */
    public Size(int lots, int openLots) {
      this(lots, openLots, 8);
    }

    /**
     * Checks the figures.
     *
     * @param lots lots in all, at least 1
     * @param openLots the youngest of them, which are not closed; from 0 to {@code lots}
     * @param unitsInLine about how many units of a lot in progress stand at stations; from 4 to 90
     * @throws IllegalArgumentException if a figure is out of its range
     */
    public Size {
      if (lots < 1) {
        throw new IllegalArgumentException("lots must be at least 1, not " + lots);
      }
      if (openLots < 0 || openLots > lots) {
        throw new IllegalArgumentException(
            "openLots must be from 0 to " + lots + " (lots), not " + openLots);
      }
      if (unitsInLine < 4 || unitsInLine > 90) {
        throw new IllegalArgumentException("unitsInLine must be from 4 to 90, not " + unitsInLine);
      }
    }
  }

  /**
   * Loads a factory into an MES without lots.
   *
   * <p>All or nothing: the load is one transaction of its own, committed on return, so that a
   * failure or a kill leaves the MES as empty as it was. Nobody else can read {@code wip_items} and
   * {@code wip_process_history} meanwhile: where the role owns them, their plain indexes and
   * foreign keys are dropped and recreated at the end, and their triggers switched off meanwhile,
   * which more than halves the time. After the commit the tables are vacuumed and analyzed.
   *
   * @param connection an open connection to PostgreSQL in auto-commit mode, as it is again
   *     afterwards; not closed
   * @param size how much to load
   * @param progress told what is done, one line at a time, on the calling thread
   * @return the factory, ready to {@link #produce}
   * @throws SQLException if the database refuses a statement
   * @throws IllegalStateException if the connection is not in auto-commit mode, or the MES has lots
   *     already
   * @throws NullPointerException if an argument is null
   */
  public static Factory load(Connection connection, Size size, Consumer<String> progress)
      throws SQLException {
    Objects.requireNonNull(connection, "connection");
    Objects.requireNonNull(size, "size");
    Objects.requireNonNull(progress, "progress");
    if (!connection.getAutoCommit()) {
      // The commit below would commit the caller's work too.
      throw new IllegalStateException("the connection must be in auto-commit mode");
    }
    Factory factory = new Factory(readSql());
    inTransaction(connection, () -> factory.loadAll(connection, size, progress));
    factory.run(connection, "load_vacuum");
    return factory;
  }

  /**
   * One step of production: at every station the units that wait longest are done and move on, or
   * fail; a few failed ones are reworked; new ones enter the line; completed ones get their serial;
   * lots open, complete and close, and new ones are planned. A step takes tens of milliseconds,
   * whatever the size of the history, and always happens now: call it every few seconds, else
   * executions look shorter than planned.
   *
   * <p>In auto-commit mode the step is one transaction, committed on return. Otherwise it is part
   * of the caller's transaction, which it neither commits nor rolls back.
   *
   * <p>Several callers at once do not wait for each other's units, but two may plan the same lot;
   * then one of them gets a unique violation and its step has not happened.
   *
   * @param connection an open connection to PostgreSQL; not closed
   * @return units that changed their status or station; 0 where nothing was left to do
   * @throws SQLException if the database refuses a statement; in auto-commit mode the step is
   *     rolled back
   * @throws NullPointerException if the argument is null
   */
  public int produce(Connection connection) throws SQLException {
    Objects.requireNonNull(connection, "connection");
    return connection.getAutoCommit()
        ? inTransaction(connection, () -> step(connection))
        : step(connection);
  }

  private int step(Connection connection) throws SQLException {
    int moved = 0;
    try (Statement statement = connection.createStatement()) {
      for (String name : STEPS) {
        // Those that move units return their number; the others are plain updates.
        if (statement.execute(sql.get(name))) {
          try (ResultSet rows = statement.getResultSet()) {
            rows.next();
            moved += rows.getInt(1);
          }
        }
      }
    }
    return moved;
  }

  private int loadAll(Connection connection, Size size, Consumer<String> progress)
      throws SQLException {
    requireEmptyMes(connection);
    OffsetDateTime now = now(connection);
    run(connection, "load_settings");
    run(connection, "plan_station_table");
    run(connection, "plan_stations");
    run(connection, "plan_lot_table");
    run(connection, "plan_item_table");
    Deque<String> restore = suspend(connection);
    for (int first = 1; first <= size.lots(); first += LOTS_PER_BATCH) {
      int last = Math.min(size.lots(), first + LOTS_PER_BATCH - 1);
      run(connection, "plan_nothing");
      run(
          connection,
          "plan_lots",
          now,
          size.lots(),
          size.openLots(),
          size.unitsInLine(),
          first,
          last);
      run(connection, "plan_items", now);
      run(connection, "plan_done");
      run(connection, "load_lots");
      run(connection, "load_items");
      run(connection, "load_history");
      run(connection, "load_labels");
      run(connection, "load_running", now);
      progress.accept(String.format(Locale.ROOT, "loaded %,d of %,d lots", last, size.lots()));
    }
    try (Statement statement = connection.createStatement()) {
      for (String definition : restore) {
        statement.execute(definition);
      }
    }
    progress.accept("indexed");
    return size.lots();
  }

  /** Drops what slows the load down, and returns what makes it again, in that order. */
  private Deque<String> suspend(Connection connection) throws SQLException {
    List<String> drops = new ArrayList<>();
    // In the opposite order: foreign keys are dropped first and made last.
    Deque<String> restore = new ArrayDeque<>();
    try (Statement statement = connection.createStatement()) {
      try (ResultSet rows = statement.executeQuery(sql.get("load_suspended"))) {
        while (rows.next()) {
          drops.add(rows.getString("suspend"));
          restore.addFirst(rows.getString("restore"));
        }
      }
      for (String drop : drops) {
        statement.execute(drop);
      }
    }
    return restore;
  }

  private void run(Connection connection, String name, Object... parameters) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql.get(name))) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      statement.execute();
    }
  }

  private void requireEmptyMes(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql.get("is_empty"))) {
      rows.next();
      if (!rows.getBoolean(1)) {
        throw new IllegalStateException(
            "the MES has lots already; the demo factory is loaded into an empty one only");
      }
    }
  }

  private OffsetDateTime now(Connection connection) throws SQLException {
    // The server's clock: everything that the factory writes is in the past there.
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT now()")) {
      rows.next();
      return rows.getObject(1, OffsetDateTime.class);
    }
  }

  private static int inTransaction(Connection connection, Work work) throws SQLException {
    connection.setAutoCommit(false);
    try {
      int result = work.run();
      connection.commit();
      return result;
    } catch (SQLException | RuntimeException | Error e) {
      try {
        connection.rollback();
      } catch (SQLException rollbackFailure) {
        e.addSuppressed(rollbackFailure);
      }
      throw e;
    } finally {
      // A connection that broke keeps the first error: this one would hide it.
      if (!connection.isClosed()) {
        connection.setAutoCommit(true);
      }
    }
  }

  private static Map<String, String> readSql() {
    Map<String, String> sections = new HashMap<>();
    for (String file : FILES) {
      // What stands before the first section is the head of the file.
      String[] parts = read("factory/" + file).split("\n" + SECTION);
      for (int i = 1; i < parts.length; i++) {
        String[] nameAndSql = parts[i].split("\n", 2);
        sections.put(nameAndSql[0].trim(), nameAndSql[1]);
      }
    }
    return Map.copyOf(sections);
  }

  private static String read(String resource) {
    try (InputStream in = Factory.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing beside " + Factory.class.getName());
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + resource, e);
    }
  }

  /** Statements of one transaction. */
  @FunctionalInterface
  private interface Work {
    int run() throws SQLException;
  }
}
