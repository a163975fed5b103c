package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rows as the command line's JSON has them: named after the columns of the database, times in ISO
 * 8601, durations in seconds. Plain values, so that any JSON library writes them in the same way,
 * however the service has configured it.
 */
final class Rows {

  private Rows() {}

  /** A row of {@code wip_view_refresh}. */
  static Map<String, @Nullable Object> of(Refresh refresh) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("refresh_id", refresh.id());
    row.put("view_name", refresh.view());
    row.put("outcome", ConstantNames.of(refresh.outcome()));
    row.put("mode", ConstantNames.ofNullable(refresh.mode()));
    row.put("mode_reason", refresh.modeReason());
    row.put("requested_at", iso(refresh.requestedAt()));
    row.put("started_at", iso(refresh.startedAt()));
    row.put("finished_at", iso(refresh.finishedAt()));
    row.put("duration", seconds(refresh.duration()));
    row.put("rows", refresh.rows());
    row.put("bytes", refresh.bytes());
    row.put("served_by", refresh.servedBy());
    row.put("sqlstate", refresh.sqlState());
    row.put("error", refresh.error());
    row.put("role", refresh.role());
    row.put("application_name", refresh.applicationName());
    row.put("call_id", refresh.callId());
    row.put("pid", refresh.pid());
    return row;
  }

  /** A row of {@code wip_view_freshness}. */
  static Map<String, @Nullable Object> of(Freshness freshness) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("view_name", freshness.view());
    row.put("state", ConstantNames.of(freshness.state()));
    row.put("last_refreshed_at", iso(freshness.lastRefreshedAt()));
    row.put("age", seconds(freshness.age()));
    row.put("target", seconds(freshness.target()));
    row.put("last_attempt_at", iso(freshness.lastAttemptAt()));
    row.put("last_outcome", ConstantNames.ofNullable(freshness.lastOutcome()));
    row.put("last_error", freshness.lastError());
    row.put("last_duration", seconds(freshness.lastDuration()));
    row.put("rows", freshness.rows());
    row.put("bytes", freshness.bytes());
    row.put("failures_in_a_row", freshness.failuresInARow());
    row.put("dead_rows", freshness.deadRows());
    row.put("running_since", iso(freshness.runningSince()));
    row.put("running_for", seconds(freshness.runningFor()));
    row.put("running_pid", freshness.runningPid());
    row.put("waiting_callers", freshness.waitingCallers());
    row.put("frozen_since", iso(freshness.frozenSince()));
    return row;
  }

  private static @Nullable String iso(@Nullable Instant time) {
    return time == null ? null : time.toString();
  }

  /** To the microsecond, as PostgreSQL has it. */
  private static @Nullable BigDecimal seconds(@Nullable Duration duration) {
    return duration == null
        ? null
        : BigDecimal.valueOf(duration.toSeconds() * 1_000_000 + duration.toNanosPart() / 1_000, 6);
  }
}
