package com.f2x.neurohub.wipviews.bench;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Statements on an open connection, whose rows are read to the last. */
record Sql(Connection connection) {

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

  /** With {@code -Dbench.plans=true}, prints how the server runs a query that a row is about. */
  void printPlan(String place, String query) throws SQLException {
    if (Boolean.getBoolean("bench.plans")) {
      System.out.println("\nplan of " + place);
      rows("EXPLAIN (ANALYZE, BUFFERS) " + query).forEach(line -> System.out.println(line.get(0)));
    }
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
