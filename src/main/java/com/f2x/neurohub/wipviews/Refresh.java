package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.Column;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewRefreshRecord;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to refresh a view, which is a request and its outcome: a row of the table {@code
 * wip_view_refresh}, which the refresh functions of the database also return.
 *
 * @param id number given when the refresh was requested, which is the order of the requests,
 *     independent of clocks; for a call that shared the refresh of another call of its JVM, the
 *     number of that one
 * @param view name of the view
 * @param outcome how it ended
 * @param mode how the rows were made; null unless {@link Outcome#REFRESHED}
 * @param modeReason why the mode was {@link Mode#PLAIN}; null otherwise
 * @param requestedAt when the call that requested it began, by the database's clock
 * @param startedAt when its turn began, or, in a transaction with one snapshot (REPEATABLE READ),
 *     when that transaction began: the rows are at least as new as this; null unless {@link
 *     Outcome#REFRESHED}
 * @param finishedAt when it ended; null while {@link Outcome#RUNNING}
 * @param duration {@code finishedAt} minus {@code startedAt}, without the wait for a turn; null
 *     unless {@link Outcome#REFRESHED}
 * @param rows rows in the view afterwards; null if unknown
 * @param bytes size on disk afterwards with its indexes, in bytes; null unless {@link
 *     Outcome#REFRESHED}
 * @param servedBy {@link #id} of the refresh that served a {@link Outcome#COALESCED} request; null
 *     otherwise
 * @param sqlState SQLSTATE of the error; null unless {@link Outcome#FAILED}
 * @param error message of the error; null unless {@link Outcome#FAILED}
 * @param role database role that was logged in
 * @param applicationName the connection's {@code application_name}, maybe empty
 * @param callId {@link #id} of the first attempt of the same call for several views; null if this
 *     is that first one, or the only one
 * @param pid process of the server that took the request, as in {@code pg_stat_activity}
 */
public record Refresh(
    @Column("refresh_id") long id,
    @Column("view_name") String view,
    Outcome outcome,
    @Nullable Mode mode,
    @Nullable String modeReason,
    Instant requestedAt,
    @Nullable Instant startedAt,
    @Nullable Instant finishedAt,
    @Nullable Duration duration,
    @Nullable Long rows,
    @Nullable Long bytes,
    @Nullable Long servedBy,
    @Column("sqlstate") @Nullable String sqlState,
    @Nullable String error,
    String role,
    String applicationName,
    @Nullable Long callId,
    int pid) {

  /** How an attempt ended. */
  public enum Outcome {
    /** This attempt refreshed the rows. */
    REFRESHED,
    /** Another refresh, started after this request, refreshed the rows. */
    COALESCED,
    /** It ended with an error, or its session died, and the view kept its rows. */
    FAILED,
    /** It has not ended yet. */
    RUNNING,
    /** The view is frozen, so that it kept its rows: {@code wip-views thaw} ends that. */
    FROZEN
  }

  /** How the rows of a view were made. */
  public enum Mode {
    /** {@code REFRESH MATERIALIZED VIEW CONCURRENTLY}: readers went on. */
    CONCURRENT,
    /** {@code REFRESH MATERIALIZED VIEW}: readers waited; {@link Refresh#modeReason} says why. */
    PLAIN,
    /** Built beside the view by a deploy or a recovery, then put in its place. */
    REBUILD
  }

  static Refresh of(WipViewRefreshRecord row) {
    return new Refresh(
        row.getRefreshId(),
        row.getViewName(),
        Outcome.valueOf(row.getOutcome().toUpperCase(Locale.ROOT)),
        row.getMode() == null ? null : Mode.valueOf(row.getMode().toUpperCase(Locale.ROOT)),
        row.getModeReason(),
        row.getRequestedAt().toInstant(),
        instant(row.getStartedAt()),
        instant(row.getFinishedAt()),
        row.getDuration(),
        row.getRows(),
        row.getBytes(),
        row.getServedBy(),
        row.getSqlstate(),
        row.getError(),
        row.getRole(),
        row.getApplicationName(),
        row.getCallId(),
        row.getPid());
  }

  /** What another caller of the same JVM gets that this refresh served. */
  Refresh coalesced() {
    return outcome == Outcome.COALESCED || outcome == Outcome.FROZEN
        ? this
        : new Refresh(
            id,
            view,
            Outcome.COALESCED,
            null,
            null,
            requestedAt,
            null,
            finishedAt,
            null,
            rows,
            null,
            id,
            null,
            null,
            role,
            applicationName,
            callId,
            pid);
  }

  static @Nullable Instant instant(@Nullable OffsetDateTime time) {
    return time == null ? null : time.toInstant();
  }
}
