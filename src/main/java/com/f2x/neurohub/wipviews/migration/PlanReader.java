package com.f2x.neurohub.wipviews.migration;

import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import com.f2x.neurohub.wipviews.internal.DryRun;
import com.f2x.neurohub.wipviews.migration.Plan.Action;
import com.f2x.neurohub.wipviews.migration.Plan.Change;
import com.f2x.neurohub.wipviews.migration.Plan.Changeset;
import com.f2x.neurohub.wipviews.migration.Plan.Column;
import com.f2x.neurohub.wipviews.migration.Plan.Dependant;
import com.f2x.neurohub.wipviews.migration.Plan.Fate;
import com.f2x.neurohub.wipviews.migration.Plan.Holder;
import com.f2x.neurohub.wipviews.migration.Plan.Refusal;
import com.f2x.neurohub.wipviews.migration.Plan.Rows;
import com.f2x.neurohub.wipviews.migration.Plan.View;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jooq.DSLContext;
import org.jooq.JSONB;
import org.jooq.Record;
import org.jspecify.annotations.Nullable;

/** Reads what {@code wip_view_plan()} has said, and what the changesets came to. */
final class PlanReader {

  private static final String REPORTS =
      """
      SELECT
        p.report,
        p.report ->> 'view' AS view,
        p.report ->> 'action' AS action,
        (p.report ->> 'build_seconds')::numeric AS build_seconds,
        (p.report ->> 'refresh_seconds')::numeric AS refresh_seconds,
        p.report ->> 'refusal' AS refusal,
        p.report ->> 'remedy' AS remedy,
        p.report -> 'rows' IS NOT NULL AS compared,
        (p.report #>> '{rows,live}')::bigint AS live,
        (p.report #>> '{rows,built}')::bigint AS built,
        (p.report #>> '{rows,added}')::bigint AS added,
        (p.report #>> '{rows,removed}')::bigint AS removed,
        (p.report #>> '{rows,changed}')::bigint AS changed,
        p.report #>> '{rows,problem}' AS problem
      FROM pg_temp.wip_planned AS p
      ORDER BY p.number
      """;

  private final DSLContext db;

  private PlanReader(DSLContext db) {
    this.db = db;
  }

  static Plan read(DryRun dryRun) throws SQLException {
    return dryRun
        .target()
        .ask(
            db -> {
              List<View> views = new ArrayList<>();
              List<Refusal> refusals = new ArrayList<>();
              boolean planned =
                  db.fetchSingle("SELECT to_regclass('pg_temp.wip_planned') IS NOT NULL")
                      .get(0, Boolean.class);
              for (Record report : planned ? db.fetch(REPORTS) : List.<Record>of()) {
                views.add(new PlanReader(db).view(report));
                if (report.get("refusal") != null) {
                  refusals.add(
                      new Refusal(
                          report.get("view", String.class),
                          report.get("refusal", String.class),
                          report.get("remedy", String.class)));
                }
              }
              dryRun.failures().forEach(failure -> refusals.add(refusal(failure)));
              List<Changeset> changesets =
                  dryRun.steps().stream()
                      .map(
                          step ->
                              new Changeset(step.id(), step.author(), step.file(), step.notTried()))
                      .toList();
              return new Plan(changesets, views, refusals);
            });
  }

  private static Refusal refusal(DryRun.Failure failure) {
    WipViewsException described = DeployFailure.of(failure.cause());
    return new Refusal(failure.subject(), described.getMessage(), described.remedy().orElse(null));
  }

  private View view(Record report) {
    JSONB json = report.get("report", JSONB.class);
    return new View(
        report.get("view", String.class),
        constant(Action.values(), report.get("action", String.class)),
        seconds(report.get("build_seconds", BigDecimal.class)),
        seconds(report.get("refresh_seconds", BigDecimal.class)),
        report.get("compared", Boolean.class) ? rows(report, json) : null,
        all(
                json,
                "columns",
                "name text, change text, type_was text, type text, differing_rows bigint,"
                    + " time_dependent boolean")
            .map(
                column ->
                    new Column(
                        column.get("name", String.class),
                        constant(Change.values(), column.get("change", String.class)),
                        column.get("type_was", String.class),
                        column.get("type", String.class),
                        column.get("differing_rows", Long.class),
                        column.get("time_dependent", Boolean.class)))
            .toList(),
        all(json, "dependants", "kind text, name text, fate text, problem text")
            .map(
                dependant ->
                    new Dependant(
                        dependant.get("kind", String.class),
                        dependant.get("name", String.class),
                        constant(Fate.values(), dependant.get("fate", String.class)),
                        dependant.get("problem", String.class)))
            .toList(),
        texts(json, "{lost}"),
        all(json, "holders", "description text, remedy text")
            .map(
                holder ->
                    new Holder(
                        holder.get("description", String.class),
                        holder.get("remedy", String.class)))
            .toList());
  }

  private Rows rows(Record report, JSONB json) {
    return new Rows(
        Objects.requireNonNullElse(texts(json, "{rows,key}"), List.of()),
        report.get("live", Long.class),
        report.get("built", Long.class),
        report.get("added", Long.class),
        report.get("removed", Long.class),
        report.get("changed", Long.class),
        report.get("problem", String.class));
  }

  private Stream<Record> all(JSONB json, String name, String columns) {
    return db
        .fetch(
            "SELECT r.* FROM jsonb_to_recordset(?::jsonb -> ?::text) AS r (" + columns + ")",
            json.data(),
            name)
        .stream()
        .map(Record.class::cast);
  }

  /** Returns null where there is nothing to read. */
  private @Nullable List<String> texts(JSONB json, String path) {
    String[] texts =
        db.fetchSingle(
                """
                SELECT ARRAY(SELECT t.* FROM jsonb_array_elements_text(l.list) AS t)
                FROM (SELECT nullif(?::jsonb #> ?::text[], 'null') AS list) AS l
                WHERE l.list IS NOT NULL
                UNION ALL
                SELECT NULL
                LIMIT 1
                """,
                json.data(),
                path)
            .get(0, String[].class);
    return texts == null ? null : List.of(texts);
  }

  private static @Nullable Duration seconds(@Nullable BigDecimal seconds) {
    return seconds == null ? null : Duration.ofMillis(seconds.movePointRight(3).longValue());
  }

  private static <E extends Enum<E>> E constant(E[] constants, String name) {
    return Stream.of(constants)
        .filter(constant -> ConstantNames.of(constant).replace('_', ' ').equals(name))
        .findFirst()
        .orElseThrow();
  }
}
