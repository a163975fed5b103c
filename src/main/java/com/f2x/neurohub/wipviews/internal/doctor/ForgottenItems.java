package com.f2x.neurohub.wipviews.internal.doctor;

import java.util.List;

/** Items that were left IN_PROGRESS or FAILED in a lot that is closed. */
final class ForgottenItems implements Check {

  /** A lot may be closed a little before its last items are done. */
  private static final int DAYS = 2;

  @Override
  public String id() {
    return "forgotten-items";
  }

  @Override
  public List<Fault> look(Site site) {
    if (!site.mayRead("wip_item_station", "lots", "wip_items")) {
      return List.of();
    }
    String those =
        """
        FROM %s AS s JOIN %s AS l ON l.id = s.lot_id \
        WHERE l.status::text = 'CLOSED' AND s.since < now() - interval '%d days'\
        """
            .formatted(site.qualified("wip_item_station"), site.qualified("lots"), DAYS);
    return site.db()
        .resultQuery("SELECT count(*), count(DISTINCT s.lot_id) " + those + " HAVING count(*) > 0")
        .fetch(
            row ->
                Fault.of(
                    this,
                    null,
                    "%,d items of %,d closed lots are still IN_PROGRESS or FAILED after %d days"
                        .formatted(row.get(0, Long.class), row.get(1, Long.class), DAYS),
                    "The queue counts them at their stations, which stay stuck for good, and each"
                        + " refresh reads their history.",
                    "SELECT l.lot_number, s.* " + those + " ORDER BY s.since;"));
  }
}
