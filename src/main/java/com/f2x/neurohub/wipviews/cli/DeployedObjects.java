package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.internal.Changelog;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** The objects that a deploy made in a schema, found by the names that the changelog gives them. */
final class DeployedObjects {

  /**
   * An object of the database.
   *
   * @param kind {@code materialized view}, {@code view}, {@code table}, {@code index}, {@code
   *     function}, {@code procedure} or {@code pg_cron job}
   * @param name its qualified name; a function's with its arguments; a job's own
   * @param bytes size on disk in bytes; null if it has none
   */
  record DeployedObject(String kind, String name, Long bytes) {}

  private DeployedObjects() {}

  static List<DeployedObject> read(ConnectionOptions options) throws SQLException {
    try (Connection connection = options.dataSource().getConnection()) {
      List<DeployedObject> objects = new ArrayList<>();
      String registry = registry(connection, options.schema());
      try (PreparedStatement query =
          connection.prepareStatement(
              OBJECTS.replace(
                  "/* registered */",
                  registry == null
                      ? ""
                      : "OR c.relkind = 'm' AND c.relname IN (SELECT v.view_name FROM "
                          + registry
                          + " AS v)"))) {
        query.setArray(
            1, connection.createArrayOf("text", Changelog.allObjectNames().toArray(String[]::new)));
        query.setString(2, options.schema());
        try (ResultSet row = query.executeQuery()) {
          while (row.next()) {
            objects.add(
                new DeployedObject(
                    row.getString("kind"),
                    row.getString("name"),
                    row.getObject("bytes", Long.class)));
          }
        }
      }
      if (hasCron(connection)) {
        try (PreparedStatement query = connection.prepareStatement(JOBS)) {
          query.setString(1, options.schema());
          try (ResultSet row = query.executeQuery()) {
            while (row.next()) {
              objects.add(new DeployedObject("pg_cron job", row.getString(1), null));
            }
          }
        }
      }
      return objects;
    }
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

  private static String registry(Connection connection, String schema) throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT to_regclass(format('%I.wip_view', coalesce(?::text,"
                + " current_schema())))::text")) {
      query.setString(1, schema);
      try (ResultSet row = query.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  private static final String OBJECTS =
      """
      WITH target AS (
        SELECT n.oid, n.nspname, ?::text[] AS made
        FROM pg_namespace AS n
        WHERE n.nspname = coalesce(?::text, current_schema())
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
          nullif(pg_total_relation_size(c.oid), 0) AS bytes
        FROM target
        JOIN pg_class AS c ON c.relnamespace = target.oid
        WHERE c.relkind IN ('r', 'v', 'i') AND c.relname = ANY (target.made)
          /* registered */
        UNION ALL
        SELECT
          5,
          CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
          format('%I.%I(%s)', target.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
          NULL
        FROM target
        JOIN pg_proc AS p ON p.pronamespace = target.oid
        WHERE p.proname = ANY (target.made)
      )
      SELECT kind, name, bytes
      FROM object
      ORDER BY place, name
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
