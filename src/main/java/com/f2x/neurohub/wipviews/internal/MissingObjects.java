package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jooq.DSLContext;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

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

  /** What is the WIP part's alone: its view, and its columns of the settings. */
  private static final String WIP_PART =
      """
      SELECT EXISTS (
        SELECT
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE CASE WHEN {0}::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = {0}::text END
          AND (
            c.relname = 'wip_item_station'
            OR c.relname = 'wip_view_settings' AND EXISTS (
              SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'stuck_after' AND NOT a.attisdropped))
      )
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
   * @return names of the engine, and of the WIP part where that is deployed; exactly those of
   *     {@link ChangelogFiles#engineObjectNames()} if nothing is deployed there
   */
  public static List<String> in(DSLContext db, @Nullable String schema) {
    List<String> wanted = new ArrayList<>(ChangelogFiles.engineObjectNames());
    if (hasWipPart(db, schema)) {
      wanted.addAll(ChangelogFiles.wipObjectNames());
    }
    return among(db, schema, wanted);
  }

  /** Tells which of some names nothing has. */
  static List<String> among(Target target, Collection<String> names) throws SQLException {
    return target.ask(db -> among(db, target.schema(), names));
  }

  private static List<String> among(
      DSLContext db, @Nullable String schema, Collection<String> names) {
    return db.resultQuery(MISSING, DSL.val(schema), DSL.val(names.toArray(String[]::new)))
        .fetch(0, String.class);
  }

  /** Tells whether anything is deployed. */
  static boolean isDeployed(Target target) throws SQLException {
    return !in(target).equals(ChangelogFiles.engineObjectNames());
  }

  /** Tells whether the WIP part is deployed, or the engine alone, if anything. */
  static boolean hasWipPart(Target target) throws SQLException {
    return target.ask(db -> hasWipPart(db, target.schema()));
  }

  /** The same, as {@link #in(DSLContext, String)} asks. */
  public static boolean hasWipPart(DSLContext db, @Nullable String schema) {
    return db.resultQuery(WIP_PART, DSL.val(schema)).fetchSingle(0, Boolean.class);
  }
}
