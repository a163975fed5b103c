package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import liquibase.GlobalConfiguration;
import liquibase.configuration.ConfigurationDefinition;

/**
 * The table in which Liquibase keeps account of the changesets of a deploy. It is {@code
 * databasechangelog} in the schema of the deploy, unless a host that includes the changelog keeps
 * its table in another schema or under another name.
 *
 * @param schema its schema
 * @param table its name
 * @param name both, as SQL has them
 */
public record LiquibaseLog(String schema, String table, String name) {

  /**
   * Tables of Liquibase's, the one of its default name in the schema first. Qualified: what it
   * returns becomes part of a statement, and others may have functions on the search_path.
   */
  private static final String TABLES =
      """
      SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), target.schema
      FROM (SELECT coalesce(?::text, pg_catalog.current_schema()::text) AS schema) AS target,
        pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r'
        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'::text)
        AND pg_catalog.has_table_privilege(c.oid, 'SELECT'::text)
        AND 6 = (
          SELECT pg_catalog.count(*)
          FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = c.oid
            AND a.attname IN ('id', 'author', 'filename', 'md5sum', 'orderexecuted', 'exectype')
        )
        -- the account of another deploy, in the schema of that one
        AND (n.nspname = target.schema OR NOT EXISTS (
          SELECT FROM pg_catalog.pg_class AS registry WHERE registry.relnamespace = n.oid AND registry.relname = 'wip_view'))
      ORDER BY n.nspname <> target.schema, c.relname <> 'databasechangelog', n.nspname, c.relname
      """;

  /**
   * Finds the account of what is deployed in a schema.
   *
   * @param schema the schema; null for the connection's own
   * @return the table; empty if none that the connection's role may read knows of such a deploy
   * @throws Refusal if several elsewhere do
   */
  public static Optional<LiquibaseLog> of(Connection connection, String schema)
      throws SQLException {
    List<LiquibaseLog> elsewhere = new ArrayList<>();
    try (PreparedStatement query = connection.prepareStatement(TABLES)) {
      query.setString(1, schema);
      try (ResultSet row = query.executeQuery()) {
        while (row.next()) {
          LiquibaseLog log = new LiquibaseLog(row.getString(1), row.getString(2), row.getString(3));
          if (log.knowsADeploy(connection)) {
            if (log.schema.equals(row.getString(4))) {
              return Optional.of(log);
            }
            elsewhere.add(log);
          }
        }
      }
    }
    if (elsewhere.size() > 1) {
      throw new Refusal(
          "several tables of Liquibase's know of a deploy: "
              + String.join(", ", elsewhere.stream().map(LiquibaseLog::name).toList()),
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Name the right one in the environment: LIQUIBASE_LIQUIBASE_SCHEMA_NAME and"
              + " LIQUIBASE_DATABASE_CHANGELOG_TABLE_NAME.");
    }
    return elsewhere.stream().findFirst();
  }

  /** Tells whether the environment names the table, so that Liquibase finds it by itself. */
  static boolean isConfigured() {
    return Stream.of(
            GlobalConfiguration.LIQUIBASE_SCHEMA_NAME,
            GlobalConfiguration.DATABASECHANGELOG_TABLE_NAME)
        .map(ConfigurationDefinition::getCurrentConfiguredValue)
        .anyMatch(value -> value.found() && !value.wasDefaultValueUsed());
  }

  private boolean knowsADeploy(Connection connection) throws SQLException {
    try (Statement query = connection.createStatement();
        ResultSet row =
            query.executeQuery(
                "SELECT EXISTS (SELECT FROM "
                    + name
                    + " WHERE author = 'wip-views' AND filename LIKE 'wip-views/%'"
                    + " AND filename <> 'wip-views/mes-schema.changelog.yaml')")) {
      row.next();
      return row.getBoolean(1);
    }
  }
}
