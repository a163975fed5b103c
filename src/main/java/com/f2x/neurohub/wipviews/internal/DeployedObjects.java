package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The objects that a deploy made in a schema, found by the names that the changelog gives them. */
public final class DeployedObjects {

  /**
   * An object of the database.
   *
   * @param kind {@code materialized view}, {@code view}, {@code table}, {@code index}, {@code
   *     function}, {@code procedure} or {@code pg_cron job}
   * @param name its qualified name; a function's with its arguments; a job's own
   * @param bytes size on disk in bytes; null if it has none
   */
  public record DeployedObject(String kind, String name, Long bytes) {}

  private DeployedObjects() {}

  /**
   * Reads what there is.
   *
   * @param schema the schema; null for the connection's own
   * @throws SQLException also if there is no such schema
   */
  public static List<DeployedObject> read(Connection connection, String schema)
      throws SQLException {
    List<DeployedObject> objects = new ArrayList<>();
    try (PreparedStatement query = prepare(connection, schema, LIST);
        ResultSet row = query.executeQuery()) {
      while (row.next()) {
        objects.add(
            new DeployedObject(
                row.getString("kind"), row.getString("name"), row.getObject("bytes", Long.class)));
      }
    }
    if (hasCron(connection)) {
      try (PreparedStatement query = connection.prepareStatement(JOBS)) {
        query.setString(1, schema);
        try (ResultSet row = query.executeQuery()) {
          while (row.next()) {
            objects.add(new DeployedObject("pg_cron job", row.getString(1), null));
          }
        }
      }
    }
    return objects;
  }

  /**
   * Reads the names of what there is, as the changelog has them; not those of jobs.
   *
   * @param schema the schema; null for the connection's own
   * @throws SQLException also if there is no such schema
   */
  static Set<String> names(Connection connection, String schema) throws SQLException {
    return new LinkedHashSet<>(texts(connection, schema, NAMES));
  }

  /**
   * Reads which views are registered, in refresh order.
   *
   * @param schema the schema; null for the connection's own
   * @return their names; empty where there is no registry that the connection's role may read
   */
  public static List<String> registeredViews(Connection connection, String schema)
      throws SQLException {
    String registry;
    try (PreparedStatement query = connection.prepareStatement(REGISTRY)) {
      query.setString(1, schema);
      try (ResultSet row = query.executeQuery()) {
        registry = row.next() ? row.getString(1) : null;
      }
    }
    List<String> views = new ArrayList<>();
    if (registry != null) {
      try (Statement query = connection.createStatement();
          ResultSet row =
              query.executeQuery(
                  "SELECT view_name FROM " + registry + " ORDER BY refresh_order, view_name")) {
        while (row.next()) {
          views.add(row.getString(1));
        }
      }
    }
    return views;
  }

