package com.f2x.neurohub.wipviews.internal.doctor;

import java.util.List;
import org.jooq.impl.DSL;

/**
 * A view, or an ordinary one that comes with it, whose query is not the deployed one; one that
 * lacks an index that was deployed with it.
 */
final class Drift implements Check {

  @Override
  public String id() {
    return "drift";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT drift.view_name, drift.what = 'query', drift.remedy, c.oid::regclass, c.relkind = 'm'
            FROM {1}.wip_view_drift() AS drift
            JOIN pg_class AS c ON c.relname = drift.view_name AND c.relkind IN ('m', 'v')
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {0}
            -- a missing unique index is what PlainRefresh reports
            WHERE drift.what = 'query'
              OR {1}.wip_view_why_plain(c.oid) IS NULL
              OR NOT c.relispopulated
              OR drift.remedy NOT LIKE 'CREATE UNIQUE INDEX %'
            """,
            DSL.val(site.schema()), DSL.name(site.schema()))
        .fetch(
            row ->
                row.get(1, Boolean.class)
                    ? query(
                        row.get(0, String.class),
                        row.get(3, String.class),
                        row.get(4, Boolean.class)
                            ? site.command("recreate", row.get(0, String.class))
                            : site.command("recreate"))
                    : index(row.get(0, String.class), row.get(2, String.class)));
  }

  private Fault query(String view, String relation, String recreate) {
    return Fault.of(
        this,
        view,
        "its query is not the one that was deployed: somebody changed it",
        "Its figures may mean something else. To recreate it puts the deployed query in this one's"
            + " place: save this one first if it is wanted.",
        "SELECT pg_get_viewdef('" + relation.replace("'", "''") + "'::regclass);",
        recreate);
  }

  private Fault index(String view, String create) {
    return Fault.of(
        this,
        view,
        "an index that was deployed with it is gone",
        "Queries that used it read the whole view.",
        create);
  }
}
