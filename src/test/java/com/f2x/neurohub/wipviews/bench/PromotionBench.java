package com.f2x.neurohub.wipviews.bench;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.PGStatement;

/**
 * What six readers without a pause notice of a new definition of a view of 5,000 lots: by a
 * promotion, and by the guide's DROP … CASCADE and CREATE, in one run.
 */
class PromotionBench {

  private static final int LOTS = Integer.getInteger("bench.lots", 5000);
  private static final int PROMOTIONS = 11;

  private static final String DROP =
      "DROP MATERIALIZED VIEW IF EXISTS mv_wip_status_dashboard CASCADE";
  private static final List<String> DEPENDANTS =
      List.of(
          "CREATE VIEW late AS SELECT lot_id, lot_number FROM mv_wip_status_dashboard",
          "CREATE VIEW later AS SELECT lot_id FROM late");
  private static final List<String> READS =
      List.of(
          "SELECT count(*) FROM mv_wip_status_dashboard",
          "SELECT count(*) FROM late",
          "SELECT count(*) FROM later",
          "SELECT count(*) FROM late JOIN mv_wip_status_dashboard USING (lot_id)",
          "SELECT count(*) FROM mv_wip_status_dashboard JOIN later USING (lot_id)",
          "SELECT max(lot_number) FROM late");

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  /** What readers noticed. */
  private record Noticed(
      long reads, long errors, double longestMillis, double longestOutageMillis) {
    Noticed and(Noticed other) {
      return new Noticed(
          reads + other.reads,
          errors + other.errors,
          Math.max(longestMillis, other.longestMillis),
          Math.max(longestOutageMillis, other.longestOutageMillis));
    }
  }

  private interface Change {
    void run() throws Exception;
  }

  @Test
  void a_new_definition_under_six_readers() throws Exception {
    try (Connection connection = database.connect()) {
      Factory.load(connection, new Factory.Size(LOTS, LOTS), line -> {});
    }
    database.execute(DEPENDANTS.toArray(String[]::new));
    WipViews.of(database.dataSource()).refreshAll();
    String file = Files.readString(Path.of("views/wip_views/01_mv_wip_status_dashboard.sql"));

    List<Double> swaps = new ArrayList<>();
    Noticed idle = underReaders(() -> Thread.sleep(3000));
    Noticed promote = underReaders(() -> promote(file, swaps));
    Noticed dropAndCreate = underReaders(() -> dropAndCreate(file));

    swaps.sort(null);
    StringBuilder table = new StringBuilder();
    table
        .append("| six readers of a view of ")
        .append(LOTS)
        .append(
            " lots | reads | errors | longest read, ms | longest time without an answer, ms |\n");
    table.append("| --- | --- | --- | --- | --- |\n");
    row(table, "nothing changes", idle);
    row(table, PROMOTIONS + " promotions", promote);
    row(table, "DROP … CASCADE and CREATE, once", dropAndCreate);
    table.append(
        "\nfrom the first attempt to the swap: median %.0f ms, longest %.0f ms; longest time without an answer: 1/%.0f of DROP … CASCADE and CREATE\n"
            .formatted(
                swaps.get(swaps.size() / 2),
                swaps.get(swaps.size() - 1),
                dropAndCreate.longestOutageMillis / promote.longestOutageMillis));
    System.out.println(table);
    Files.writeString(Path.of("target/bench-promotion.md"), table);
  }

  private static void row(StringBuilder table, String what, Noticed noticed) {
    table.append(
        "| %s | %,d | %,d | %.1f | %.1f |\n"
            .formatted(
                what,
                noticed.reads,
                noticed.errors,
                noticed.longestMillis,
                noticed.longestOutageMillis));
  }

  private static void promote(String file, List<Double> swaps) throws SQLException {
    Pattern promoted = Pattern.compile("promoted in (\\d+) ms");
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (int i = 0; i < PROMOTIONS; i++) {
        statement.execute("SELECT wip_view_stage('mv_wip_status_dashboard')");
        statement.execute(file);
        statement.execute(
            "SELECT wip_view_promote('mv_wip_status_dashboard', 1, interval '20 minutes')");
        for (SQLWarning w = statement.getWarnings(); w != null; w = w.getNextWarning()) {
          Matcher matcher = promoted.matcher(w.getMessage());
          if (matcher.find()) {
            swaps.add(Double.valueOf(matcher.group(1)));
          }
        }
        connection.commit();
      }
    }
  }

  /** The guide's recovery, and what its users then have to do for their reports. */
  private static void dropAndCreate(String file) throws SQLException {
    for (String statement : Stream.concat(Stream.of(DROP, file), DEPENDANTS.stream()).toList()) {
      for (int deadlocks = 0; ; deadlocks++) {
        try {
          database.execute(statement);
          break;
        } catch (SQLException e) {
          if (!"40P01".equals(e.getSQLState()) || deadlocks == 100) {
            throw e;
          }
          // locks in another order than readers: it is the one that is ended, and whoever runs it
          // tries again
        }
      }
    }
  }

  private static Noticed underReaders(Change change) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService threads = Executors.newFixedThreadPool(READS.size());
    List<Future<Noticed>> readers = new ArrayList<>();
    try {
      for (int i = 0; i < READS.size(); i++) {
        String read = READS.get(i);
        boolean prepared = i % 2 == 0;
        readers.add(threads.submit(() -> read(read, prepared, stop)));
      }
      Thread.sleep(500);
      change.run();
      Thread.sleep(500);
      stop.set(true);
      Noticed all = new Noticed(0, 0, 0, 0);
      for (Future<Noticed> reader : readers) {
        all = all.and(reader.get());
      }
      return all;
    } finally {
      stop.set(true);
      threads.shutdownNow();
    }
  }

  private static Noticed read(String query, boolean prepared, AtomicBoolean stop)
      throws SQLException, IOException {
    long reads = 0;
    long errors = 0;
    double longest = 0;
    double longestOutage = 0;
    long lastAnswer = System.nanoTime();
    try (Connection connection = database.connect();
        Statement simple = connection.createStatement();
        PreparedStatement kept = connection.prepareStatement(query)) {
      kept.unwrap(PGStatement.class).setPrepareThreshold(1);
      while (!stop.get()) {
        long start = System.nanoTime();
        try (ResultSet row = prepared ? kept.executeQuery() : simple.executeQuery(query)) {
          row.next();
          reads++;
          longestOutage = Math.max(longestOutage, (System.nanoTime() - lastAnswer) / 1e6);
          lastAnswer = System.nanoTime();
        } catch (SQLException e) {
          errors++;
        }
        longest = Math.max(longest, (System.nanoTime() - start) / 1e6);
      }
    }
    return new Noticed(reads, errors, longest, longestOutage);
  }
}
