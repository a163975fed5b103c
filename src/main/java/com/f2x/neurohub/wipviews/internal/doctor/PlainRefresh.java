package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;

import java.util.List;
import org.jooq.impl.DSL;

/** A view that cannot be refreshed concurrently, for want of a unique index. */
final class PlainRefresh implements Check {

  @Override
  public String id() {
    return "unique-index";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT v.view_name, {2}.wip_view_why_plain(c.oid)
            FROM {0} AS v
            JOIN pg_class AS c ON c.relname = v.view_name AND c.relkind = 'm' AND c.relispopulated
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
            WHERE {2}.wip_view_why_plain(c.oid) IS NOT NULL
            ORDER BY v.refresh_order, v.view_name
            """,
            WIP_VIEW, DSL.val(site.schema()), DSL.name(site.schema()))
        .fetch(
            row ->
                Fault.of(
                    this,
                    row.get(0, String.class),
                    row.get(1, String.class),
                    "It is refreshed without CONCURRENTLY, and its readers wait for as long as that"
                        + " takes.",
                    site.command("recreate", row.get(0, String.class))));
  }
}
