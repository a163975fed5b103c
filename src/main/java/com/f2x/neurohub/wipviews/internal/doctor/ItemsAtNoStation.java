package com.f2x.neurohub.wipviews.internal.doctor;

import java.util.List;

/** A process that is none of the stations 1 to 6 and holds items that are not done. */
final class ItemsAtNoStation implements Check {

  @Override
  public String id() {
    return "no-station";
  }

  @Override
  public List<Fault> look(Site site) {
    if (!site.mayRead("wip_item_station", "wip_items", "wip_process_history", "processes")) {
      return List.of();
    }
    // of the items at none: not those that have passed the last station
    String those =
        """
        FROM %s AS s JOIN %s AS i ON i.id = s.wip_item_id \
        LEFT JOIN LATERAL (SELECT h.process_id FROM (SELECT * FROM %s WHERE wip_item_id = i.id OFFSET 0) AS h \
        ORDER BY h.started_at DESC, h.id DESC LIMIT 1) AS newest ON true \
        JOIN %s AS p ON p.id = coalesce(newest.process_id, i.current_process_id) \
        WHERE s.process_id IS NULL AND p.process_number NOT BETWEEN 1 AND 6\
        """
            .formatted(
                site.qualified("wip_item_station"),
                site.qualified("wip_items"),
                site.qualified("wip_process_history"),
                site.qualified("processes"));
    return site.db()
        .resultQuery(
            "SELECT p.process_code::text, count(*) " + those + " GROUP BY 1 ORDER BY 2 DESC, 1")
        .fetch(
            row ->
                Fault.of(
                    this,
                    row.get(0, String.class),
                    "%,d items that are not done are at this process, which is none of the stations"
                            .formatted(row.get(1, Long.class))
                        + " 1 to 6",
                    "The queue has no row for them, and no lot shows them at a station.",
                    "SELECT p.process_code, i.wip_id, i.status, s.since "
                        + those
                        + " ORDER BY 1, s.since;"));
  }
}
