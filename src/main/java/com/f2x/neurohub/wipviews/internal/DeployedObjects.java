package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jooq.DSLContext;
import org.jooq.Param;
import org.jooq.ResultQuery;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The objects that a deploy made in a schema, found by the names that the changelog gives them.
 *
 * @param target the schema
 * @param made names of tables, views, routines and indexes
 * @param views names of materialized views
 */
public record DeployedObjects(Target target, List<String> made, List<String> views) {

  /**
   * An object of the database.
   *
   * @param kind {@code materialized view}, {@code view}, {@code table}, {@code index}, {@code
   *     function}, {@code procedure} or {@code pg_cron job}
   * @param name its qualified name; a function's with its arguments; a job's own
   * @param bytes size on disk in bytes; null if it has none
   */
  public record DeployedObject(String kind, String name, @Nullable Long bytes) {}

  /** All that the changelogs of this jar make. */
  public static DeployedObjects ofThisJar(Target target) {
    return new DeployedObjects(target, ChangelogFiles.allObjectNames(), ChangelogFiles.viewNames());
  }

  /**
   * Reads what there is.
   *
   * @throws org.jooq.exception.DataAccessException also if there is no such schema
   */
  public List<DeployedObject> read() throws SQLException {
    return target.ask(
        db -> {
          List<DeployedObject> objects =
              new ArrayList<>(
                  ours(db, LIST)
                      .fetch(
                          row ->
                              new DeployedObject(
                                  row.get(0, String.class),
                                  row.get(1, String.class),
                                  row.get(2, Long.class))));
          if (!made.isEmpty() && db.fetchSingle(HAS_CRON).get(0, Boolean.class)) {
            db.resultQuery(JOBS, schema(target))
                .forEach(
                    row ->
                        objects.add(
                            new DeployedObject("pg_cron job", row.get(0, String.class), null)));
          }
          return objects;
        });
  }

  /**
   * Reads the names of what there is, as the changelog has them; not those of jobs.
   *
   * @throws org.jooq.exception.DataAccessException also if there is no such schema
   */
  Set<String> names() throws SQLException {
    return new LinkedHashSet<>(texts(NAMES));
  }

  /**
   * Reads which views are registered, in refresh order.
   *
   * @return their names; empty where there is no registry that the connection's role may read
   */
  public static List<String> registeredViews(Target target) throws SQLException {
    return target.ask(
        db ->
            db.fetchSingle(REGISTRY, target.schema()).get(0, Boolean.class)
                ? db.resultQuery(
                        "SELECT view_name FROM {0} ORDER BY refresh_order, view_name",
                        DSL.name(target.schema(), "wip_view"))
                    .fetch(0, String.class)
                : List.of());
  }

