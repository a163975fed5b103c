package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.Column;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewDailyRecord;
import java.time.Duration;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/**
 * The refreshes of a view on one day: a row of the database's view {@code wip_view_daily}.
 *
 * @param view name of the view
 * @param day the day on which they were requested, in the time zone of the session, which is the
 *     JVM's unless the connection says otherwise
 * @param attempts how often a refresh was requested, including those that are still running
 * @param refreshed attempts that refreshed the rows
 * @param coalesced attempts that were served by another refresh
 * @param failed attempts that failed, also because their session died
 * @param p50Duration the median duration; null on a day without one
 * @param p95Duration the 95th percentile of the durations; null on a day without one
 * @param maxDuration the longest duration; null on a day without one
 * @param frozen attempts that did nothing, because the view was frozen
 */
public record DailyRefreshes(
    @Column("view_name") String view,
    LocalDate day,
    long attempts,
    long refreshed,
    long coalesced,
    long failed,
    @Nullable Duration p50Duration,
    @Nullable Duration p95Duration,
    @Nullable Duration maxDuration,
    long frozen) {

  static DailyRefreshes of(WipViewDailyRecord row) {
    return new DailyRefreshes(
        row.getViewName(),
        row.getDay(),
        row.getAttempts(),
        row.getRefreshed(),
        row.getCoalesced(),
        row.getFailed(),
        row.getP50Duration(),
        row.getP95Duration(),
        row.getMaxDuration(),
        row.getFrozen());
  }
}
