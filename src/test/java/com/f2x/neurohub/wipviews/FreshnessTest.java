package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.List;
import org.jooq.Table;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the freshness says besides a view's state: failures in a row, dead rows. */
class FreshnessTest {

  private static final Table<?> ORDERS = WipViews.view("mv_orders");

  private final TestDatabase database = TestDatabase.service();
  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void failures_are_counted_since_the_last_refresh() throws Exception {
    assertThat(failures()).isZero();

    database.execute("ALTER MATERIALIZED VIEW mv_orders RENAME TO elsewhere");
    for (int failure = 1; failure <= 3; failure++) {
      fails();
      assertThat(failures()).isEqualTo(failure);
    }
    assertThat(views.freshness(WipViews.view("mv_customers")).failuresInARow()).isZero();

    database.execute("ALTER MATERIALIZED VIEW elsewhere RENAME TO mv_orders");
    views.refresh(ORDERS);
    assertThat(failures()).isZero();
  }

  @Test
  void a_coalesced_attempt_ends_the_row_of_failures() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome) VALUES"
            + " ('mv_orders', 'failed'),"
            + " ('mv_orders', 'coalesced'),"
            + " ('mv_orders', 'failed')");

    assertThat(failures()).isEqualTo(1);
  }

  @Test
  void a_killed_attempt_counts_and_one_that_runs_does_not() throws Exception {
    try (Connection session = database.connect();
        Statement statement = session.createStatement()) {
      statement.execute("SELECT wip_view_request('mv_orders')");
      assertThat(failures()).isZero();

      try (ResultSet pid = statement.executeQuery("SELECT pg_backend_pid()")) {
        pid.next();
        database.execute("SELECT pg_terminate_backend(" + pid.getInt(1) + ")");
      }
      Await.until("the killed attempt counts", this::failures, failures -> failures == 1);
    }
  }

  @Test
  void failures_are_counted_when_no_attempt_ever_succeeded() throws Exception {
    database.execute(
        "DELETE FROM wip_view_refresh",
        "INSERT INTO wip_view_refresh (view_name, outcome)"
            + " SELECT 'mv_orders', 'failed' FROM generate_series(1, 7)");

    assertThat(failures()).isEqualTo(7);
  }

  @Test
  void counting_failures_does_not_read_the_whole_history() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome)"
            + " SELECT 'mv_orders', 'refreshed' FROM generate_series(1, 20000)",
        "INSERT INTO wip_view_refresh (view_name, outcome)"
            + " VALUES ('mv_orders', 'failed'), ('mv_orders', 'failed')",
        "ANALYZE wip_view_refresh");

    assertThat(failures()).isEqualTo(2);
    List<String> plan =
        database
            .rows(
                "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off)"
                    + " SELECT failures_in_a_row FROM wip_view_freshness")
            .stream()
            .map(row -> row.get(0))
            .filter(line -> line.contains("wip_view_refresh"))
            .toList();
    assertThat(plan).isNotEmpty().noneMatch(line -> line.contains("Seq Scan"));
  }

  @Thorough
  @Test
  void dead_rows_are_those_that_refreshes_replaced_until_a_vacuum() throws Exception {
    database.execute(
        "ALTER MATERIALIZED VIEW mv_orders SET (autovacuum_enabled = off)",
        "UPDATE orders SET amount = amount + 1");
    views.refresh(ORDERS);
    // the statistics come a moment after the transaction
    Await.until("six replaced rows are known", this::deadRows, dead -> dead >= 6);

    database.execute("VACUUM mv_orders");
    Await.until("no dead row is left", this::deadRows, dead -> dead == 0);

    database.execute("DROP MATERIALIZED VIEW mv_orders");
    assertThat(deadRows()).isNull();
  }

  private Long deadRows() {
    return views.freshness(ORDERS).deadRows();
  }

  private long failures() {
    return views.freshness(ORDERS).failuresInARow();
  }

  private void fails() {
    try {
      views.refresh(ORDERS);
    } catch (RefreshFailedException e) {
      return;
    }
    throw new AssertionError("the refresh of a view that is gone did not fail");
  }
}
