package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;

import com.f2x.neurohub.wipviews.internal.Durations;
import com.f2x.neurohub.wipviews.internal.doctor.Site.ReadTable;
import java.time.Duration;
import java.util.List;
import org.jooq.Record;
import org.jooq.impl.DSL;

/**
 * A refresh that takes longer than there is between two.
 *
 * <p>Nobody but the scheduler knows the interval that was meant, so it is read from the history, as
 * the share of the time that is spent refreshing. Whoever waits for a refresh before the next one
 * starts it at the first tick after the end: of a refresh that takes d, every t, there is one in
 * ceil(d / t) ticks, and while d is longer than t its share is above one half. Whoever does not
 * wait queues them up, and its share is nearly all. Either way: more than half.
 */
final class SlowRefresh implements Check {

  /** The latest refreshes that are looked at. */
  private static final int LATEST = 10;

  /** With fewer than this there is no interval to speak of. */
  private static final int FEWEST = 4;

  /** Whoever refreshes a view that takes less, all the time, means it. */
  private static final double SECONDS = 1;

  @Override
  public String id() {
    return "slow-refresh";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT
              v.view_name,
              extract(epoch FROM v.freshness_target)::float8 AS target,
              took.typical,
              took.every,
              took.share
            FROM {0} AS v
            CROSS JOIN LATERAL (
              SELECT
                count(*),
                percentile_cont(0.5) WITHIN GROUP (ORDER BY latest.seconds) AS typical,
                extract(epoch FROM max(latest.started_at) - min(latest.started_at))::float8 / (count(*) - 1) AS every,
                -- the last one is not within the time that is measured
                sum(latest.seconds) FILTER (WHERE latest.place > 1)
                  / nullif(extract(epoch FROM max(latest.started_at) - min(latest.started_at))::float8, 0) AS share
              FROM (
                SELECT
                  r.started_at,
                  extract(epoch FROM r.duration)::float8 AS seconds,
                  row_number() OVER (ORDER BY r.refresh_id DESC) AS place
                FROM {1} AS r
                WHERE r.view_name = v.view_name AND r.outcome = 'refreshed' AND r.mode <> 'rebuild'
                ORDER BY r.refresh_id DESC
                LIMIT {2}
              ) AS latest
              HAVING count(*) >= {3}
            ) AS took
            WHERE took.typical >= {4}
              AND (took.share > 0.5 OR took.typical > extract(epoch FROM v.freshness_target)::float8)
            ORDER BY v.refresh_order, v.view_name
            """,
            WIP_VIEW, WIP_VIEW_REFRESH, DSL.val(LATEST), DSL.val(FEWEST), DSL.val(SECONDS))
        .fetch(row -> fault(site, row));
  }

  private Fault fault(Site site, Record row) {
    String view = row.get(0, String.class);
    double target = row.get(1, Double.class);
    double typical = row.get(2, Double.class);
    List<String> analyze =
        Fault.about(
            "ANALYZE",
            site.tables().stream()
                .filter(table -> table.view().equals(view))
                .map(ReadTable::quoted)
                .toList());
    return Fault.of(
            this,
            view,
            "a refresh takes "
                + words(typical)
                + (typical > target
                    ? ", longer than its target of " + words(target)
                    : " and one begins every " + words(row.get(3, Double.class))),
            typical > target
                ? "Its rows are stale before they are there."
                    + (analyze.isEmpty() ? " Give" : " If analyzing its tables does not help, give")
                    + " it a target that it can keep, by UPDATE of wip_view.freshness_target."
                : "The server does little else, and callers wait for their turn."
                    + (analyze.isEmpty()
                        ? " Refresh"
                        : " If analyzing its tables does not help, refresh")
                    + " it less often than every "
                    + words(2 * typical)
                    + ".",
            analyze)
        .thatIsSafe();
  }

  private static String words(double seconds) {
    return Durations.words(Duration.ofMillis(Math.round(seconds * 1000)));
  }
}
