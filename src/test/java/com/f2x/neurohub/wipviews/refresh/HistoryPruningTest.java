package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class HistoryPruningTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

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
  void the_history_is_pruned_by_age_and_keeps_what_freshness_needs() throws Exception {
    views.refresh(WipViews.view("mv_orders"));
    views.refresh(Probe.MV_PROBE);
    database.execute(
        "UPDATE wip_view_refresh SET requested_at = requested_at - interval '15 days'",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_probe',"
            + " 'coalesced', now() - interval '15 days' FROM generate_series(1, 9)",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_probe',"
            + " 'coalesced', now() - interval '13 days' FROM generate_series(1, 5)");

    // a failing view is pruned too, or its history would grow for as long as it fails
    database.execute(
        "SELECT wip_view_fail(wip_view_request('mv_probe'), '22012', 'division by zero')");
    assertThat(probe.count("coalesced")).isEqualTo(5);
    assertThat(probe.count("refreshed")).isEqualTo(1);
    assertThat(views.freshness(Probe.MV_PROBE).lastRefreshedAt()).isNotNull();

    views.refresh(Probe.MV_PROBE);
    assertThat(probe.count("refreshed")).isEqualTo(1);
    assertThat(
            database.value("SELECT count(*) FROM wip_view_refresh WHERE view_name = 'mv_orders'"))
        .isEqualTo("1");
  }

  @Test
  void a_retention_longer_than_the_calendar_keeps_everything() throws Exception {
    database.execute("UPDATE wip_view_settings SET history_retention = '9999 years'");
    try {
      views.refresh(Probe.MV_PROBE);
      database.execute("CALL refresh_wip_views()");

      assertThat(probe.count("refreshed")).isEqualTo(2);
    } finally {
      database.execute("UPDATE wip_view_settings SET history_retention = DEFAULT");
    }
  }

  @Test
  void the_tables_of_a_recovery_wait_for_no_refresh() throws Exception {
    String registry =
        Files.readString(Path.of("changelog/engine/registry.sql")).replace("${schema}", "public");
    try (Connection refreshed = database.connect()) {
      refreshed.setAutoCommit(false);
      Probe.rows(refreshed, Probe.REFRESH);

      database.execute("SET lock_timeout = '1min'; " + registry);

      assertThat(refreshed.isClosed()).isFalse();
    }
  }

  @Test
  void pruning_reaches_unregistered_views_and_future_dates() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_probe',"
            + " 'coalesced', now() + interval '1 year' FROM generate_series(1, 500)",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_gone',"
            + " 'refreshed', now() - interval '15 days' FROM generate_series(1, 9)",
        "INSERT INTO wip_view_refresh (view_name, outcome, requested_at) SELECT 'mv_gone',"
            + " 'refreshed', now() - interval '13 days' FROM generate_series(1, 5)");

    views.refresh(Probe.MV_PROBE);
    views.refresh(Probe.MV_PROBE);

    assertThat(probe.count("coalesced")).isZero();
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE view_name = 'mv_gone'"))
        .isEqualTo("5");
  }

  @Test
  void what_pruning_costs_does_not_grow_with_the_history() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome)"
            + " SELECT 'mv_probe', 'coalesced' FROM generate_series(1, 20000)",
        "VACUUM ANALYZE wip_view_refresh");
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      String read =
          "SELECT pg_stat_get_xact_tuples_fetched('wip_view_refresh'::regclass)"
              + " + pg_stat_get_xact_tuples_returned('wip_view_refresh'::regclass) AS tuples";
      statement.execute("SELECT wip_view_prune('mv_probe')");

      assertThat(Integer.parseInt(Probe.rows(connection, read).get(0).get("tuples")))
          .isLessThan(2_500);
    }
  }
}
