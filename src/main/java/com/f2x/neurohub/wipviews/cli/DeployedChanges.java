package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.internal.Target;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jooq.DSLContext;
import org.jooq.impl.DSL;

/**
 * The changesets that are on Liquibase's record in a schema.
 *
 * @param place the schema and its database, in words
 * @param checksums what tells a changeset from an earlier one of its name, by name, in the order in
 *     which they last ran; empty for a role that may not read the record, which the deploy then
 *     says
 */
record DeployedChanges(String place, Map<String, String> checksums) {

  static DeployedChanges read(ConnectionOptions options) throws SQLException {
    try (Connection connection = options.dataSource().getConnection()) {
      Target target = Target.of(connection, options.schema());
      return target.ask(db -> read(db, target.schema()));
    }
  }

  private static DeployedChanges read(DSLContext db, String schema) {
    Map<String, String> checksums = new LinkedHashMap<>();
    if (mayRead(db, schema, "databasechangelog")) {
      db.resultQuery(
              """
              SELECT id, md5sum FROM {0}
              WHERE exectype <> 'MARK_RAN'
              ORDER BY orderexecuted
              """,
              DSL.name(schema, "databasechangelog"))
          .forEach(row -> checksums.put(row.get(0, String.class), row.get(1, String.class)));
    }
    if (mayRead(db, schema, "wip_view_settings")) {
      // its changeset reads otherwise whenever other parameters are given; here is what it did
      db.resultQuery("SELECT md5(s::text) FROM {0} AS s", DSL.name(schema, "wip_view_settings"))
          .forEach(row -> checksums.put("settings", row.get(0, String.class)));
    }
    String place =
        db.fetchSingle(
                "SELECT format('schema %I of database %I', ?::text, current_database())", schema)
            .get(0, String.class);
    return new DeployedChanges(place, checksums);
  }

  private static boolean mayRead(DSLContext db, String schema, String table) {
    return Boolean.TRUE.equals(
        db.fetchSingle(
                "SELECT has_table_privilege(to_regclass(format('%I.%I', ?::text, ?::text)),"
                    + " 'SELECT')",
                schema, table)
            .get(0, Boolean.class));
  }

  /** Names what is new or other than before. What runs on every update is no news by itself. */
  List<String> since(DeployedChanges before) {
    return checksums.entrySet().stream()
        .filter(now -> !Objects.equals(before.checksums().get(now.getKey()), now.getValue()))
        .map(Map.Entry::getKey)
        .toList();
  }
}
