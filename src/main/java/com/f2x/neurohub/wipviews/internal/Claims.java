package com.f2x.neurohub.wipviews.internal;

import static java.util.stream.Collectors.toMap;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jooq.impl.DSL;

/**
 * Which changelog a view belongs to: two with a view of the same name would replace each other's.
 */
final class Claims {

  private static final String DUPLICATE_OBJECT = "42710";

  /** The registry of an earlier version has no such column. */
  private static final String KNOWS =
      """
      SELECT EXISTS (
        SELECT
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE n.nspname = {0}
          AND c.relname = 'wip_view'
          AND a.attname = 'changelog'
          AND has_schema_privilege(n.oid, 'USAGE')
          AND has_table_privilege(c.oid, 'SELECT')
      )
      """;

  private Claims() {}

  /**
   * Refuses entries of views that another changelog keeps, or that have two entries, before
   * anything happens.
   */
  static void check(Target target, List<Entry> entries) throws SQLException {
    Map<String, String> keepers = keepers(target);
    Map<String, Entry> claims = new HashMap<>();
    for (Entry entry : entries) {
      String keeper = keepers.getOrDefault(entry.view(), entry.changelog());
      if (!keeper.equals(entry.changelog())) {
        refuse(
            entry.view(),
            keeper,
            entry.changelog(),
            "Give one of the two another name. If it is the same view, whose changelog has another"
                + " name now: UPDATE "
                + target.qualified("wip_view")
                + " SET changelog = '"
                + entry.changelog().replace("'", "''")
                + "' WHERE view_name = '"
                + entry.view().replace("'", "''")
                + "';");
      }
      Entry other = claims.put(entry.view(), entry);
      if (other != null && other.changeSet() != entry.changeSet()) {
        refuse(
            entry.view(),
            other.changeSet().toString(false),
            entry.changeSet().toString(false),
            "Take one of the two entries out, or give it another name.");
      }
    }
  }

  private static void refuse(String view, String keeper, String other, String hint) throws Refusal {
    throw new Refusal(
        view + " is a view of " + keeper + "; " + other + " cannot keep one of this name too",
        DUPLICATE_OBJECT,
        hint);
  }

  /**
   * Records which changelog the views belong to, where neither an entry nor Liquibase's log has
   * done so.
   */
  static void note(Target target, List<Entry> entries) throws SQLException {
    Map<String, String> keepers = keepers(target);
    Connection connection = target.connection();
    try (PreparedStatement update =
        connection.prepareStatement(
            "UPDATE "
                + target.qualified("wip_view")
                + " SET changelog = ?::pg_catalog.text WHERE view_name OPERATOR(pg_catalog.=)"
                + " ?::pg_catalog.text AND changelog IS NULL")) {
      for (Entry entry : entries) {
        if (!keepers.containsKey(entry.view())) {
          update.setString(1, entry.changelog());
          update.setString(2, entry.view());
          update.executeUpdate();
        }
      }
      if (!connection.getAutoCommit()) {
        connection.commit();
      }
    }
  }

  private static Map<String, String> keepers(Target target) throws SQLException {
    return target.ask(
        db ->
            db.resultQuery(KNOWS, DSL.val(target.schema())).fetchSingle(0, Boolean.class)
                ? db
                    .resultQuery(
                        "SELECT view_name, changelog FROM {0} WHERE changelog IS NOT NULL",
                        DSL.name(target.schema(), "wip_view"))
                    .fetch()
                    .stream()
                    .collect(
                        toMap(row -> row.get(0, String.class), row -> row.get(1, String.class)))
                : Map.of());
  }
}
