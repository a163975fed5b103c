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
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What both views have to say, from the raw rows by plain Java: where an item is from its history,
 * on every form of the MES. Values have the Java types of the columns, and numbers their scale; a
 * row's entries are in the order of the columns.
 */
final class ExpectedFigures {

  private static final Duration HOUR = Duration.ofHours(1);
  private static final int STATIONS = 6;
  private static final Set<String> OPEN_LOTS = Set.of("CREATED", "IN_PROGRESS", "COMPLETED");
  private static final Set<String> BEGUN = Set.of("IN_PROGRESS", "FAILED");
  private static final Set<String> COMPLETED = Set.of("COMPLETED", "CONVERTED");

  private final List<Map<String, Object>> lots;
  private final List<Map<String, Object>> processes;
  private final List<Map<String, Object>> items;
  private final List<Map<String, Object>> executions;
  private final List<Place> places;
  private final Duration stuckAfter;
  private final int bottleneckAbove;

  private ExpectedFigures(Connection connection) throws SQLException {
    lots = rows(connection, "SELECT * FROM lots");
    processes = rows(connection, "SELECT * FROM processes");
    items = rows(connection, "SELECT * FROM wip_items");
    executions = rows(connection, "SELECT * FROM wip_process_history");
    Map<Long, List<Map<String, Object>>> histories =
        executions.stream().collect(Collectors.groupingBy(row -> id(row.get("wip_item_id"))));
    places =
        items.stream()
            .filter(item -> BEGUN.contains(item.get("status")))
            .map(item -> place(item, histories.getOrDefault(id(item.get("id")), List.of())))
            .toList();
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

  /**
   * Where an item is that has begun and is not done.
   *
   * @param station number of the process, 1 to 6; null if it is at none
   */
  record Place(Map<String, Object> item, Integer station, Instant since, boolean failed) {}

  private Place place(Map<String, Object> item, List<Map<String, Object>> history) {
    boolean failed = item.get("status").equals("FAILED");
    Map<String, Object> newest =
        history.stream()
            .max(
                Comparator.comparing((Map<String, Object> row) -> (Instant) row.get("started_at"))
                    .thenComparing(row -> id(row.get("id"))))
            .orElse(null);
    if (newest == null) {
      Integer last = number(item.get("current_process_id"));
      return new Place(
          item,
          last == null ? activeAfter(0) : stationOrNone(last),
          (Instant) item.get("created_at"),
          failed);
    }
    Instant completed = (Instant) newest.get("completed_at");
    int number = number(newest.get("process_id"));
    return new Place(
        item,
        newest.get("result").equals("PASS") && completed != null
            ? activeAfter(number)
            : stationOrNone(number),
        completed == null ? (Instant) newest.get("started_at") : completed,
        failed || newest.get("result").equals("FAIL"));
  }

  private Integer number(Object processId) {
    return processId == null
        ? null
        : processes.stream()
            .filter(process -> id(process.get("id")) == id(processId))
            .map(process -> (Integer) process.get("process_number"))
            .findFirst()
            .orElseThrow();
  }

  private Integer activeAfter(int number) {
    return processes.stream()
        .filter(process -> (Boolean) process.get("is_active"))
        .map(process -> (Integer) process.get("process_number"))
        .filter(candidate -> candidate > number && candidate <= STATIONS)
        .min(Comparator.naturalOrder())
        .orElse(null);
  }

  private static Integer stationOrNone(int number) {
    return number <= STATIONS ? number : null;
  }

  /** An id, which is an integer in one MES and a bigint in another. */
  private static long id(Object value) {
    return ((Number) value).longValue();
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
        .sorted(Comparator.comparing(lot -> id(lot.get("id"))))
        .map(lot -> statusDashboard(lot, now))
        .toList();
  }

  private Map<String, Object> statusDashboard(Map<String, Object> lot, Instant now) {
    List<Map<String, Object>> own =
        items.stream().filter(item -> id(item.get("lot_id")) == id(lot.get("id"))).toList();
    List<Place> begun =
        places.stream().filter(at -> id(at.item().get("lot_id")) == id(lot.get("id"))).toList();
    long completed = count(own, item -> COMPLETED.contains(item.get("status")));
    long failed = count(begun, Place::failed);

    Map<String, Object> row = new LinkedHashMap<>();
    row.put("lot_id", lot.get("id"));
    row.put("lot_number", lot.get("lot_number"));
    row.put("product_model_id", lot.get("product_model_id"));
    row.put("production_date", lot.get("production_date"));
    row.put("lot_status", lot.get("status"));
    row.put("total_wip_count", (long) own.size());
    row.put("created_count", count(own, item -> item.get("status").equals("CREATED")));
    row.put("in_progress_count", begun.size() - failed);
    row.put("completed_count", completed);
    row.put("failed_count", failed);
    for (int number = 1; number <= STATIONS; number++) {
      Integer station = number;
      row.put("at_process_" + number + "_count", count(begun, at -> station.equals(at.station())));
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
                            Objects.requireNonNullElse(done(item), now)))
                .toList()));
    row.put(
        "first_wip_created_at",
        own.stream()
            .map(item -> (Instant) item.get("created_at"))
            .min(Comparator.naturalOrder())
            .orElse(null));
    row.put(
        "last_wip_completed_at",
        own.stream()
            .map(ExpectedFigures::done)
            .filter(Objects::nonNull)
            .max(Comparator.naturalOrder())
            .orElse(null));
    row.put("last_refreshed_at", now);
    row.put(
        "converted_count",
        count(
            own, item -> item.get("status").equals("CONVERTED") || item.get("serial_id") != null));
    return row;
  }

  /** One MES sets completed_at, another only the time of the serial. */
  private static Instant done(Map<String, Object> item) {
    return (Instant)
        (item.get("completed_at") != null ? item.get("completed_at") : item.get("converted_at"));
  }

  List<Map<String, Object>> processQueue(Instant now) {
    return processes.stream()
        .filter(process -> (Boolean) process.get("is_active"))
        .filter(process -> (int) process.get("process_number") <= STATIONS)
        .sorted(Comparator.comparing(process -> id(process.get("id"))))
        .map(process -> processQueue(process, now))
        .toList();
  }

  private Map<String, Object> processQueue(Map<String, Object> process, Instant now) {
    List<Place> queue =
        places.stream().filter(at -> process.get("process_number").equals(at.station())).toList();
    List<Map<String, Object>> lastHour =
        executions.stream()
            .filter(execution -> id(execution.get("process_id")) == id(process.get("id")))
            .filter(execution -> within(HOUR, (Instant) execution.get("completed_at"), now))
            .toList();
    Instant oldest = queue.stream().map(Place::since).min(Comparator.naturalOrder()).orElse(null);
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
    row.put("in_progress_count", count(queue, at -> !at.failed()));
    row.put("failed_count", count(queue, Place::failed));
    row.put(
        "avg_wait_time_seconds", mean(queue.stream().map(at -> seconds(at.since(), now)).toList()));
    row.put("max_wait_time_seconds", oldest == null ? null : mean(List.of(seconds(oldest, now))));
    row.put("oldest_wip_timestamp", oldest);
    row.put("completed_last_hour", (long) lastHour.size());
    row.put("passed_last_hour", passed);
    row.put(
        "failed_last_hour", count(lastHour, execution -> execution.get("result").equals("FAIL")));
    row.put("pass_rate_last_hour_pct", percent(passed, lastHour.size()));
    row.put(
        "avg_process_duration_last_hour_seconds",
        mean(lastHour.stream().map(ExpectedFigures::duration).toList()));
    row.put(
        "estimated_queue_time_hours",
        planned == null
            ? null
            : BigDecimal.valueOf(queue.size())
                .multiply(BigDecimal.valueOf(planned))
                .divide(BigDecimal.valueOf(3600), 2, RoundingMode.HALF_UP));
    row.put(
        "lot_count_in_queue", queue.stream().map(at -> at.item().get("lot_id")).distinct().count());
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

  /** Not every MES writes the duration. */
  private static BigDecimal duration(Map<String, Object> execution) {
    Integer written = (Integer) execution.get("duration_seconds");
    return written != null
        ? BigDecimal.valueOf(written)
        : seconds((Instant) execution.get("started_at"), (Instant) execution.get("completed_at"));
  }

  private static boolean within(Duration period, Instant time, Instant now) {
    return time != null && time.isAfter(now.minus(period)) && !time.isAfter(now);
  }

  private static <T> long count(List<T> rows, Predicate<T> condition) {
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

  private static Integer mean(List<BigDecimal> seconds) {
    return seconds.isEmpty()
        ? null
        : seconds.stream()
            .reduce(BigDecimal.ZERO, BigDecimal::add)
            .divide(BigDecimal.valueOf(seconds.size()), 0, RoundingMode.HALF_UP)
            .intValueExact();
  }
}
