package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_DRIFT;

import java.util.List;

/** A view that is not what was deployed. */
final class Drift implements Check {

  @Override
  public String id() {
    return "drift";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .selectFrom(WIP_VIEW_DRIFT.call())
        .fetch(
            row ->
                Fault.of(
                    this,
                    row.get(0, String.class),
                    "its query or its indexes are not what was deployed: somebody changed them",
                    "Its figures may mean something else, and the next change of its definition"
                        + " takes this one's place.",
                    site.command("recreate " + row.get(0, String.class))));
  }
}
