package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_BLOCKERS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;

import com.f2x.neurohub.wipviews.internal.Durations;
import java.time.Duration;
import java.util.List;
import org.jooq.Record;
import org.jooq.impl.DSL;

/**
 * A refresh that runs now, and has for longer than the view may be old, or for many times as long
 * as the latest ones did. Callers wait behind it, and the view gets no newer.
 */
final class RunningRefresh implements Check {

  /** The latest refreshes that tell what is usual. */
  private static final int LATEST = 10;

  private static final int TIMES_THE_USUAL = 10;

  /** Below this, a refresh that is slow for once is no concern. */
  private static final Duration SHORTEST = Duration.ofMinutes(1);

  @Override
  public String id() {
    return "running-refresh";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT
              f.view_name,
              f.running_pid,
              extract(epoch FROM f.running_for)::float8,
              to_char(f.running_since, 'YYYY-MM-DD HH24:MI:SS TZ'),
              f.waiting_callers,
              usual.seconds,
              a.wait_event_type || ': ' || a.wait_event AS waits_for,
              blocker.pid,
              blocker.remedy
            FROM {0} AS f
            LEFT JOIN pg_stat_activity AS a ON a.pid = f.running_pid
            CROSS JOIN LATERAL (
              SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY latest.seconds) AS seconds
              FROM (
                SELECT extract(epoch FROM r.duration)::float8 AS seconds
                FROM {1} AS r
                WHERE r.view_name = f.view_name AND r.outcome = 'refreshed' AND r.mode <> 'rebuild'
                ORDER BY r.refresh_id DESC
                LIMIT {3}
              ) AS latest
            ) AS usual
            LEFT JOIN LATERAL (
              SELECT b.pid, b.remedy FROM {2} AS b WHERE b.blocked_pid = f.running_pid LIMIT 1
            ) AS blocker ON true
            WHERE f.running_for > least(
              f.target,
              greatest(usual.seconds * {4} * interval '1 s', {5} * interval '1 s'))
            ORDER BY f.running_since, f.view_name
            """,
            WIP_VIEW_FRESHNESS,
            WIP_VIEW_REFRESH,
            WIP_VIEW_BLOCKERS,
            DSL.val(LATEST),
            DSL.val(TIMES_THE_USUAL),
            DSL.val(SHORTEST.toSeconds()))
        .fetch(this::fault);
  }

  private Fault fault(Record row) {
    int pid = row.get(1, Integer.class);
    long waiting = row.get(4, Long.class);
    Double usual = row.get(5, Double.class);
    String waitsFor = row.get(6, String.class);
    Integer blocker = row.get(7, Integer.class);
    return Fault.of(
        this,
        row.get(0, String.class),
        "a refresh by pid "
            + pid
            + " has been running for "
            + words(row.get(2, Double.class))
            + ", since "
            + row.get(3, String.class)
            + (usual == null ? "" : "; the latest ones took " + words(usual))
            + (waiting == 0 ? "" : "; " + waiting + " behind it"),
        (blocker != null
                ? "It waits for pid " + blocker + "."
                : waitsFor == null
                    ? "It does not wait, it works."
                    : "It waits for " + waitsFor + ".")
            + " The view gets no newer until it ends; one that is cancelled leaves the view its"
            + " rows.",
        blocker == null ? "SELECT pg_cancel_backend(" + pid + ");" : row.get(8, String.class));
  }

  private static String words(double seconds) {
    return Durations.words(Duration.ofMillis(Math.round(seconds * 1000)));
  }
}
