package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;

/** The forms in which the MES is deployed: its tables, and what its code writes when. */
public enum MesForm {
  /** Triggers keep status and station of an item; a serial leaves it COMPLETED. */
  GUIDE(new WithTriggers(), "guide.sql"),

  /** One code path keeps status and station, and forgets the station at once; the other neither. */
  NEWEST(new WithoutTriggers(), "newest.sql"),

  /** The guide's, without some columns. */
  MIGRATED(new WithTriggers(), "guide.sql", "migrated.sql");

  /**
   * What the service runs; half of the units are scanned by tablets, which have code of their own.
   */
  interface Code {
    /** An execution begins; returns whether the MES knows from now on that the item has begun. */
    boolean start(Connection mes, long item, int process, boolean byTablet, Instant at)
        throws SQLException;

    /** An execution ends; returns false if the MES refuses to record it. */
    boolean end(
        Connection mes,
        long item,
        int process,
        boolean byTablet,
        String result,
        Instant from,
        Instant to)
        throws SQLException;

    /** The label is printed, which gives the item its serial. */
    void serial(Connection mes, long item, Instant at) throws SQLException;
  }

  private final Code code;
  private final String[] scripts;

  MesForm(Code code, String... scripts) {
    this.code = code;
    this.scripts = scripts;
  }

  Code code() {
    return code;
  }

  /** Makes the tables, with the eight stations, whose ids are not their numbers. */
  public void install(TestDatabase database) throws SQLException, IOException {
    for (String script : scripts) {
      try (InputStream in = MesForm.class.getResourceAsStream("/mes/" + script)) {
        database.execute(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    database.execute(
        "INSERT INTO processes (id, process_number, process_code, process_name_ko,"
            + " process_name_en, estimated_duration_seconds, sort_order)"
            + " SELECT 40 - n, n, 'P' || n, '공정 ' || n, 'Process ' || n, n * 60, n"
            + " FROM generate_series(1, 8) AS n");
  }

  /** By tablet an execution is on record when it has ended; otherwise while it runs, too. */
  private static final class WithTriggers implements Code {
    @Override
    public boolean start(Connection mes, long item, int process, boolean byTablet, Instant at)
        throws SQLException {
      if (!byTablet) {
        execution(mes, item, process, "PASS", at, null);
      }
      return !byTablet;
    }

    @Override
    public boolean end(
        Connection mes,
        long item,
        int process,
        boolean byTablet,
        String result,
        Instant from,
        Instant to)
        throws SQLException {
      if (!byTablet) {
        run(
            mes,
            "UPDATE wip_process_history SET result = ?, completed_at = ?"
                + " WHERE wip_item_id = ? AND completed_at IS NULL",
            result,
            to,
            item);
      } else if (!accepted(() -> execution(mes, item, process, result, from, to))) {
        return false;
      }
      if (process == 6 && result.equals("PASS")) {
        accepted(
            () ->
                run(
                    mes,
                    "UPDATE wip_items SET status = 'COMPLETED', completed_at = ? WHERE id = ?",
                    to,
                    item));
      }
      return true;
    }

    @Override
    public void serial(Connection mes, long item, Instant at) throws SQLException {
      execution(mes, item, 7, "PASS", at.minusSeconds(30), at);
      run(
          mes,
          "UPDATE wip_items SET status = 'CONVERTED', serial_id = id, converted_at = ?"
              + " WHERE id = ? AND status = 'COMPLETED'",
          at,
          item);
    }
  }

  /** What runs is in another table; a tablet writes the history and nothing of the item. */
  private static final class WithoutTriggers implements Code {
    @Override
    public boolean start(Connection mes, long item, int process, boolean byTablet, Instant at)
        throws SQLException {
      run(
          mes,
          "INSERT INTO process_sessions (wip_item_id, process_id, started_at)"
              + " SELECT ?, id, ? FROM processes WHERE process_number = ?",
          item,
          at,
          process);
      if (byTablet) {
        run(mes, "UPDATE wip_items SET status = 'IN_PROGRESS' WHERE id = ?", item);
      } else {
        run(
            mes,
            "UPDATE wip_items SET status = 'IN_PROGRESS', updated_at = ?, current_process_id ="
                + " (SELECT id FROM processes WHERE process_number = ?) WHERE id = ?",
            at,
            process,
            item);
      }
      return true;
    }

    @Override
    public boolean end(
        Connection mes,
        long item,
        int process,
        boolean byTablet,
        String result,
        Instant from,
        Instant to)
        throws SQLException {
      run(mes, "DELETE FROM process_sessions WHERE wip_item_id = ?", item);
      execution(mes, item, process, result, from, to);
      if (!byTablet) {
        boolean done = process == 6 && result.equals("PASS");
        run(
            mes,
            "UPDATE wip_items SET current_process_id = NULL, updated_at = ?, status = ?,"
                + " completed_at = ? WHERE id = ?",
            to,
            done ? "COMPLETED" : result.equals("FAIL") ? "FAILED" : "IN_PROGRESS",
            done ? to : null,
            item);
      }
      return true;
    }

    @Override
    public void serial(Connection mes, long item, Instant at) throws SQLException {
      run(
          mes,
          "UPDATE wip_items SET status = 'CONVERTED', converted_at = ?, updated_at = ?"
              + " WHERE id = ?",
          at,
          at,
          item);
    }
  }

  private static void execution(
      Connection mes, long item, int process, String result, Instant from, Instant to)
      throws SQLException {
    run(
        mes,
        "INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, result, started_at,"
            + " completed_at) SELECT ?, id, 1, ?, ?, ? FROM processes WHERE process_number = ?",
        item,
        result,
        from,
        to,
        process);
  }

  /** Runs a statement of the service. */
  static void run(Connection mes, String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = mes.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(
            i + 1, values[i] instanceof Instant time ? Timestamp.from(time) : values[i]);
      }
      statement.execute();
    }
  }

  private interface Action {
    void run() throws SQLException;
  }

  /** Whether no trigger raised. */
  private static boolean accepted(Action action) throws SQLException {
    try {
      action.run();
      return true;
    } catch (SQLException e) {
      if (!"P0001".equals(e.getSQLState())) {
        throw e;
      }
      return false;
    }
  }
}
