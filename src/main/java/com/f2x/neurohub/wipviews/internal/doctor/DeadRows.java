package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;

import com.f2x.neurohub.wipviews.internal.Vacuum;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jooq.Record;
import org.jooq.impl.DSL;

/**
 * A view that is mostly what refreshes left behind, and whatever keeps a vacuum from clearing it.
 */
final class DeadRows implements Check {

  /**
   * A refresh leaves as many as there are rows; autovacuum, or Java's vacuum, comes before this.
   */
  private static final int DEAD_PER_LIVE = 5;

  /** Below this, nobody notices. */
  private static final long DEAD = 5_000;

  /**
   * Who may still read rows that are dead to all others, the oldest first. Only what began before
   * the last refresh ended keeps what that one left.
   */
  private static final String HOLDERS =
      """
      WITH holder AS (
        SELECT
          format('the session of pid %s (%s)', a.pid, concat_ws(', ', a.usename, nullif(a.application_name, '')))
            || ', whose transaction is ' || date_trunc('second', clock_timestamp() - a.xact_start) || ' old' AS what,
          format('SELECT pg_terminate_backend(%s, 10000);', a.pid) AS remedy,
          greatest(age(a.backend_xmin), age(a.backend_xid)) AS age
        FROM pg_stat_activity AS a
        WHERE a.datname = current_database()
          AND a.pid <> pg_backend_pid()
          AND a.backend_type = 'client backend'
        UNION ALL
        SELECT format('the replication slot %s', s.slot_name), format('SELECT pg_drop_replication_slot(%L);', s.slot_name), age(s.xmin)
        FROM pg_replication_slots AS s
        UNION ALL
        SELECT format('the prepared transaction %s of %s', p.gid, p.owner), format('ROLLBACK PREPARED %L;', p.gid), age(p.transaction)
        FROM pg_prepared_xacts AS p
        WHERE p.database = current_database()
        UNION ALL
        SELECT format('a query on the standby %s (hot_standby_feedback)', concat_ws(' at ', r.application_name, r.client_addr)), NULL, age(r.backend_xmin)
        FROM pg_stat_replication AS r
      )
      SELECT h.what, h.remedy
      FROM holder AS h
      WHERE h.age >= (SELECT min(age(v.xmin)) FROM {0} AS v WHERE v.view_name = {1})
      ORDER BY h.age DESC
      LIMIT 1
      """;

  @Override
  public String id() {
    return "dead-rows";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .selectFrom(WIP_VIEW_FRESHNESS)
        .where(
            WIP_VIEW_FRESHNESS.DEAD_ROWS.ge(
                DSL.greatest(DSL.val(DEAD), WIP_VIEW_FRESHNESS.ROWS.mul(DEAD_PER_LIVE))))
        .fetch(
            view ->
                fault(
                    site,
                    view.getViewName(),
                    String.format(
                        Locale.ROOT,
                        "%,d dead rows beside %,d live ones",
                        view.getDeadRows(),
                        view.getRows())));
  }

  private Fault fault(Site site, String view, String what) {
    String slow = "Reading and refreshing it gets slower and slower";
    String vacuum = Vacuum.STATEMENT + site.qualified(view) + ";";
    Optional<Record> holder =
        site.db().resultQuery(HOLDERS, WIP_VIEW, DSL.val(view)).fetchOptional();
    return holder
        .map(
            held ->
                Fault.of(
                    this,
                    view,
                    what
                        + ", which no vacuum can clear: "
                        + held.get(0, String.class)
                        + " keeps them",
                    slow + ". End what keeps them, then clear them.",
                    Stream.of(held.get(1, String.class), vacuum)
                        .filter(remedy -> remedy != null)
                        .toList()))
        .orElseGet(
            () ->
                Fault.of(this, view, what, slow + ": autovacuum does not keep up.", vacuum)
                    .thatIsSafe());
  }
}
