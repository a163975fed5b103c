package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;
import java.util.List;
import org.jooq.DSLContext;
import org.jooq.impl.DSL;

/** Which of the objects that a deploy makes are not there; the materialized views are not asked. */
public final class MissingObjects {

  private static final String MISSING =
      """
      SELECT ours.name
      FROM pg_catalog.unnest({1}::text[]) WITH ORDINALITY AS ours (name, place)
      WHERE NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_class AS c
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
          WHERE c.relname = ours.name::pg_catalog.name
            AND CASE WHEN {0}::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = {0}::text END
        )
        AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_proc AS p
          JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
          WHERE p.proname = ours.name::pg_catalog.name
            AND CASE WHEN {0}::text IS NULL THEN pg_catalog.pg_function_is_visible(p.oid) ELSE n.nspname = {0}::text END
        )
      ORDER BY ours.place
      """;

  private MissingObjects() {}

  /** Asks the catalog of a deploy's target. */
  static List<String> in(Target target) throws SQLException {
    return target.ask(db -> in(db, target.schema()));
  }

  /**
   * Asks the catalog, which any role may.
   *
   * @param schema where they should be; null for where the connection finds them
   * @return names as in {@link ChangelogFiles#objectNames()}, in that order; all of them if nothing
   *     is deployed there
   */
  public static List<String> in(DSLContext db, String schema) {
    return db.resultQuery(
            MISSING, DSL.val(schema), DSL.val(ChangelogFiles.objectNames().toArray(String[]::new)))
        .fetch(0, String.class);
  }
}
