package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewBlockersRecord;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A session that another one waits for: a row of the database's view {@code wip_view_blockers}.
 *
 * <p>Null if a role without {@code pg_read_all_stats} may not see it of other roles' sessions:
 * {@code blockedQuery}, {@code state}, {@code query} and {@code transactionAge}.
 *
 * @param blockedPid process of the session that waits
 * @param blockedRole its role; null for a process of the server's own
 * @param blockedApplicationName its application_name, maybe empty
 * @param blockedQuery the statement that waits; null if hidden
 * @param blockedFor how long it has waited; null in the first moment
 * @param lockMode the lock that it wants, as in {@code pg_locks}
 * @param lockOn the relation, also where it waits for one of its rows; otherwise the kind of lock,
 *     such as {@code advisory}
 * @param pid process of the session that it waits for; 0 for a prepared transaction
 * @param role its role; null for a prepared transaction, and for a process of the server's own
 * @param applicationName its application_name, maybe empty; null for a prepared transaction
 * @param state its state, as in {@code pg_stat_activity}; null if hidden
 * @param query its current or last statement; null if hidden
 * @param transactionAge how long ago its transaction began; null if hidden
 * @param remedy the SQL statement that ends the blocking
 */
public record Blocker(
    int blockedPid,
    @Nullable String blockedRole,
    String blockedApplicationName,
    @Nullable String blockedQuery,
    @Nullable Duration blockedFor,
    String lockMode,
    String lockOn,
    int pid,
    @Nullable String role,
    @Nullable String applicationName,
    @Nullable String state,
    @Nullable String query,
    @Nullable Duration transactionAge,
    String remedy) {

  /** Tells whether something of this is hidden from the caller's role. */
  public boolean isHidden() {
    return blockedQuery == null || query == null && pid != 0;
  }

  static Blocker of(WipViewBlockersRecord row) {
    return new Blocker(
        row.getBlockedPid(),
        row.getBlockedRole(),
        row.getBlockedApplicationName(),
        row.getBlockedQuery(),
        row.getBlockedFor(),
        row.getLockMode(),
        row.getLockOn(),
        row.getPid(),
        row.getRole(),
        row.getApplicationName(),
        row.getState(),
        row.getQuery(),
        row.getTransactionAge(),
        row.getRemedy());
  }
}
