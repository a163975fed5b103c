package com.f2x.neurohub.wipviews.promote;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A view's file, and the two calls that the changelog puts around it.
 *
 * @param view name of the view
 * @param order its place in the refresh order
 * @param sql text of the file
 */
record ViewFile(String view, int order, String sql) {

  static final ViewFile DASHBOARD = read("mv_wip_status_dashboard", 1);
  static final ViewFile QUEUE = read("mv_process_wip_queue", 2);

  private static ViewFile read(String view, int order) {
    try {
      return new ViewFile(
          view,
          order,
          Files.readString(Path.of("views/wip_views/0" + order + "_" + view + ".sql")));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The same view with another definition. */
  ViewFile with(String old, String replacement) {
    if (!sql.contains(old)) {
      throw new IllegalArgumentException("not in the file of " + view + ": " + old);
    }
    return new ViewFile(view, order, sql.replace(old, replacement));
  }

  /** Builds and promotes it in one transaction, as Liquibase runs the changeset, and tidies up. */
  void promote(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SELECT wip_view_stage('" + view + "')");
      statement.execute(sql);
      statement.execute(
          "SELECT wip_view_promote('" + view + "', " + order + ", interval '20 minutes')");
      connection.commit();
      // the last changeset of a deploy
      statement.execute("SELECT wip_view_drop_retired()");
      connection.commit();
    } catch (SQLException e) {
      connection.rollback();
      throw e;
    } finally {
      connection.setAutoCommit(true);
    }
  }
}
