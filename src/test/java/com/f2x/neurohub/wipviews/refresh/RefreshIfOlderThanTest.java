package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Counting;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class RefreshIfOlderThanTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static Probe probe;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
  }

  @BeforeEach
  void reset() throws SQLException {
    probe.reset();
  }

  @Test
  void a_view_that_is_fresh_enough_costs_one_query() throws Exception {
    views.refresh(Probe.MV_PROBE);
    List<String> statements = new CopyOnWriteArrayList<>();
    WipViews counted = WipViews.of(Counting.statements(database.dataSource(), statements));

    assertThat(counted.refreshIfOlderThan(Probe.MV_PROBE, Duration.ofDays(1))).isEmpty();

    assertThat(statements).hasSize(1);
    assertThat(counted.refreshIfOlderThan(Probe.MV_PROBE, Duration.ZERO)).isPresent();
  }

  @Test
  void a_refresh_dated_in_the_future_does_not_count_as_fresh() throws Exception {
    database.execute(
        Probe.REFRESH, "UPDATE wip_view_refresh SET rows_as_of = rows_as_of + interval '1 day'");

    WipViews views = WipViews.of(database.dataSource());
    assertThat(views.refreshIfOlderThan(Probe.MV_PROBE, Duration.ofHours(1)))
        .hasValueSatisfying(
            refresh -> assertThat(refresh.outcome()).isEqualTo(Refresh.Outcome.REFRESHED));
    assertThat(views.refreshIfOlderThan(Probe.MV_PROBE, Duration.ofHours(1))).isEmpty();
  }
}
