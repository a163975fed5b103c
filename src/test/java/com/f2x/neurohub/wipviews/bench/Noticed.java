package com.f2x.neurohub.wipviews.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.postgresql.PGStatement;

/**
 * What readers without a pause noticed of a change.
 *
 * @param longestOutageMillis the longest time without an answer
 */
record Noticed(long reads, long errors, double longestOutageMillis) {

  /** One reader for each query, every second one of them prepared, while something changes. */
  static Noticed by(DataSource dataSource, List<String> queries, Ratio.Action change)
      throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService threads = Executors.newFixedThreadPool(queries.size());
    List<Future<Noticed>> readers = new ArrayList<>();
    try {
      for (int i = 0; i < queries.size(); i++) {
        String query = queries.get(i);
        boolean prepared = i % 2 == 0;
        readers.add(threads.submit(() -> read(dataSource, query, prepared, stop)));
      }
      Thread.sleep(500);
      change.run();
      Thread.sleep(500);
      stop.set(true);
      Noticed all = new Noticed(0, 0, 0);
      for (Future<Noticed> reader : readers) {
        all = all.and(reader.get());
      }
      return all;
    } finally {
      stop.set(true);
      threads.shutdownNow();
    }
  }

  private static Noticed read(
      DataSource dataSource, String query, boolean prepared, AtomicBoolean stop)
      throws SQLException {
    long reads = 0;
    long errors = 0;
    double longestOutage = 0;
    long lastAnswer = System.nanoTime();
    try (Connection connection = dataSource.getConnection();
        Statement simple = connection.createStatement();
        PreparedStatement kept = connection.prepareStatement(query)) {
      kept.unwrap(PGStatement.class).setPrepareThreshold(1);
      while (!stop.get()) {
        try (ResultSet row = prepared ? kept.executeQuery() : simple.executeQuery(query)) {
          row.next();
          reads++;
          longestOutage = Math.max(longestOutage, (System.nanoTime() - lastAnswer) / 1e6);
          lastAnswer = System.nanoTime();
        } catch (SQLException e) {
          errors++;
        }
      }
    }
    return new Noticed(reads, errors, longestOutage);
  }

  private Noticed and(Noticed other) {
    return new Noticed(
        reads + other.reads,
        errors + other.errors,
        Math.max(longestOutageMillis, other.longestOutageMillis));
  }
}
