package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;

import java.util.List;
import org.jooq.impl.DSL;

/** A view that is not what was deployed, unless all that it lacks is what PlainRefresh reports. */
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
            SELECT v.view_name
            FROM {2}.wip_view_drift() AS drift (view_name)
            JOIN {0} AS v ON v.view_name = drift.view_name
            JOIN pg_class AS c ON c.relname = v.view_name AND c.relkind = 'm'
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
            CROSS JOIN LATERAL {2}.wip_view_definition(c.oid) AS now_is (definition)
            WHERE {2}.wip_view_why_plain(c.oid) IS NULL
              OR NOT c.relispopulated
              -- the query is another, or some index is there that was not deployed
              OR split_part(now_is.definition, E'\\nCREATE ', 1) <> split_part(v.definition, E'\\nCREATE ', 1)
              OR NOT string_to_array(now_is.definition, E'\\n') <@ string_to_array(v.definition, E'\\n')
            ORDER BY v.refresh_order, v.view_name
            """,
            WIP_VIEW, DSL.val(site.schema()), DSL.name(site.schema()))
        .fetch(
            row ->
                Fault.of(
                    this,
                    row.get(0, String.class),
                    "its query or its indexes are not what was deployed: somebody changed them",
                    "Its figures may mean something else, and the next change of its definition"
                        + " takes this one's place.",
                    site.command("recreate", row.get(0, String.class))));
  }
}
