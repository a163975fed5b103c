package com.f2x.neurohub.wipviews.bench;

import com.f2x.neurohub.wipviews.testing.Callers;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** What 64 callers at once cost: two refreshes, and not 64. */
class CrowdBench {

  @RegisterExtension static final Report report = new Report();

  private static final int CALLERS = 64;

  @Test
  void sixty_four_callers_at_once() throws Exception {
    PGSimpleDataSource dataSource = BenchServer.get().smaller();
    try (Callers callers = new Callers()) {
      List<Connection> pool = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        pool.add(dataSource.getConnection());
      }
      Report.atMost(
          3,
          "f",
          CALLERS + " callers, until the last returns",
          "one refresh; one by one it would be " + CALLERS,
          Ratio.of(9, () -> crowd(callers, pool), () -> crowd(callers, pool.subList(0, 1))));
    }
  }

  /** Milliseconds from the start of the first to the return of the last. */
  private static double crowd(Callers callers, List<Connection> pool) throws Exception {
    List<Future<long[]>> calls =
        callers.start(
            pool.size(),
            pool.iterator()::next,
            (caller, connection) -> {
              long start = System.nanoTime();
              new Sql(connection).run("SELECT * FROM refresh_wip_status_dashboard()");
              return new long[] {start, System.nanoTime()};
            });
    List<long[]> times = Callers.results(calls);
    long first = times.stream().mapToLong(time -> time[0]).min().orElseThrow();
    long last = times.stream().mapToLong(time -> time[1]).max().orElseThrow();
    return (last - first) / 1e6;
  }
}
