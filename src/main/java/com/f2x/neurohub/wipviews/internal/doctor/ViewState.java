package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;

import com.f2x.neurohub.wipviews.internal.Durations;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewFreshnessRecord;
import java.util.List;

/** A view that cannot be read, or is older than it may be. */
final class ViewState implements Check {

  @Override
  public String id() {
    return "view-state";
  }

  @Override
  public List<Fault> look(Site site) {
    return site
        .db()
        .selectFrom(WIP_VIEW_FRESHNESS)
        .where(WIP_VIEW_FRESHNESS.STATE.ne("fresh"))
        .fetch()
        .stream()
        .map(view -> fault(site, view))
        .toList();
  }

  private Fault fault(Site site, WipViewFreshnessRecord view) {
    String name = view.getViewName();
    return switch (view.getState()) {
      case "missing" ->
          Fault.of(
              this,
              name,
              "the view is missing: it was dropped or renamed",
              "Whoever reads it gets an error.",
              site.command("recreate " + name));
      case "unpopulated" ->
          Fault.of(
                  this,
                  name,
                  "the view is not populated",
                  "Whoever reads it gets an error until it is refreshed.",
                  site.refresh(name))
              .thatIsSafe();
      default ->
          Fault.of(
                  this,
                  name,
                  view.getAge() == null
                      ? "the view was never refreshed"
                      : "the view is stale: its rows are "
                          + Durations.words(view.getAge())
                          + " old, its target is "
                          + Durations.words(view.getTarget()),
                  "Its readers decide by old figures, and whatever should refresh it does not run"
                      + " or fails.",
                  site.refresh(name))
              .thatIsSafe();
    };
  }
}
