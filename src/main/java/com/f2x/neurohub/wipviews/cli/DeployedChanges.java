package com.f2x.neurohub.wipviews.cli;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The changesets that are on Liquibase's record in a schema.
 *
 * @param place the schema and its database, in words
 * @param checksums checksum of each changeset by its name, in the order in which they last ran
 */
record DeployedChanges(String place, Map<String, String> checksums) {

  static DeployedChanges read(ConnectionOptions options) throws SQLException {
    try (Connection connection = options.dataSource().getConnection()) {
      Place place = place(connection, options.schema());
      Map<String, String> checksums = new LinkedHashMap<>();
      if (place.log() != null) {
        try (PreparedStatement query =
                connection.prepareStatement(
                    "SELECT id, md5sum FROM "
                        + place.log()
                        + " WHERE author = 'wip-views' AND exectype <> 'MARK_RAN'"
                        + " ORDER BY orderexecuted");
            ResultSet row = query.executeQuery()) {
          while (row.next()) {
            checksums.put(row.getString(1), String.valueOf(row.getString(2)));
          }
        }
      }
      return new DeployedChanges(place.words(), checksums);
    }
  }

  /** Where the record is; {@code log} is null if there is none. */
  private record Place(String log, String words) {}

  private static Place place(Connection connection, String schema) throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            """
            SELECT
              to_regclass(format('%I.databasechangelog', named.schema))::text,
              format('schema %I of database %I', named.schema, current_database())
            FROM (SELECT coalesce(?::text, current_schema()) AS schema) AS named
            """)) {
      query.setString(1, schema);
      try (ResultSet row = query.executeQuery()) {
        row.next();
        return new Place(row.getString(1), row.getString(2));
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
