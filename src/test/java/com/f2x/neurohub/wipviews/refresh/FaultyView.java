package com.f2x.neurohub.wipviews.refresh;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;

/**
 * A view, {@code mv_fault}, whose query does what a test says. It is the first in refresh order, so
 * that there are others after it.
 */
record FaultyView(TestDatabase database) {

  static final String NOT_TRIED =
      "[[mv_fault, failed, 57014], [mv_orders, failed, 57014], [mv_customers, failed, 57014],"
          + " [mv_probe, failed, 57014]]";

  static FaultyView in(TestDatabase database) throws SQLException {
    FaultyView view = new FaultyView(database);
    view.does("RETURN 0;");
    database.execute(
        "CREATE MATERIALIZED VIEW mv_fault AS SELECT 1 AS id, fault() AS fault",
        "CREATE UNIQUE INDEX mv_fault_id_idx ON mv_fault (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_fault', 1, '1 day', '')");
    return view;
  }

  /** What its query does from now on. */
  void does(String body) throws SQLException {
    database.execute(
        "CREATE OR REPLACE FUNCTION fault() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN "
            + body
            + " END $$");
  }

  /** View, outcome and SQLSTATE of every attempt, also of other views. */
  String outcomes() throws SQLException {
    return database
        .rows(
            "SELECT view_name, outcome, coalesce(sqlstate, '-') FROM wip_view_history"
                + " ORDER BY refresh_id")
        .toString();
  }
}
