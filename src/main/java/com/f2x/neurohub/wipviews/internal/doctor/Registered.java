package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_SETTINGS;

import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import java.util.ArrayList;
import java.util.List;
import org.jooq.impl.DSL;

/** Rows of the registry and the settings that a deploy makes, and are gone. */
final class Registered implements Check {

  @Override
  public String id() {
    return "registry";
  }

  @Override
  public List<Fault> look(Site site) {
    List<Fault> faults = new ArrayList<>();
    if (!site.db().fetchExists(WIP_VIEW_SETTINGS)) {
      faults.add(
          Fault.of(
                  this,
                  "wip_view_settings",
                  "its one row is gone",
                  (site.hasWipPart()
                          ? "The views read their thresholds there, and have no rows after the next"
                              + " refresh. "
                          : "")
                      + "The roles that it named have to be given again, as parameters of update.",
                  "INSERT INTO " + site.qualified("wip_view_settings") + " DEFAULT VALUES;")
              .thatIsSafe());
    }
    if (!site.db().fetchExists(WIP_VIEW)) {
      faults.add(
          Fault.of(
              this,
              null,
              "no view is registered in schema " + site.schema(),
              site.hasWipPart()
                  ? "Nothing is refreshed, and nothing is watched."
                  : "Nothing is refreshed, and nothing is watched: deploy the changelog that has an"
                      + " entry for a view.",
              site.update()));
    } else if (site.hasWipPart()) {
      unregistered(site).forEach(view -> faults.add(unregistered(site, view)));
    }
    return faults;
  }

  /** Views under the names of this library's own. */
  private static List<String> unregistered(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT c.relname::text
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
            WHERE c.relkind = 'm'
              AND c.relname = ANY ({2})
              AND NOT EXISTS (SELECT FROM {0} AS v WHERE v.view_name = c.relname)
            ORDER BY c.relname
            """,
            WIP_VIEW,
            DSL.val(site.schema()),
            DSL.val(ChangelogFiles.viewNames().toArray(String[]::new)))
        .fetch(0, String.class);
  }

  private Fault unregistered(Site site, String view) {
    return Fault.of(
        this,
        view,
        "the view is there, but is not registered",
        "No refresh knows of it, and its rows get older.",
        site.command("recreate", view));
  }
}
