package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.bench.Ratio.Cost;
import com.f2x.neurohub.wipviews.testing.BoundedPool;
import com.f2x.neurohub.wipviews.testing.Callers;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** What many callers at once cost: two refreshes, whatever their number. */
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
          2.5,
          "f1",
          CALLERS + " callers from as many connections, until the last returns",
          "one refresh; one by one it would be " + CALLERS,
          Ratio.of(15, () -> crowd(callers, pool), () -> crowd(callers, pool.subList(0, 1))));
      crowd(callers, pool);
      Report.behind("f1", "the callers, in ms", new Sql(pool.get(0)).attempts(CALLERS));
    }
  }

  @Test
  void a_hundred_callers_of_a_pool_of_five() throws Exception {
    try (BoundedPool pool = new BoundedPool(BenchServer.get().smaller(), 5, Duration.ofMinutes(5));
        Connection history = pool.getConnection()) {
      WipViews views = WipViews.of(pool);
      Sql sql = new Sql(history);
      String refreshes =
          "SELECT count(*) FROM wip_view_refresh WHERE view_name = 'mv_wip_status_dashboard'";
      List<Long> refreshed = new ArrayList<>();
      Cost callers =
          () -> {
            long before = Long.parseLong(sql.value(refreshes));
            double millis = threads(100, () -> views.refresh(MV_WIP_STATUS_DASHBOARD));
            refreshed.add(Long.parseLong(sql.value(refreshes)) - before);
            return millis;
          };
      Ratio ratio =
          Ratio.of(15, callers, () -> threads(1, () -> views.refresh(MV_WIP_STATUS_DASHBOARD)));
      long most = Collections.max(refreshed);
      // one of them reads the history
      int inUse = pool.mostInUse() - 1;
      callers.get();
      Report.behind("f2", "the refreshes, in ms", sql.attempts(2));
      Report.row(
          "f2",
          "100 callers through a pool of 5 in one JVM, until the last returns",
          "one refresh",
          ratio.toString(),
          ratio.measured("ms")
              + "; at most %d refreshes, %d connections in use".formatted(most, inUse),
          "at most 2.2 times, 2 refreshes, 2 connections",
          most <= 2 && inUse <= 2 ? Report.holds(2.2, ratio.median()) : "no");
    }
  }

  /** Milliseconds until the last of so many threads has returned that start together. */
  private static double threads(int number, Runnable call) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(number);
    try {
      CyclicBarrier together = new CyclicBarrier(number + 1);
      List<Future<?>> calls = new ArrayList<>();
      for (int i = 0; i < number; i++) {
        calls.add(
            threads.submit(
                () -> {
                  together.await();
                  call.run();
                  return null;
                }));
      }
      together.await();
      long start = System.nanoTime();
      for (Future<?> one : calls) {
        one.get();
      }
      return (System.nanoTime() - start) / 1e6;
    } finally {
      threads.shutdown();
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
