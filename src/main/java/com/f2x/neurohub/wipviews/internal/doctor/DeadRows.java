package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;

import com.f2x.neurohub.wipviews.internal.Vacuum;
import java.util.List;
import java.util.Locale;
import org.jooq.impl.DSL;

/** A view that is mostly what refreshes left behind. */
final class DeadRows implements Check {

  /**
   * A refresh leaves as many as there are rows; autovacuum, or Java's vacuum, comes before this.
   */
  private static final int DEAD_PER_LIVE = 5;

  /** Below this, nobody notices. */
  private static final long DEAD = 5_000;

  @Override
  public String id() {
    return "dead-rows";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT v.view_name, pg_stat_get_dead_tuples(c.oid), pg_stat_get_live_tuples(c.oid)
            FROM {0} AS v
            JOIN pg_class AS c ON c.relname = v.view_name AND c.relkind = 'm'
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
            WHERE pg_stat_get_dead_tuples(c.oid) >= greatest({2}, {3} * pg_stat_get_live_tuples(c.oid))
            ORDER BY v.refresh_order, v.view_name
            """,
            WIP_VIEW, DSL.val(site.schema()), DSL.val(DEAD), DSL.val(DEAD_PER_LIVE))
        .fetch(
            row ->
                Fault.of(
                        this,
                        row.get(0, String.class),
                        String.format(
                            Locale.ROOT,
                            "%,d dead rows beside %,d live ones",
                            row.get(1, Long.class),
                            row.get(2, Long.class)),
                        "Reading and refreshing it gets slower and slower: autovacuum does not keep"
                            + " up, or a transaction that is hours old keeps it from clearing"
                            + " them.",
                        Vacuum.STATEMENT + site.qualified(row.get(0, String.class)) + ";")
                    .thatIsSafe());
  }
}
