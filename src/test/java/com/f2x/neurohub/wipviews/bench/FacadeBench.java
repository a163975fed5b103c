package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.bench.Ratio.Action;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What {@link WipViews} adds to the SQL that it runs. */
class FacadeBench {

  @RegisterExtension static final Report report = new Report();

  @Test
  void against_the_same_sql_by_bare_jdbc() throws Exception {
    try (Connection one = BenchServer.get().smaller().getConnection();
        Connection other = BenchServer.get().smaller().getConnection()) {
      WipViews views = WipViews.of(DSL.using(one, SQLDialect.POSTGRES).configuration());
      Action freshness = times(20, views::freshness);
      Action bareFreshness = times(20, () -> rows(other, "SELECT * FROM wip_view_freshness"));
      Sql sql = new Sql(other);
      Report.behind(
          "h1",
          "the server's part",
          sql.phases("SELECT * FROM refresh_wip_view('mv_process_wip_queue')"));
      Report.behind("h2", "the server's part", sql.plan("SELECT * FROM wip_view_freshness"));
      // a service runs for weeks: what is compared is compiled
      times(500, freshness).run();
      times(500, bareFreshness).run();
      Report.atMost(
          1.2,
          "h2",
          "WipViews.freshness, 20 times",
          "the same SQL by bare JDBC",
          Ratio.of(100, millis(freshness), millis(bareFreshness)));
      Report.atMost(
          1.05,
          "h1",
          "WipViews.refresh",
          "the same SQL by bare JDBC",
          Ratio.of(
              100,
              millis(() -> views.refresh(MV_PROCESS_WIP_QUEUE)),
              millis(() -> refresh(other))));
    }
  }

  private static Action times(int times, Action action) {
    return () -> {
      for (int i = 0; i < times; i++) {
        action.run();
      }
    };
  }

  /** The request and its run, each in a transaction, as {@link WipViews#refresh} commits them. */
  private static void refresh(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    new Sql(connection)
        .run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off");
    long request;
    try (CallableStatement call = connection.prepareCall("{? = call wip_view_request(?, ?)}")) {
      call.registerOutParameter(1, java.sql.Types.BIGINT);
      call.setString(2, "mv_process_wip_queue");
      call.setObject(3, null, java.sql.Types.BIGINT);
      call.execute();
      request = call.getLong(1);
    }
    connection.commit();
    new Sql(connection).run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
    rows(connection, "SELECT * FROM wip_view_run(?, false)", request);
    connection.commit();
    connection.setAutoCommit(true);
    rows(
        connection,
        "SELECT pg_stat_get_dead_tuples('mv_process_wip_queue'::regclass) >= 1000 AND ? > 0",
        request);
  }

  private static List<Object[]> rows(Connection connection, String query, Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      List<Object[]> rows = new ArrayList<>();
      try (ResultSet result = statement.executeQuery()) {
        int columns = result.getMetaData().getColumnCount();
        while (result.next()) {
          Object[] row = new Object[columns];
          for (int i = 0; i < columns; i++) {
            row[i] = result.getObject(i + 1);
          }
          rows.add(row);
        }
      }
      return rows;
    }
  }
}