  /**
   * Tells why they cannot be taken away: they are not the role's to drop, views of another
   * changelog are registered, or what is not ours depends on them.
   *
   * @param schema the schema; null for the connection's own
   * @return the reason and what to do; empty if nothing keeps them
   * @throws SQLException also if there is no such schema
   */
  public static Optional<Refusal> whyNotRolledBack(Connection connection, String schema)
      throws SQLException {
    Optional<Refusal> owned = whyNotOurs(connection, schema);
    if (owned.isPresent()) {
      return owned;
    }
    List<String> others = new ArrayList<>(registeredViews(connection, schema));
    others.removeAll(Changelog.viewNames());
    if (!others.isEmpty()) {
      // what reads another one stands after it
      Collections.reverse(others);
      return Optional.of(
          new Refusal(
              "another changelog registered " + String.join(", ", others),
              Refusal.DEPENDENT_OBJECTS_STILL_EXIST,
              "Roll that one back first, or remove each by hand: "
                  + String.join(" ", removals(connection, schema, others))));
    }
    List<String> dependants = texts(connection, schema, DEPENDANTS);
    return dependants.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Refusal(
                String.join("; ", dependants),
                Refusal.DEPENDENT_OBJECTS_STILL_EXIST,
                "Drop or change these first."));
  }

  /**
   * Tells that they are not the role's to drop.
   *
   * @param schema the schema; null for the connection's own
   * @return the reason and what to do; empty if they are
   * @throws SQLException also if there is no such schema
   */
  static Optional<Refusal> whyNotOurs(Connection connection, String schema) throws SQLException {
    List<String> owners = texts(connection, schema, OTHER_OWNERS);
    return owners.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Refusal(
                "the objects belong to " + String.join(", ", owners),
                Refusal.NOT_IN_PREREQUISITE_STATE,
                "Connect as their owner."));
  }

  private static List<String> removals(Connection connection, String schema, List<String> views)
      throws SQLException {
    List<String> statements = new ArrayList<>();
    try (PreparedStatement query = connection.prepareStatement(REMOVALS)) {
      query.setString(1, schema);
      query.setArray(2, connection.createArrayOf("text", views.toArray()));
      try (ResultSet row = query.executeQuery()) {
        while (row.next()) {
          statements.add(row.getString(1));
        }
      }
    }
    return statements;
  }

  private static List<String> texts(Connection connection, String schema, String select)
      throws SQLException {
    List<String> texts = new ArrayList<>();
    try (PreparedStatement query = prepare(connection, schema, select);
        ResultSet row = query.executeQuery()) {
      while (row.next()) {
        texts.add(row.getString(1));
      }
    }
    return texts;
  }

  private static PreparedStatement prepare(Connection connection, String schema, String select)
      throws SQLException {
    PreparedStatement query = connection.prepareStatement(OBJECTS + select);
    query.setArray(1, connection.createArrayOf("text", Changelog.allObjectNames().toArray()));
    query.setArray(2, connection.createArrayOf("text", Changelog.viewNames().toArray()));
    query.setString(3, schema);
    return query;
  }

  private static boolean hasCron(Connection connection) throws SQLException {
    try (PreparedStatement query =
            connection.prepareStatement(
                "SELECT EXISTS (SELECT FROM pg_extension AS e JOIN pg_namespace AS n ON n.nspname ="
                    + " 'cron' WHERE e.extname = 'pg_cron' AND has_schema_privilege(n.oid,"
                    + " 'USAGE'))");
        ResultSet row = query.executeQuery()) {
      row.next();
      return row.getBoolean(1);
    }
  }

  private static final String REGISTRY =
      """
      SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = coalesce(?::text, current_schema())
        AND c.relname = 'wip_view'
        AND has_schema_privilege(n.oid, 'USAGE')
        AND has_table_privilege(c.oid, 'SELECT')
      """;

  private static final String REMOVALS =
      """
      SELECT pg_catalog.format('SELECT %I.wip_view_remove(%L);', coalesce(?::text, current_schema()), view.name)
      FROM pg_catalog.unnest(?::text[]) WITH ORDINALITY AS view (name, place)
      ORDER BY view.place
      """;

  private static final String OBJECTS =
      """
      WITH target AS (
        SELECT n.oid, n.nspname, ?::text[] AS made, ?::text[] AS views
        FROM pg_namespace AS n
        -- which raises where there is none of that name
        WHERE n.oid = quote_ident(coalesce(?::text, current_schema()))::regnamespace
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
          pg_catalog.format('%I.%I', target.nspname, c.relname) AS name,
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
          pg_catalog.format('%I.%I(%s)', target.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
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
      SELECT pg_catalog.format('%s %s depends on %s', i.type, i.identity, string_agg(d.needs, ', ' ORDER BY d.needs))
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
        SELECT current_database() || '.' || coalesce(?::text, current_schema()) AS name
      ),
      ours AS (
        SELECT
          j.jobname,
          j.database,
          substring(j.jobname from '^wip-views (?:production|off-hours|pruning) (.+)$') AS target
        FROM cron.job AS j
      )
      SELECT o.jobname
      FROM ours AS o, own
      WHERE o.target = CASE WHEN octet_length(own.name) <= 42 THEN own.name ELSE md5(own.name) END
        OR o.target IN (SELECT e.target FROM ours AS e WHERE e.database <> current_database())
      ORDER BY o.jobname
      """;
}
