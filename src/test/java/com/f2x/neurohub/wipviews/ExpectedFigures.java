package com.f2x.neurohub.wipviews;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What both views have to say, from the raw rows by plain Java. Values have the Java types of the
 * columns, and numbers their scale; a row's entries are in the order of the columns.
 */
final class ExpectedFigures {

  private static final Duration HOUR = Duration.ofHours(1);
  private static final Set<String> OPEN_LOTS = Set.of("CREATED", "IN_PROGRESS", "COMPLETED");
  private static final Set<String> WAITING = Set.of("IN_PROGRESS", "FAILED");
  private static final Set<String> COMPLETED = Set.of("COMPLETED", "CONVERTED");

  private final List<Map<String, Object>> lots;
  private final List<Map<String, Object>> processes;
  private final List<Map<String, Object>> items;
  private final List<Map<String, Object>> executions;
  private final Duration stuckAfter;
  private final int bottleneckAbove;

  private ExpectedFigures(Connection connection) throws SQLException {
    lots = rows(connection, "SELECT * FROM lots");
    processes = rows(connection, "SELECT * FROM processes");
    items = rows(connection, "SELECT * FROM wip_items");
    executions = rows(connection, "SELECT * FROM wip_process_history");
    Map<String, Object> settings =
        rows(
                connection,
                "SELECT extract(epoch FROM stuck_after)::bigint AS stuck, bottleneck_above"
                    + " FROM wip_view_settings")
            .get(0);
    stuckAfter = Duration.ofSeconds((long) settings.get("stuck"));
    bottleneckAbove = (int) settings.get("bottleneck_above");
  }

  /** Reads the raw rows. */
  static ExpectedFigures of(Connection connection) throws SQLException {
    return new ExpectedFigures(connection);
  }

