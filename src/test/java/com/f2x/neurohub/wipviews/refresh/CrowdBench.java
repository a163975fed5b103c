package com.f2x.neurohub.wipviews.refresh;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What 64 callers at once cost on a view of 1,000 open lots. Run by {@code mvn -Pbench test
 * -Dtest=CrowdBench}.
 */
class CrowdBench {

  private static final int CALLERS = 64;
  private static final int ROUNDS = 9;

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  @Test
  void sixty_four_callers_on_a_view_of_a_thousand_lots() throws Exception {
    try (Connection connection = database.connect()) {
      Factory.load(connection, new Factory.Size(1_000, 1_000), line -> {});
    }
    WipViews views = WipViews.of(database.dataSource());
    List<Double> alone = new ArrayList<>();
    List<Double> together = new ArrayList<>();
    List<Integer> refreshes = new ArrayList<>();
    try (Callers callers = new Callers()) {
      List<Connection> pool = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        pool.add(database.connect());
      }
      for (int i = 0; i <= ROUNDS; i++) {
        alone.add(crowd(callers, pool.subList(0, 1)));
        database.execute("TRUNCATE wip_view_refresh");
        together.add(crowd(callers, pool));
        refreshes.add(
            (int)
                views.history(MV_WIP_STATUS_DASHBOARD, CALLERS).stream()
                    .filter(refresh -> refresh.outcome() == Refresh.Outcome.REFRESHED)
                    .count());
      }
    }
    // the first round is that of sessions that have never refreshed: they compile the functions
    double cold = together.remove(0);
    alone.remove(0);
    double one = median(alone);
    System.out.printf(
        Locale.ROOT,
        "rows %s; one refresh %.0f ms; %d callers: refreshes %s, last returned after %.0f ms"
            + " (median of %d) = %.2f times one refresh, worst %.2f; in sessions just opened %.0f"
            + " ms%n",
        database.value("SELECT count(*) FROM mv_wip_status_dashboard"),
        one,
        CALLERS,
        refreshes,
        median(together),
        ROUNDS,
        median(together) / one,
        Collections.max(together) / one,
        cold);
  }

  /** Milliseconds from the start of the first to the return of the last. */
  private static double crowd(Callers callers, List<Connection> pool) throws Exception {
    List<Future<long[]>> calls =
        callers.start(
            pool.size(),
            pool.iterator()::next,
            (caller, connection) -> {
              long start = System.nanoTime();
              Probe.rows(connection, "SELECT * FROM refresh_wip_status_dashboard()");
              return new long[] {start, System.nanoTime()};
            });
    List<long[]> times = Callers.results(calls);
    long first = times.stream().mapToLong(time -> time[0]).min().orElseThrow();
    long last = times.stream().mapToLong(time -> time[1]).max().orElseThrow();
    return (last - first) / 1e6;
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
