package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;

import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.internal.MissingObjects;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewFindingsRecord;
import java.util.ArrayList;
import java.util.List;
import org.jooq.DSLContext;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * How what is deployed differs from the files of this jar. Only these know what there should be, so
 * it is not a function of the database.
 *
 * @param db names of the generated tables are qualified by it
 * @param schema where to look
 * @param named the schema that a command line has to name; null if it finds it by itself
 */
record DeployedFiles(DSLContext db, String schema, @Nullable String named) {

  private static final String INCOMPLETE = "incomplete";

  static boolean isIncomplete(WipViewFindingsRecord finding) {
    return INCOMPLETE.equals(finding.getCheckName());
  }

  /** What a deploy makes names the schema in its body. */
  boolean isRenamed() {
    return db.resultQuery(
            """
            SELECT EXISTS (
              SELECT
              FROM pg_catalog.pg_proc AS p
              JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
              WHERE n.nspname = {0}
                AND p.proname = 'wip_view_snapshot_objects'
                AND pg_catalog.strpos(p.prosrc, '"' || n.nspname || '".') = 0
            )
            """,
            DSL.val(schema))
        .fetchSingle(0, Boolean.class);
  }

  WipViewFindingsRecord renamed() {
    return problem(
        INCOMPLETE,
        null,
        "the schema was renamed since wip-views was deployed to it",
        "The refresh functions name the old one and fail.",
        MissingObjects.hasWipPart(db, schema)
            ? CommandLines.of(named, "update")
            : CommandLines.of(named, "update", "--only", "engine"));
  }

  /** Objects that a deploy makes and somebody dropped; views that the registry does not know. */
  List<WipViewFindingsRecord> findings() {
    List<WipViewFindingsRecord> found = new ArrayList<>();
    List<String> missing = MissingObjects.in(db, schema);
    if (!missing.isEmpty()) {
      found.add(
          problem(
              INCOMPLETE,
              null,
              "what a deploy makes is missing: " + String.join(", ", missing),
              "Everything that uses it fails.",
              CommandLines.of(named, "recreate")));
    }
    for (String view : unregistered()) {
      found.add(
          problem(
              "registry",
              view,
              "the view is there, but is not registered",
              "No refresh knows of it, and its rows get older.",
              CommandLines.of(named, "recreate", view)));
    }
    return found;
  }

  /** Views under the names of this library's own; an empty registry is found by a check. */
  private List<String> unregistered() {
    return db.resultQuery(
            """
            SELECT c.relname::text
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
            WHERE c.relkind = 'm'
              AND c.relname = ANY ({2})
              AND EXISTS (SELECT FROM {0})
              AND NOT EXISTS (SELECT FROM {0} AS v WHERE v.view_name = c.relname)
            ORDER BY c.relname
            """,
            WIP_VIEW, DSL.val(schema), DSL.val(ChangelogFiles.viewNames().toArray(String[]::new)))
        .fetch(0, String.class);
  }

  /** A role that may not even call the function. */
  static WipViewFindingsRecord denied(String message) {
    return new WipViewFindingsRecord(
        "rights",
        "unknown",
        null,
        "could not look: " + message,
        "Look as the owner, or deploy with the parameter readerRole naming this role.",
        new String[0],
        false,
        3);
  }

  private static WipViewFindingsRecord problem(
      String check, @Nullable String subject, String what, String why, String remedy) {
    return new WipViewFindingsRecord(
        check, "problem", subject, what, why, new String[] {remedy}, false, 1);
  }
}
