package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;

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
        .selectFrom(WIP_VIEW_FRESHNESS)
        .where(
            WIP_VIEW_FRESHNESS.DEAD_ROWS.ge(
                DSL.greatest(DSL.val(DEAD), WIP_VIEW_FRESHNESS.ROWS.mul(DEAD_PER_LIVE))))
        .fetch(
            view ->
                Fault.of(
                        this,
                        view.getViewName(),
                        String.format(
                            Locale.ROOT,
                            "%,d dead rows beside %,d live ones",
                            view.getDeadRows(),
                            view.getRows()),
                        "Reading and refreshing it gets slower and slower: autovacuum does not keep"
                            + " up, or a transaction that is hours old keeps it from clearing"
                            + " them.",
                        Vacuum.STATEMENT + site.qualified(view.getViewName()) + ";")
                    .thatIsSafe());
  }
}
