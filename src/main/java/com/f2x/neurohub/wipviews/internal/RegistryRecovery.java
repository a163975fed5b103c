package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Recreates views from what the registry knows of them.
 *
 * @param listener told what is done
 */
record RegistryRecovery(Target target, DeployListener listener) {

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
    new RegisteredViews(target, listener).call("wip_view_recreate", view);
    target.connection().commit();
  }
}
