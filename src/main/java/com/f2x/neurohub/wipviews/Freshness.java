package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.Column;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewFreshnessRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How fresh a registered view is: a row of the database's view {@code wip_view_freshness}.
 *
 * @param view name of the view
 * @param state whether it can be read, and is fresh enough
 * @param lastRefreshedAt when the refresh that made its rows started, by the database's clock: they
 *     are at least as new as this; null before the first
 * @param age time since then; null before the first refresh
 * @param target the age above which the view is {@link State#STALE}
 * @param lastAttemptAt when a refresh was last requested; null before the first
 * @param lastOutcome how that attempt ended; {@link Refresh.Outcome#FAILED} also when its session
 *     died; null before the first
 * @param lastError why that attempt failed; null if it did not
 * @param lastDuration how long the last successful refresh took; null before the first
 * @param rows rows in the view after that refresh; null before the first
 * @param bytes size on disk with its indexes after that refresh, in bytes; null before the first,
 *     and when {@link State#MISSING}
 * @param failuresInARow attempts that failed, also because their session died, since the last one
 *     that was refreshed or coalesced
 * @param deadRows rows that refreshes replaced and no vacuum has removed yet, by the database's
 *     statistics; null when {@link State#MISSING}
 * @param runningSince when the running refresh began; null if none is running
 * @param runningFor how long it has been running; null if none is
 * @param runningPid process of the server that runs it, as in {@code pg_stat_activity}: {@code
 *     pg_cancel_backend} ends it; also set for a promotion, which has no {@code runningSince}; null
 *     if none is running
 * @param waitingCallers how many sessions wait for it; callers that share a refresh in their JVM
 *     wait with one session between them
 * @param frozenSince since when it is {@link State#FROZEN}; null otherwise
 */
public record Freshness(
    @Column("view_name") String view,
    State state,
    @Nullable Instant lastRefreshedAt,
    @Nullable Duration age,
    Duration target,
    @Nullable Instant lastAttemptAt,
    Refresh.@Nullable Outcome lastOutcome,
    @Nullable String lastError,
    @Nullable Duration lastDuration,
    @Nullable Long rows,
    @Nullable Long bytes,
    long failuresInARow,
    @Nullable Long deadRows,
    @Nullable Instant runningSince,
    @Nullable Duration runningFor,
    @Nullable Integer runningPid,
    long waitingCallers,
    @Nullable Instant frozenSince) {

  /** Whether a view can be read, and is fresh enough. */
  public enum State {
    /** Not older than its target. */
    FRESH,
    /** Older than its target. */
    STALE,
    /** It is there, but reading it is an error until it is refreshed. */
    UNPOPULATED,
    /** There is no such materialized view: {@code wip-views recreate} brings it back. */
    MISSING,
    /**
     * It keeps its rows, whatever their age, while the tables underneath are migrated: {@code
     * wip-views thaw} ends that.
     */
    FROZEN
  }

  static Freshness of(WipViewFreshnessRecord row) {
    return new Freshness(
        row.getViewName(),
        State.valueOf(row.getState().toUpperCase(Locale.ROOT)),
        Refresh.instant(row.getLastRefreshedAt()),
        row.getAge(),
        row.getTarget(),
        Refresh.instant(row.getLastAttemptAt()),
        row.getLastOutcome() == null
            ? null
            : Refresh.Outcome.valueOf(row.getLastOutcome().toUpperCase(Locale.ROOT)),
        row.getLastError(),
        row.getLastDuration(),
        row.getRows(),
        row.getBytes(),
        row.getFailuresInARow(),
        row.getDeadRows(),
        Refresh.instant(row.getRunningSince()),
        row.getRunningFor(),
        row.getRunningPid(),
        row.getWaitingCallers(),
        Refresh.instant(row.getFrozenSince()));
  }
}