  /** Reads rows with their Java types: what is compared is values, not their text. */
  static List<Map<String, Object>> rows(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      ResultSetMetaData columns = result.getMetaData();
      List<Map<String, Object>> rows = new ArrayList<>();
      while (result.next()) {
        Map<String, Object> row = new LinkedHashMap<>();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
          row.put(columns.getColumnName(i), value(result, i, columns.getColumnTypeName(i)));
        }
        rows.add(row);
      }
      return rows;
    }
  }

  private static Object value(ResultSet result, int column, String type) throws SQLException {
    return switch (type) {
      case "timestamptz" -> {
        OffsetDateTime time = result.getObject(column, OffsetDateTime.class);
        yield time == null ? null : time.toInstant();
      }
      case "date" -> result.getObject(column, LocalDate.class);
      default -> result.getObject(column);
    };
  }

  List<Map<String, Object>> statusDashboard(Instant now) {
    return lots.stream()
        .filter(lot -> OPEN_LOTS.contains(lot.get("status")))
        .sorted(Comparator.comparing(lot -> (Long) lot.get("id")))
        .map(lot -> statusDashboard(lot, now))
        .toList();
  }

  private Map<String, Object> statusDashboard(Map<String, Object> lot, Instant now) {
    List<Map<String, Object>> own =
        items.stream().filter(item -> item.get("lot_id").equals(lot.get("id"))).toList();
    long completed = count(own, item -> COMPLETED.contains(item.get("status")));
    long failed = count(own, item -> item.get("status").equals("FAILED"));

    Map<String, Object> row = new LinkedHashMap<>();
    row.put("lot_id", lot.get("id"));
    row.put("lot_number", lot.get("lot_number"));
    row.put("product_model_id", lot.get("product_model_id"));
    row.put("production_date", lot.get("production_date"));
    row.put("lot_status", lot.get("status"));
    row.put("total_wip_count", (long) own.size());
    row.put("created_count", count(own, item -> item.get("status").equals("CREATED")));
    row.put("in_progress_count", count(own, item -> item.get("status").equals("IN_PROGRESS")));
    row.put("completed_count", completed);
    row.put("converted_count", count(own, item -> item.get("status").equals("CONVERTED")));
    row.put("failed_count", failed);
    for (int number = 1; number <= 6; number++) {
      Object station = station(number);
      row.put(
          "at_process_" + number + "_count",
          count(
              own,
              item ->
                  station != null
                      && WAITING.contains(item.get("status"))
                      && station.equals(item.get("current_process_id"))));
    }
    row.put("completion_rate_pct", percent(completed, own.size()));
    row.put("failure_rate_pct", percent(failed, own.size()));
    row.put(
        "avg_cycle_time_seconds",
        mean(
            own.stream()
                .map(
                    item ->
                        seconds(
                            (Instant) item.get("created_at"),
                            Objects.requireNonNullElse((Instant) item.get("completed_at"), now)))
                .toList()));
    row.put(
        "first_wip_created_at",
        times(own, "created_at").min(Comparator.naturalOrder()).orElse(null));
    row.put(
        "last_wip_completed_at",
        times(own, "completed_at").max(Comparator.naturalOrder()).orElse(null));
    row.put("last_refreshed_at", now);
    return row;
  }

  List<Map<String, Object>> processQueue(Instant now) {
    return processes.stream()
        .filter(process -> (Boolean) process.get("is_active"))
        .filter(process -> (int) process.get("process_number") <= 6)
        .sorted(Comparator.comparing(process -> (Long) process.get("id")))
        .map(process -> processQueue(process, now))
        .toList();
  }

  private Map<String, Object> processQueue(Map<String, Object> process, Instant now) {
    List<Map<String, Object>> queue =
        items.stream()
            .filter(item -> WAITING.contains(item.get("status")))
            .filter(item -> process.get("id").equals(item.get("current_process_id")))
            .toList();
    List<Map<String, Object>> lastHour =
        executions.stream()
            .filter(execution -> execution.get("process_id").equals(process.get("id")))
            .filter(execution -> within(HOUR, (Instant) execution.get("completed_at"), now))
            .toList();
    Instant oldest = times(queue, "updated_at").min(Comparator.naturalOrder()).orElse(null);
    Integer planned = (Integer) process.get("estimated_duration_seconds");
    long passed = count(lastHour, execution -> execution.get("result").equals("PASS"));

    Map<String, Object> row = new LinkedHashMap<>();
    row.put("process_id", process.get("id"));
    row.put("process_number", process.get("process_number"));
    row.put("process_code", process.get("process_code"));
    row.put("process_name_en", process.get("process_name_en"));
    row.put("process_name_ko", process.get("process_name_ko"));
    row.put("estimated_duration_seconds", planned);
    row.put("wip_count_at_process", (long) queue.size());
    row.put("in_progress_count", count(queue, item -> item.get("status").equals("IN_PROGRESS")));
    row.put("failed_count", count(queue, item -> item.get("status").equals("FAILED")));
    row.put(
        "avg_wait_time_seconds",
        mean(times(queue, "updated_at").map(since -> seconds(since, now)).toList()));
    row.put("max_wait_time_seconds", oldest == null ? null : rounded(seconds(oldest, now)));
    row.put("oldest_wip_timestamp", oldest);
    row.put("completed_last_hour", (long) lastHour.size());
    row.put("passed_last_hour", passed);
    row.put(
        "failed_last_hour", count(lastHour, execution -> execution.get("result").equals("FAIL")));
    row.put("pass_rate_last_hour_pct", percent(passed, lastHour.size()));
    row.put(
        "avg_process_duration_last_hour_seconds",
        mean(
            lastHour.stream()
                .map(execution -> (Integer) execution.get("duration_seconds"))
                .filter(Objects::nonNull)
                .map(BigDecimal::valueOf)
                .toList()));
    row.put(
        "estimated_queue_time_hours",
        planned == null
            ? null
            : BigDecimal.valueOf(queue.size())
                .multiply(BigDecimal.valueOf(planned))
                .divide(BigDecimal.valueOf(3600), 2, RoundingMode.HALF_UP));
    row.put(
        "lot_count_in_queue", queue.stream().map(item -> item.get("lot_id")).distinct().count());
    row.put(
        "has_stuck_wip", oldest != null && Duration.between(oldest, now).compareTo(stuckAfter) > 0);
    row.put("is_bottleneck", queue.size() > bottleneckAbove);
    row.put("last_refreshed_at", now);
    return row;
  }

  /** Completed executions on either side of the edge of the last hour, a second away at most. */
  boolean hasRowsOnBothSidesOfTheHour(Instant now) {
    Instant edge = now.minus(HOUR);
    return times(executions, "completed_at")
            .anyMatch(at -> !at.isAfter(edge) && at.isAfter(edge.minusSeconds(1)))
        && times(executions, "completed_at")
            .anyMatch(at -> at.isAfter(edge) && at.isBefore(edge.plusSeconds(1)));
  }

  private Object station(int number) {
    return processes.stream()
        .filter(process -> process.get("process_number").equals(number))
        .map(process -> process.get("id"))
        .findFirst()
        .orElse(null);
  }

  private static boolean within(Duration period, Instant time, Instant now) {
    return time != null && time.isAfter(now.minus(period)) && !time.isAfter(now);
  }

  private static long count(
      List<Map<String, Object>> rows, Predicate<Map<String, Object>> condition) {
    return rows.stream().filter(condition).count();
  }

  private static Stream<Instant> times(List<Map<String, Object>> rows, String column) {
    return rows.stream().map(row -> (Instant) row.get(column)).filter(Objects::nonNull);
  }

  private static BigDecimal seconds(Instant from, Instant to) {
    Duration duration = Duration.between(from, to);
    return BigDecimal.valueOf(duration.getSeconds()).add(BigDecimal.valueOf(duration.getNano(), 9));
  }

  private static BigDecimal percent(long part, long of) {
    return of == 0
        ? null
        : BigDecimal.valueOf(100 * part).divide(BigDecimal.valueOf(of), 2, RoundingMode.HALF_UP);
  }

  private static BigDecimal mean(List<BigDecimal> values) {
    return values.isEmpty()
        ? null
        : values.stream()
            .reduce(BigDecimal.ZERO, BigDecimal::add)
            .divide(BigDecimal.valueOf(values.size()), 2, RoundingMode.HALF_UP);
  }

  private static BigDecimal rounded(BigDecimal value) {
    return value.setScale(2, RoundingMode.HALF_UP);
  }
}
