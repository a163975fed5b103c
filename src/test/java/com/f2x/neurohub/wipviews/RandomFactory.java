package com.f2x.neurohub.wipviews;

import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.StringJoiner;
import java.util.stream.IntStream;
import org.postgresql.PGConnection;

/**
 * A factory in which no column follows from another, as no MES would ever have it: so that no
 * figure is right by luck. The same seed makes the same factory, but for the time of the day.
 */
public final class RandomFactory {

  private static final Duration HOUR = Duration.ofHours(1);
  private static final List<String> LOT_STATUSES =
      List.of("CREATED", "IN_PROGRESS", "COMPLETED", "CLOSED");
  private static final List<String> ITEM_STATUSES =
      List.of(
          "CREATED",
          "IN_PROGRESS",
          "IN_PROGRESS",
          "IN_PROGRESS",
          "COMPLETED",
          "FAILED",
          "CONVERTED");
  private static final List<String> RESULTS = List.of("PASS", "FAIL", "REWORK");

  private static final String EXECUTIONS =
      "wip_process_history (id, wip_item_id, process_id, operator_id, result, started_at,"
          + " completed_at, duration_seconds)";

  private final Random random;
  private final int lots;
  private final int itemsPerLot;
  private final int rowsAtTheEdge;

  private final List<Long> processes = new ArrayList<>();
  private final StringBuilder lotRows = new StringBuilder();
  private final StringBuilder processRows = new StringBuilder();
  private final StringBuilder itemRows = new StringBuilder();
  private final StringBuilder executionRows = new StringBuilder();
  private Instant now;
  private long items;
  private long executions;

  /**
   * Describes a factory.
   *
   * @param lots lots in all, of any status
   * @param itemsPerLot items of a lot at most, up to 100
   * @param rowsAtTheEdge executions completed about an hour before {@link #now}, a millisecond from
   *     one to the next
   */
  public RandomFactory(Random random, int lots, int itemsPerLot, int rowsAtTheEdge) {
    this.random = random;
    this.lots = lots;
    this.itemsPerLot = itemsPerLot;
    this.rowsAtTheEdge = rowsAtTheEdge;
  }

  int lots() {
    return lots;
  }

  /** The moment at which the factory was made. */
  Instant now() {
    return now;
  }

  int rowsAtTheEdge() {
    return rowsAtTheEdge;
  }

  /** Puts the factory in the place of whatever the four tables held. */
  public void load(Connection connection) throws SQLException, IOException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      // no trigger sets a time or derives a duration: the rows are as they are written here
      statement.execute("SET LOCAL session_replication_role = replica");
      statement.execute("TRUNCATE lots, processes, wip_items, wip_process_history");
      now = clock(statement);
      make();
      copy(
          connection,
          "processes (id, process_number, process_code, process_name_ko, process_name_en,"
              + " estimated_duration_seconds, is_active, sort_order)",
          processRows);
      copy(connection, "lots (id, lot_number, product_model_id, production_date, status)", lotRows);
      copy(
          connection,
          "wip_items (id, wip_id, lot_id, sequence_in_lot, serial_id, status, current_process_id,"
              + " created_at, updated_at, completed_at, converted_at)",
          itemRows);
      copy(connection, EXECUTIONS, executionRows);
      connection.commit();
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  private static void copy(Connection connection, String into, StringBuilder rows)
      throws SQLException, IOException {
    connection
        .unwrap(PGConnection.class)
        .getCopyAPI()
        .copyIn("COPY " + into + " FROM STDIN", new StringReader(rows.toString()));
  }

  private void make() {
    List<Integer> ids = new ArrayList<>(IntStream.rangeClosed(11, 99).boxed().toList());
    Collections.shuffle(ids, random);
    for (int number = 1; number <= 8; number++) {
      // a line may lack a station; an id is never the number by luck
      if (number > 2 && chance(0.1)) {
        continue;
      }
      long id = ids.get(number);
      processes.add(id);
      row(
          processRows,
          id,
          number,
          "CODE_" + id,
          "공정 " + id,
          "Process " + id,
          chance(0.25) ? null : 1 + random.nextInt(5000),
          number == 1 || chance(0.8),
          number);
    }
    for (long lot = 1; lot <= lots; lot++) {
      lot(lot * 7);
    }
    makeEdge();
  }

  private void makeEdge() {
    Instant first = now.minus(HOUR).minusMillis(rowsAtTheEdge / 2);
    for (int i = 0; i < rowsAtTheEdge; i++) {
      execution(1, first.plusMillis(i));
    }
  }

  private static Instant clock(Statement statement) throws SQLException {
    try (ResultSet clock = statement.executeQuery("SELECT clock_timestamp()")) {
      clock.next();
      return clock.getTimestamp(1).toInstant();
    }
  }

  private void lot(long lot) {
    row(
        lotRows,
        lot,
        "LOT" + lot,
        random.nextInt(1000),
        "2026-01-" + String.format("%02d", 1 + random.nextInt(28)),
        any(LOT_STATUSES));
    int count = itemsPerLot == 0 || chance(0.25) ? 0 : 1 + random.nextInt(itemsPerLot);
    for (int sequence = 1; sequence <= count; sequence++) {
      long item = ++items;
      row(
          itemRows,
          item,
          "WIP-" + lot + "-" + sequence,
          lot,
          sequence,
          chance(0.8) ? null : item,
          any(ITEM_STATUSES),
          chance(0.2) ? null : any(processes),
          ago(Duration.ofDays(40)),
          some(),
          chance(0.6) ? null : some(),
          chance(0.8) ? null : some());
      Instant same = some();
      for (int i = random.nextInt(9) - 2; i > 0; i--) {
        // in no order, and some at one time: the id decides between these
        execution(item, chance(0.2) ? null : chance(0.3) ? same : some());
      }
    }
  }

  private void execution(long item, Instant completed) {
    Instant started =
        (completed == null ? now : completed)
            .minus(chance(0.5) ? 60 : random.nextInt(10_000), ChronoUnit.SECONDS);
    row(
        executionRows,
        ++executions,
        item,
        any(processes),
        1,
        any(RESULTS),
        started,
        completed,
        chance(0.2) ? null : random.nextInt(10_000));
  }

  /** Long ago, lately, about an hour ago or, since clocks differ, in a moment. */
  private Instant some() {
    double kind = random.nextDouble();
    if (kind < 0.03) {
      return now.plus(random.nextInt(60_000_000) + 10_000_000, ChronoUnit.MICROS);
    }
    if (kind < 0.3) {
      return now.minus(HOUR).plus(random.nextInt(4_000_000) - 1_000_000, ChronoUnit.MICROS);
    }
    return kind < 0.7 ? ago(HOUR.multipliedBy(2)) : ago(Duration.ofDays(40));
  }

  private Instant ago(Duration atMost) {
    return now.minus((long) (random.nextDouble() * atMost.toNanos() / 1000), ChronoUnit.MICROS);
  }

  private boolean chance(double of) {
    return random.nextDouble() < of;
  }

  private <T> T any(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  private static void row(StringBuilder rows, Object... values) {
    StringJoiner row = new StringJoiner("\t", "", "\n");
    for (Object value : values) {
      row.add(value == null ? "\\N" : value.toString());
    }
    rows.append(row);
  }
}