  /**
   * Tells why they cannot be taken away: they are not the role's to drop, views of another
   * changelog are registered that need them, or something else depends on them.
   *
   * @return the reason and what to do; empty if nothing keeps them
   * @throws org.jooq.exception.DataAccessException also if there is no such schema
   */
  public Optional<Refusal> whyNotRolledBack() throws SQLException {
    Optional<Refusal> owned = whyNotOurs();
    if (owned.isPresent()) {
      return owned;
    }
    List<String> others = otherViews();
    if (!made.isEmpty() && !others.isEmpty()) {
      // what reads another one stands after it
      Collections.reverse(others);
      return Optional.of(
          new Refusal(
              "another changelog registered " + String.join(", ", others),
              Refusal.DEPENDENT_OBJECTS_STILL_EXIST,
              "Roll that one back first, or remove each by hand: "
                  + String.join(" ", removals(target, others))));
    }
    List<String> dependants = texts(DEPENDANTS);
    return dependants.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Refusal(
                String.join("; ", dependants),
                Refusal.DEPENDENT_OBJECTS_STILL_EXIST,
                "Drop or change these first."));
  }

  /** Returns the views that are registered besides these, in refresh order. */
  List<String> otherViews() throws SQLException {
    List<String> others = new ArrayList<>(registeredViews(target));
    others.removeAll(views);
    return others;
  }

  /**
   * Tells that they are not the role's to drop.
   *
   * @return the reason and what to do; empty if they are
   * @throws org.jooq.exception.DataAccessException also if there is no such schema
   */
  Optional<Refusal> whyNotOurs() throws SQLException {
    List<String> owners = texts(OTHER_OWNERS);
    return owners.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Refusal(
                "the objects belong to " + String.join(", ", owners),
                Refusal.NOT_IN_PREREQUISITE_STATE,
                "Connect as their owner."));
  }

  private static List<String> removals(Target target, List<String> views) throws SQLException {
    return target.ask(
        db -> db.resultQuery(REMOVALS, schema(target), array(views)).fetch(0, String.class));
  }

  private List<String> texts(String select) throws SQLException {
    return target.ask(db -> ours(db, select).fetch(0, String.class));
  }

  private ResultQuery<?> ours(DSLContext db, String select) {
    return db.resultQuery(OBJECTS + select, schema(target), array(made), array(views));
  }

  private static Param<String> schema(Target target) {
    return DSL.val(target.schema());
  }

  private static Param<String[]> array(List<String> names) {
    return DSL.val(names.toArray(String[]::new));
  }

  private static final String HAS_CRON =
      """
      SELECT EXISTS (
        SELECT
        FROM pg_extension AS e
        JOIN pg_namespace AS n ON n.nspname = 'cron'
        WHERE e.extname = 'pg_cron' AND has_schema_privilege(n.oid, 'USAGE')
      )
      """;

  private static final String REGISTRY =
      """
      SELECT EXISTS (
        SELECT
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = ?
          AND c.relname = 'wip_view'
          AND has_schema_privilege(n.oid, 'USAGE')
          AND has_table_privilege(c.oid, 'SELECT')
      )
      """;

  private static final String REMOVALS =
      """
      SELECT format('SELECT %I.wip_view_remove(%L);', {0}::text, view.name)
      FROM unnest({1}::text[]) WITH ORDINALITY AS view (name, place)
      ORDER BY view.place
      """;

  private static final String OBJECTS =
      """
      WITH target AS (
        SELECT n.oid, n.nspname, {1}::text[] AS made, {2}::text[] AS views
        FROM pg_namespace AS n
        -- which raises where there is none of that name
        WHERE n.oid = quote_ident({0})::regnamespace
      ),
      object AS (
        SELECT
          CASE c.relkind
            WHEN 'm' THEN 1
            WHEN 'v' THEN 2
            WHEN 'r' THEN 3
            ELSE 4
          END AS place,
          CASE c.relkind
            WHEN 'm' THEN 'materialized view'
            WHEN 'v' THEN 'view'
            WHEN 'r' THEN 'table'
            ELSE 'index'
          END AS kind,
          format('%I.%I', target.nspname, c.relname) AS name,
          c.relname AS plain,
          nullif(pg_total_relation_size(c.oid), 0) AS bytes,
          c.relowner AS owner,
          c.tableoid AS class,
          c.oid
        FROM target
        JOIN pg_class AS c ON c.relnamespace = target.oid
        WHERE c.relkind IN ('r', 'v', 'i') AND c.relname = ANY (target.made)
          OR c.relkind = 'm' AND c.relname = ANY (target.views)
        UNION ALL
        SELECT
          5,
          CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
          format('%I.%I(%s)', target.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
          p.proname,
          NULL,
          p.proowner,
          p.tableoid,
          p.oid
        FROM target
        JOIN pg_proc AS p ON p.pronamespace = target.oid
        WHERE p.proname = ANY (target.made)
      )
      """;

  private static final String LIST =
      """
      SELECT kind, name, bytes
      FROM object
      ORDER BY place, name
      """;

  private static final String NAMES =
      """
      SELECT DISTINCT plain
      FROM object
      """;

  private static final String OTHER_OWNERS =
      """
      SELECT quote_ident(pg_get_userbyid(owner))
      FROM object
      WHERE NOT pg_has_role(owner, 'USAGE')
      GROUP BY owner
      ORDER BY 1
      """;

  /** A rule, constraint, trigger, policy or default stands for the relation that it is part of. */
  private static final String DEPENDANTS =
      """
      , referenced AS (
        SELECT o.name, o.class, o.oid
        FROM object AS o
        UNION ALL
        SELECT o.name, t.tableoid, row_type.oid
        FROM object AS o
        JOIN pg_type AS t ON t.typrelid = o.oid AND o.class = 'pg_class'::regclass
        CROSS JOIN LATERAL (VALUES (t.oid), (t.typarray)) AS row_type (oid)
      ),
      dependant AS (
        SELECT DISTINCT
          coalesce(whole.refclassid, d.classid) AS class,
          coalesce(whole.refobjid, d.objid) AS oid,
          r.name AS needs
        FROM referenced AS r
        JOIN pg_depend AS d ON d.refclassid = r.class AND d.refobjid = r.oid AND d.deptype = 'n'
        LEFT JOIN pg_depend AS whole
          ON whole.classid = d.classid
          AND whole.objid = d.objid
          AND whole.refclassid = 'pg_class'::regclass
          AND whole.deptype IN ('a', 'i')
        -- that one is ours, on the table of Liquibase
        WHERE NOT EXISTS (
          SELECT
          FROM pg_trigger AS t
          WHERE d.classid = 'pg_trigger'::regclass AND t.oid = d.objid AND t.tgname = 'wip_views_keep_place')
      )
      SELECT format('%s %s depends on %s', i.type, i.identity, string_agg(d.needs, ', ' ORDER BY d.needs))
      FROM dependant AS d
      CROSS JOIN LATERAL pg_identify_object(d.class, d.oid, 0) AS i
      WHERE NOT EXISTS (SELECT FROM referenced AS r WHERE r.class = d.class AND r.oid = d.oid)
      GROUP BY i.type, i.identity
      ORDER BY i.identity
      """;

  /** As pg-cron.rollback.sql chooses them. */
  private static final String JOBS =
      """
      WITH own AS (
        SELECT current_database() || '.' || {0} AS name
      ),
      ours AS (
        SELECT
          j.jobname,
          j.database,
          j.command,
          substring(j.jobname from '^wip-views (?:production|off-hours|pruning) (.+)$') AS target
        FROM cron.job AS j
      )
      SELECT o.jobname
      FROM ours AS o, own
      WHERE o.target = CASE WHEN octet_length(own.name) <= 42 THEN own.name ELSE md5(own.name) END
        OR o.target IN (
          SELECT e.target
          FROM ours AS e
          WHERE e.database <> current_database()
            OR e.command ~ '^CALL .+[.]refresh_wip_views[(][)]$'
              AND NOT EXISTS (SELECT FROM pg_namespace AS n WHERE e.command = format('CALL %I.refresh_wip_views()', n.nspname)))
      ORDER BY o.jobname
      """;
}
