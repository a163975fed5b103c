package com.f2x.neurohub.wipviews.bench;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.sql.DataSource;

/** Statements on an open connection, whose rows are read to the last. */
record Sql(Connection connection) {

  /** Runs statements on a connection of their own. */
  static void run(DataSource dataSource, String... statements) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      for (String statement : statements) {
        new Sql(connection).run(statement);
      }
    }
  }

  void run(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      if (statement.execute(sql)) {
        read(statement.getResultSet());
      }
    }
  }

  List<List<String>> rows(String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      return read(result);
    }
  }

  String value(String query) throws SQLException {
    return rows(query).get(0).get(0);
  }

  /** Milliseconds that the server takes to plan and execute a query, whose rows go nowhere. */
  double serverMillis(String query) throws SQLException {
    double millis = 0;
    for (List<String> line : rows("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY) " + query)) {
      if (line.get(0).matches("(Planning|Execution) Time: .*")) {
        millis += Double.parseDouble(line.get(0).split(" ")[2]);
      }
    }
    return millis;
  }

  /** How the server runs a query. */
  List<String> plan(String query) throws SQLException {
    return column(rows("EXPLAIN (ANALYZE, BUFFERS) " + query));
  }

  /** How the server would run a query that does not end. */
  List<String> estimate(String query) throws SQLException {
    return column(rows("EXPLAIN " + query));
  }

  private static List<String> column(List<List<String>> rows) {
    return rows.stream().map(row -> row.get(0)).toList();
  }

  /** The last attempts on record, with the milliseconds since the first of them was asked for. */
  List<String> attempts(int number) throws SQLException {
    return table(
        """
        WITH attempt AS (
          SELECT *, min(requested_at) OVER () AS first
          FROM (SELECT * FROM wip_view_refresh ORDER BY refresh_id DESC LIMIT %d) AS latest
        )
        SELECT outcome, count(*) AS attempts, string_agg(DISTINCT view_name, ', ') AS of,
          round(1000 * extract(epoch FROM min(requested_at - first))) AS first_asked,
          round(1000 * extract(epoch FROM max(requested_at - first))) AS last_asked,
          round(1000 * extract(epoch FROM min(started_at - first))) AS started,
          round(1000 * extract(epoch FROM min(finished_at - first))) AS first_finished,
          round(1000 * extract(epoch FROM max(finished_at - first))) AS last_finished
        FROM attempt
        GROUP BY outcome, CASE outcome WHEN 'coalesced' THEN 0 ELSE refresh_id END
        ORDER BY min(refresh_id)
        """
            .formatted(number));
  }

  /**
   * How long each function takes while statements run, which are undone: its calls, and its
   * milliseconds with and without those of the functions that it calls. Taking the time is part of
   * them.
   */
  List<String> phases(String... statements) throws SQLException {
    connection.setAutoCommit(false);
    try {
      run("SET LOCAL track_functions = 'all'");
      // those of earlier transactions may still be there
      Map<String, Spent> before = spent();
      long start = System.nanoTime();
      for (String statement : statements) {
        run(statement);
      }
      double millis = (System.nanoTime() - start) / 1e6;
      List<String> lines =
          new ArrayList<>(List.of(line(List.of("function", "calls", "total ms", "itself ms"))));
      spent().entrySet().stream()
          .map(
              entry ->
                  Map.entry(entry.getKey(), entry.getValue().since(before.get(entry.getKey()))))
          .filter(entry -> entry.getValue().calls > 0)
          .sorted(Comparator.comparing(entry -> -entry.getValue().itself))
          .limit(20)
          .forEach(entry -> lines.add(line(entry.getValue().cells(entry.getKey()))));
      lines.add("in all " + Measured.number(millis) + " ms");
      return lines;
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  private record Spent(long calls, double total, double itself) {

    Spent since(Spent before) {
      return before == null
          ? this
          : new Spent(calls - before.calls, total - before.total, itself - before.itself);
    }

    List<String> cells(String function) {
      return List.of(
          function,
          Long.toString(calls),
          String.format(Locale.ROOT, "%.2f", total),
          String.format(Locale.ROOT, "%.2f", itself));
    }
  }

  private Map<String, Spent> spent() throws SQLException {
    Map<String, Spent> spent = new HashMap<>();
    for (List<String> row :
        rows(
            "SELECT funcname, sum(calls), sum(total_time), sum(self_time)"
                + " FROM pg_stat_xact_user_functions GROUP BY funcname")) {
      spent.put(
          row.get(0),
          new Spent(
              Long.parseLong(row.get(1)),
              Double.parseDouble(row.get(2)),
              Double.parseDouble(row.get(3))));
    }
    return spent;
  }

  /** Rows under the names of their columns. */
  private List<String> table(String query) throws SQLException {
    List<String> lines = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      List<String> names = new ArrayList<>();
      for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
        names.add(result.getMetaData().getColumnLabel(i));
      }
      lines.add(line(names));
      read(result).forEach(row -> lines.add(line(row)));
    }
    return lines;
  }

  /** The first column to the left, the others to the right of theirs. */
  private static String line(List<String> row) {
    StringBuilder line = new StringBuilder("%-44s".formatted(row.get(0)));
    row.stream().skip(1).forEach(value -> line.append("%15s".formatted(value)));
    return line.toString();
  }

  private static List<List<String>> read(ResultSet result) throws SQLException {
    int columns = result.getMetaData().getColumnCount();
    List<List<String>> rows = new ArrayList<>();
    while (result.next()) {
      List<String> row = new ArrayList<>();
      for (int i = 1; i <= columns; i++) {
        row.add(result.getString(i));
      }
      rows.add(row);
    }
    return rows;
  }
}
