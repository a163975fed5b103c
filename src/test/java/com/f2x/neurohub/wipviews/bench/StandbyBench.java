package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;

import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.testing.PrivateServer;
import java.sql.Connection;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** How far behind a streaming standby on the same machine is after a refresh. */
class StandbyBench {

  @RegisterExtension static final Report report = new Report();

  private static final String REFRESH = "SELECT refresh_all_wip_views()";

  @Test
  void until_a_standby_has_the_rows_of_a_refresh() throws Exception {
    try (PrivateServer server = PrivateServer.deployed()) {
      try (Connection connection = server.dataSource().getConnection()) {
        Factory.load(
            connection,
            new Factory.Size(BenchServer.openLots(), BenchServer.openLots()),
            line -> {});
      }
      DataSource replica = server.standby();
      try (Connection primary = server.dataSource().getConnection();
          Connection standby = replica.getConnection()) {
        Sql sql = new Sql(primary);
        Report.note(
            "n",
            "a standby, from the end of a refresh of both views until it has replayed it",
            "the refresh",
            Ratio.of(
                15,
                () -> {
                  sql.run(REFRESH);
                  return millis(() -> awaitReplay(sql, new Sql(standby))).get();
                },
                millis(() -> sql.run(REFRESH))),
            "ms");
      }
    }
  }

  private static void awaitReplay(Sql primary, Sql standby) throws Exception {
    String end = primary.value("SELECT pg_current_wal_flush_lsn()");
    while (!standby.value("SELECT pg_last_wal_replay_lsn() >= '" + end + "'").equals("t")) {
      Thread.onSpinWait();
    }
  }
}
