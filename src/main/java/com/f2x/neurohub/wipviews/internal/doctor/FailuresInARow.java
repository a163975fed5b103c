package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_HISTORY;

import java.util.List;
import org.jooq.Record;
import org.jooq.impl.DSL;

/** A view whose latest refreshes all failed. */
final class FailuresInARow implements Check {

  /** One may be a cancelled query or a restart, which the next one mends. */
  private static final int IN_A_ROW = 2;

  @Override
  public String id() {
    return "failures";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT f.view_name, f.failures_in_a_row, latest.error, latest.sqlstate
            FROM {0} AS f
            CROSS JOIN LATERAL (
              SELECT h.error, h.sqlstate
              FROM {1} AS h
              WHERE h.view_name = f.view_name AND h.outcome = 'failed'
              ORDER BY h.refresh_id DESC
              LIMIT 1
            ) AS latest
            WHERE f.failures_in_a_row >= {2}
            """,
            WIP_VIEW_FRESHNESS, WIP_VIEW_HISTORY, DSL.val(IN_A_ROW))
        .fetch(row -> fault(site, row));
  }

  private Fault fault(Site site, Record row) {
    String view = row.get(0, String.class);
    String error = row.get(2, String.class);
    String sqlState = row.get(3, String.class);
    String what =
        "the last "
            + row.get(1, Long.class)
            + " refreshes failed, the latest with: "
            + error
            + (sqlState == null ? "" : " (" + sqlState + ")");
    String why = "Its rows get older; the next refresh shows whether the cause is gone.";
    // syntax error or access rule violation: what it reads has changed; a right that is missing is
    // what MissingRights reports
    return sqlState != null && sqlState.startsWith("42") && !sqlState.equals("42501")
        ? Fault.of(
            this,
            view,
            what,
            "Its rows get older, and will until its definition suits the tables again.",
            site.command("recreate", view))
        : Fault.of(this, view, what, why, site.refresh(view)).thatIsSafe();
  }
}
