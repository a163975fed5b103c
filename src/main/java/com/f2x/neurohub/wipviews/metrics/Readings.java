package com.f2x.neurohub.wipviews.metrics;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_HISTORY;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;

import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import com.f2x.neurohub.wipviews.internal.TimeLimitedQuery;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last reading of the database, and the attempts counted so far.
 *
 * <p>Attempts are counted in the history, where a row may be committed late, ends late, and is
 * pruned in the end. So there is a mark. Below it everything has ended, is added up here once and
 * not read again; above it, which is a quarter of an hour and what is still running, attempts are
 * counted with each reading.
 */
final class Readings {

  private static final Logger LOG = LoggerFactory.getLogger(WipViewsMetrics.class);

  static final List<Outcome> ENDS =
      List.of(Outcome.REFRESHED, Outcome.COALESCED, Outcome.FAILED, Outcome.FROZEN);

  /**
   * Where counting starts: below every attempt that may still end, or be committed. A transaction
   * may keep a request to itself for a quarter of an hour.
   */
  private static final String FIRST_MARK =
      """
      SELECT least(
        coalesce((
          SELECT r.refresh_id
          FROM {0} AS r
          WHERE r.requested_at < pg_catalog.clock_timestamp() - interval '15 minutes'
          ORDER BY r.refresh_id DESC
          LIMIT 1
        ), 0::bigint),
        (SELECT pg_catalog.min(r.refresh_id) - 1::bigint FROM {0} AS r WHERE r.outcome = 'running')
      )
      """;

  /** A row per registered view: its freshness, and how many attempts ended above the mark. */
  private static final String READING =
      """
      WITH above AS MATERIALIZED (
        SELECT
          h.view_name,
          h.outcome,
          h.refresh_id,
          h.outcome = 'running' OR h.requested_at > pg_catalog.clock_timestamp() - interval '15 minutes' AS open
        FROM {1} AS h
        WHERE h.refresh_id > {2}
      ),
      next AS (
        SELECT coalesce(pg_catalog.min(a.refresh_id) FILTER (WHERE a.open) - 1::bigint, pg_catalog.max(a.refresh_id), {2}) AS mark
        FROM above AS a
      )
      SELECT
        f.view_name,
        f.state,
        extract(epoch FROM f.age)::double precision AS age,
        extract(epoch FROM f.target)::double precision AS target,
        f.rows::double precision,
        f.bytes::double precision,
        extract(epoch FROM f.last_duration)::double precision AS last_duration,
        f.failures_in_a_row::double precision,
        f.dead_rows::double precision,
        coalesce(extract(epoch FROM f.running_for), 0)::double precision AS running_for,
        f.waiting_callers::double precision,
        next.mark,
        ended.*
      FROM {0} AS f
      CROSS JOIN next
      CROSS JOIN LATERAL (
        SELECT
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'refreshed') AS refreshed,
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'coalesced') AS coalesced,
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'failed') AS failed,
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'frozen') AS frozen,
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'refreshed' AND a.refresh_id <= next.mark) AS refreshed_below,
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'coalesced' AND a.refresh_id <= next.mark) AS coalesced_below,
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'failed' AND a.refresh_id <= next.mark) AS failed_below,
          pg_catalog.count(*) FILTER (WHERE a.outcome = 'frozen' AND a.refresh_id <= next.mark) AS frozen_below
        FROM above AS a
        WHERE a.view_name = f.view_name
      ) AS ended
      """;

  /**
   * One reading of the database.
   *
   * @param up whether it answered
   * @param views by name; empty if it did not
   */
  record Reading(boolean up, Map<String, View> views) {}

  /** Figures of a view, in seconds, rows and bytes; NaN where there is none. */
  record View(
      State state,
      double age,
      double target,
      double rows,
      double bytes,
      double lastDuration,
      double failuresInARow,
      double deadRows,
      double runningFor,
      double waitingCallers) {}

  /** The attempts of one view with one outcome. */
  private static final class Counter {
    /** Those that had ended before the first reading. */
    private long zero;

    private long belowMark;
    private long counted;
  }

  /**
   * The rows of a reading.
   *
   * @param from above which mark it counted
   */
  private record Rows(long from, List<Record> rows) {}

  private final TimeLimitedQuery<Rows> database;
  private final Duration kept;
  private final Map<List<Object>, Counter> counters = new HashMap<>();

  private @Nullable Reading reading;
  private long readAt;
  private volatile @Nullable Long mark;

  /**
   * @param timeout how long a reading is waited for
   * @param kept how long it is current
   */
  Readings(WipViews views, Duration timeout, Duration kept) {
    WipViews bounded = views.withStatementTimeout(timeout);
    this.database = new TimeLimitedQuery<>(() -> bounded.read(this::rows), timeout);
    this.kept = kept;
  }

  /**
   * Asks the database, unless the last reading is recent. Callers that come meanwhile wait for the
   * answer.
   */
  synchronized Reading current() {
    if (reading == null || System.nanoTime() - readAt > kept.toNanos()) {
      reading = read();
      // after the answer: a database that takes long to fail is asked once per scrape too
      readAt = System.nanoTime();
    }
    return reading;
  }

  /** Returns how many attempts ended in this way since the first reading. Never decreases. */
  synchronized long counted(String view, Outcome outcome) {
    return counter(view, outcome).counted;
  }

  private Reading read() {
    try {
      return database
          .ask()
          .map(rows -> new Reading(true, figures(rows)))
          .orElseGet(() -> new Reading(false, Map.of()));
    } catch (WipViewsException e) {
      LOG.debug("no metrics of the views", e);
      return new Reading(false, Map.of());
    }
  }

  private Rows rows(DSLContext db) {
    @Nullable Long known = mark;
    long from = known == null ? (Long) db.fetchValue(FIRST_MARK, WIP_VIEW_REFRESH) : known;
    return new Rows(
        from,
        List.copyOf(db.fetch(READING, WIP_VIEW_FRESHNESS, WIP_VIEW_HISTORY, DSL.inline(from))));
  }

  private Map<String, View> figures(Rows read) {
    boolean first = mark == null;
    long next = read.from();
    Map<String, View> found = new LinkedHashMap<>();
    for (Record row : read.rows()) {
      String view = row.get("view_name", String.class);
      found.put(view, view(row));
      for (Outcome outcome : ENDS) {
        String column = ConstantNames.of(outcome);
        Counter counter = counter(view, outcome);
        long ended = counter.belowMark + row.get(column, Long.class);
        counter.belowMark += row.get(column + "_below", Long.class);
        counter.zero = first ? ended : counter.zero;
        // an attempt that was taken for dead may still succeed
        counter.counted = Math.max(counter.counted, ended - counter.zero);
      }
      next = row.get("mark", Long.class);
    }
    mark = next;
    return found;
  }

  private Counter counter(String view, Outcome outcome) {
    return counters.computeIfAbsent(List.of(view, outcome), of -> new Counter());
  }

  private static View view(Record row) {
    return new View(
        State.valueOf(row.get("state", String.class).toUpperCase(Locale.ROOT)),
        figure(row, "age"),
        figure(row, "target"),
        figure(row, "rows"),
        figure(row, "bytes"),
        figure(row, "last_duration"),
        figure(row, "failures_in_a_row"),
        figure(row, "dead_rows"),
        figure(row, "running_for"),
        figure(row, "waiting_callers"));
  }

  private static double figure(Record row, String column) {
    Double figure = row.get(column, Double.class);
    return figure == null ? Double.NaN : figure;
  }
}
