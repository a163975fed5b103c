package com.f2x.neurohub.wipviews.internal.doctor;

import com.f2x.neurohub.wipviews.internal.MissingObjects;
import java.util.List;
import org.jooq.impl.DSL;

/** Tables, views or routines that a deploy makes and somebody dropped; or it was an older one. */
final class Incomplete implements Check {

  @Override
  public String id() {
    return "incomplete";
  }

  @Override
  public List<Fault> look(Site site) {
    if (renamed(site)) {
      return List.of(
          Fault.of(
              this,
              null,
              "the schema was renamed since wip-views was deployed to it",
              "The refresh functions name the old one and fail.",
              site.update()));
    }
    List<String> missing = MissingObjects.in(site.db(), site.schema());
    return missing.isEmpty()
        ? List.of()
        : List.of(
            Fault.of(
                this,
                null,
                "what a deploy makes is missing: " + String.join(", ", missing),
                "Whatever uses it fails.",
                site.command("recreate")));
  }

  /** What a deploy makes names the schema in its body. */
  static boolean renamed(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT EXISTS (
              SELECT
              FROM pg_catalog.pg_proc AS p
              JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
              WHERE n.nspname = coalesce({0}::text, current_schema())
                AND p.proname = 'wip_view_snapshot_objects'
                AND pg_catalog.strpos(p.prosrc, '"' || n.nspname || '".') = 0
            )
            """,
            DSL.val(site.schema()))
        .fetchSingle(0, Boolean.class);
  }
}
