package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;

import com.f2x.neurohub.wipviews.internal.Durations;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewFreshnessRecord;
import java.util.List;
import org.jooq.impl.DSL;

/** A view that cannot be read, is frozen, or is older than it may be. */
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

  private Fault missing(Site site, String view) {
    List<String> renaming = renaming(site, view);
    return renaming.isEmpty()
        ? Fault.of(
            this,
            view,
            "the view is missing: it was dropped or renamed",
            "Its readers get an error.",
            site.command("recreate", view))
        : Fault.of(
            this,
            view,
            "the view is missing: something else has its name",
            "Nothing refreshes what its readers see.",
            List.of(renaming.get(0), site.command("recreate", view)));
  }

  /** The statement that moves out of the way what has the name of the view and is none. */
  private static List<String> renaming(Site site, String view) {
    return site.db()
        .resultQuery(
            """
            SELECT format('ALTER %s %s RENAME TO %I;',
              CASE c.relkind
                WHEN 'v' THEN 'VIEW'
                WHEN 'f' THEN 'FOREIGN TABLE'
                WHEN 'S' THEN 'SEQUENCE'
                WHEN 'c' THEN 'TYPE'
                WHEN 'i' THEN 'INDEX'
                WHEN 'I' THEN 'INDEX'
                ELSE 'TABLE'
              END,
              format('%I.%I', n.nspname, c.relname),
              left(c.relname, 50) || '_' || c.oid)
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {0}
            WHERE c.relname = {1} AND c.relkind <> 'm'
            """,
            DSL.val(site.schema()), DSL.val(view))
        .fetch(0, String.class);
  }

  private Fault fault(Site site, WipViewFreshnessRecord view) {
    String name = view.getViewName();
    return switch (view.getState()) {
      case "missing" -> missing(site, name);
      case "unpopulated" ->
          Fault.of(
                  this,
                  name,
                  "the view is not populated",
                  "Its readers get an error until it is refreshed.",
                  site.refresh(name))
              .thatIsSafe();
      case "frozen" ->
          Fault.of(
              this,
              name,
              "the view is frozen since " + view.getFrozenSince().toInstant(),
              "Its readers get the rows of that time, and a refresh does nothing, until the tables"
                  + " are migrated and somebody thaws it.",
              site.command("thaw", name));
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
