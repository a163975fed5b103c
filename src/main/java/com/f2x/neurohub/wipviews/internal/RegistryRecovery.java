package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Recreates views from what the registry knows of them.
 *
 * @param progress told, line by line, what is done
 */
record RegistryRecovery(Target target, Consumer<String> progress) {

  private static final String UNDEFINED_TABLE = "42P01";

  /** Of views that are gone, the catalog no longer tells which reads which: the others go first. */
  void recreate(Set<String> views) throws SQLException {
    Set<String> left = new LinkedHashSet<>(views);
    while (!left.isEmpty()) {
      int before = left.size();
      SQLException gone = null;
      for (String view : List.copyOf(left)) {
        try {
          recreate(view);
          left.remove(view);
        } catch (SQLException e) {
          target.connection().rollback();
          if (!UNDEFINED_TABLE.equals(e.getSQLState())) {
            throw e;
          }
          gone = e;
        }
      }
      if (left.size() == before) {
        throw gone;
      }
    }
  }

  private void recreate(String view) throws SQLException {
    progress.accept(view);
    Connection connection = target.connection();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT " + target.qualified("wip_view_recreate") + "(?::pg_catalog.text)")) {
      statement.setString(1, view);
      statement.execute();
      for (SQLWarning said = statement.getWarnings(); said != null; said = said.getNextWarning()) {
        progress.accept("  " + said.getMessage().strip());
      }
      connection.commit();
    }
  }
}
