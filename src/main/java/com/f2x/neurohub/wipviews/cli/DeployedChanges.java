package com.f2x.neurohub.wipviews.cli;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

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
      Place place = place(connection, options.schema());
      Map<String, String> checksums = new LinkedHashMap<>();
      if (place.log() != null) {
        query(
            connection,
            "SELECT id, md5sum FROM "
                + place.log()
                + " WHERE author = 'wip-views' AND exectype <> 'MARK_RAN'"
                + " ORDER BY orderexecuted",
            checksums);
      }
      if (place.settings() != null) {
        // its changeset reads otherwise whenever other parameters are given; here is what it did
        query(
            connection,
            "SELECT 'settings', md5(s::text) FROM " + place.settings() + " AS s",
            checksums);
      }
      return new DeployedChanges(place.words(), checksums);
    }
  }

  private static void query(Connection connection, String sql, Map<String, String> into)
      throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        into.put(row.getString(1), String.valueOf(row.getString(2)));
      }
    }
  }

  /** Where the record and the settings are; null where there is nothing that the role may read. */
  private record Place(String log, String settings, String words) {}

  private static Place place(Connection connection, String schema) throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            """
            SELECT
              CASE WHEN has_table_privilege(named.log, 'SELECT') THEN named.log::text END,
              CASE WHEN has_table_privilege(named.settings, 'SELECT') THEN named.settings::text END,
              format('schema %I of database %I', named.schema, current_database())
            FROM (
              SELECT
                target.schema,
                to_regclass(format('%I.databasechangelog', target.schema)) AS log,
                to_regclass(format('%I.wip_view_settings', target.schema)) AS settings
              FROM (SELECT coalesce(?::text, current_schema()) AS schema) AS target
            ) AS named
            """)) {
      query.setString(1, schema);
      try (ResultSet row = query.executeQuery()) {
        row.next();
        return new Place(row.getString(1), row.getString(2), row.getString(3));
      }
    }
  }

  /** Names what is new or other than before. What runs on every update is no news by itself. */
  List<String> since(DeployedChanges before) {
    return checksums.entrySet().stream()
        .filter(now -> !Objects.equals(before.checksums().get(now.getKey()), now.getValue()))
        .map(Map.Entry::getKey)
        .toList();
  }
}
