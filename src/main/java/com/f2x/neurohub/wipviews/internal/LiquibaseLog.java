package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import liquibase.GlobalConfiguration;
import liquibase.configuration.ConfigurationDefinition;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

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

  /** Tables of Liquibase's, the one of its default name in the schema first. */
  private static final String TABLES =
      """
      SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname)
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r'
        AND has_schema_privilege(n.oid, 'USAGE')
        AND has_table_privilege(c.oid, 'SELECT')
        AND 6 = (
          SELECT count(*)
          FROM pg_attribute AS a
          WHERE a.attrelid = c.oid
            AND a.attname IN ('id', 'author', 'filename', 'md5sum', 'orderexecuted', 'exectype')
        )
        -- the account of another deploy, in the schema of that one
        AND (n.nspname = {0} OR NOT EXISTS (
          SELECT FROM pg_class AS registry WHERE registry.relnamespace = n.oid AND registry.relname = 'wip_view'))
      ORDER BY n.nspname <> {0}, c.relname <> 'databasechangelog', n.nspname, c.relname
      """;

  /**
   * Finds the account of what is deployed in a schema.
   *
   * @return the table; empty if none that the connection's role may read knows of such a deploy
   * @throws Refusal if several elsewhere do
   */
  public static Optional<LiquibaseLog> of(Target target) throws SQLException {
    return target.ask(
        db -> {
          List<LiquibaseLog> elsewhere = new ArrayList<>();
          for (Record row : db.resultQuery(TABLES, DSL.val(target.schema())).fetch()) {
            LiquibaseLog log =
                new LiquibaseLog(
                    row.get(0, String.class), row.get(1, String.class), row.get(2, String.class));
            if (log.knowsADeploy(db)) {
              if (log.schema.equals(target.schema())) {
                return Optional.of(log);
              }
              elsewhere.add(log);
            }
          }
          return theOnly(elsewhere);
        });
  }

  private static Optional<LiquibaseLog> theOnly(List<LiquibaseLog> logs) throws Refusal {
    if (logs.size() > 1) {
      throw new Refusal(
          "several tables of Liquibase's know of a deploy: "
              + String.join(", ", logs.stream().map(LiquibaseLog::name).toList()),
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Name the right one in the environment: LIQUIBASE_LIQUIBASE_SCHEMA_NAME and"
              + " LIQUIBASE_DATABASE_CHANGELOG_TABLE_NAME.");
    }
    return logs.stream().findFirst();
  }

  /** Tells whether the environment names the table, so that Liquibase finds it by itself. */
  static boolean isConfigured() {
    return Stream.of(
            GlobalConfiguration.LIQUIBASE_SCHEMA_NAME,
            GlobalConfiguration.DATABASECHANGELOG_TABLE_NAME)
        .map(ConfigurationDefinition::getCurrentConfiguredValue)
        .anyMatch(value -> value.found() && !value.wasDefaultValueUsed());
  }

  private boolean knowsADeploy(DSLContext db) {
    return db.fetchExists(
        DSL.table(DSL.name(schema, table)),
        DSL.condition(
            "author = 'wip-views' AND filename LIKE 'wip-views/%' AND filename <>"
                + " 'wip-views/mes-schema.changelog.yaml'"));
  }

  /** A script of a deploy depends on what has run. */
  static void refuseUnreadable(Target target) throws SQLException {
    @Nullable Record grant =
        target.ask(
            db ->
                db.fetchOne(
                    """
                    SELECT format('GRANT SELECT ON %s TO %I;', log.name, current_user)
                    FROM format('%I.databasechangelog', ?::text) AS log (name)
                    WHERE NOT has_table_privilege(to_regclass(log.name), 'SELECT')
                    """,
                    target.schema()));
    if (grant != null) {
      throw new Refusal(
          "cannot tell what is deployed already",
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Have its owner run " + grant.get(0));
    }
  }
}
