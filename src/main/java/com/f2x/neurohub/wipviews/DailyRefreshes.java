package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewDailyRecord;
import java.time.Duration;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/**
 * How the refreshes of a view did on one day: a row of the database's view {@code wip_view_daily}.
 *
 * @param view name of the view
 * @param day the day on which they were asked for, in the time zone of the session, which is the
 *     JVM's unless the connection says otherwise
 * @param attempts how often a refresh was asked for, those that still run included
 * @param refreshed attempts that made the rows anew
 * @param coalesced attempts that another one's refresh served
 * @param failed attempts that failed, also because their session died
 * @param p50Duration half of the refreshes took no longer; null on a day without one
 * @param p95Duration nineteen of twenty refreshes took no longer; null on a day without one
 * @param maxDuration what the longest refresh took; null on a day without one
 * @param frozen attempts that did nothing, because the view was frozen
 */
public record DailyRefreshes(
    String view,
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
