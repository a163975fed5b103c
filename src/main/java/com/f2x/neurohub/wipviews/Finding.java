package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewFindingsRecord;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@link WipViews#diagnose()} found: something that is wrong, or that could not be looked at.
 *
 * @param check name of the check, which stays the same from release to release: {@code incomplete},
 *     {@code registry}, {@code running-refresh}, {@code bloat}, {@code view-state}, {@code
 *     unique-index}, {@code drift}, {@code mes-index}, {@code never-analyzed}, {@code blocked},
 *     {@code dead-rows}, {@code failures}, {@code slow-refresh}, {@code rights}, {@code pg-cron},
 *     {@code forgotten-items}, {@code no-station}, {@code future-rows}; there will be more
 * @param severity whether it is wrong, or unknown; never null
 * @param subject name of the view, table, index or role that it is about; null if of none
 * @param what what is wrong, or why the check could not look; never null
 * @param why why it matters; never null
 * @param remedy what to run, one after the other: a statement of SQL with its semicolon, which runs
 *     outside a transaction, or a command line that begins with {@code wip-views}; empty if a
 *     person has to decide
 * @param safe whether the remedy may be run without a second thought: it changes nothing that
 *     anybody could miss
 */
public record Finding(
    String check,
    Severity severity,
    @Nullable String subject,
    String what,
    String why,
    List<String> remedy,
    boolean safe) {

  /** Whether something is wrong, or unknown. */
  public enum Severity {
    /** Something is wrong. */
    PROBLEM,
    /** The check could not look: its role may not, or another session has locked what it reads. */
    UNKNOWN
  }

  /** Keeps a copy of the remedy. */
  public Finding {
    remedy = List.copyOf(remedy);
  }

  static Finding of(WipViewFindingsRecord row) {
    return new Finding(
        row.getCheckName(),
        row.getSeverity().equals("problem") ? Severity.PROBLEM : Severity.UNKNOWN,
        row.getSubject(),
        row.getWhat(),
        row.getWhy(),
        List.of(row.getRemedy()),
        row.getSafe());
  }
}
