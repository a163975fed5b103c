package com.f2x.neurohub.wipviews.refresh;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jooq.SQLDialect;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

class VacuumTest {

  private static final int REFRESHES = 500;
  private static final int ROWS = 200;

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  @BeforeAll
  static void makeView() throws SQLException {
    database.execute(
        // as in ours, a timestamp changes every row each time; no autovacuum helps the test
        "CREATE MATERIALIZED VIEW mv_all_new WITH (autovacuum_enabled = false) AS"
            + " SELECT id, clock_timestamp() AS last_refreshed_at, repeat('x', 100) AS filler"
            + " FROM generate_series(1, "
            + ROWS
            + ") AS id",
        "CREATE UNIQUE INDEX mv_all_new_id_idx ON mv_all_new (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_all_new', 9, '1 minute', '')");
  }

  @Test
  void refreshes_leave_the_size_of_a_view_bounded() throws Exception {
    try (Connection connection = database.connect()) {
      WipViews views =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));
      List<Long> bytes = new ArrayList<>();
      for (int i = 1; i <= REFRESHES; i++) {
        views.refresh(WipViews.view("mv_all_new"));
        if (i % 50 == 0) {
          bytes.add(
              Long.parseLong(
                  database.value("SELECT pg_total_relation_size('mv_all_new'::regclass)")));
        }
      }

      // without a vacuum: 500 times what 200 rows need, about 16 MB
      assertThat(bytes).allMatch(size -> size < 8_000_000);
      long firstHalf = bytes.subList(0, 5).stream().mapToLong(Long::longValue).max().orElseThrow();
      assertThat(bytes.get(bytes.size() - 1)).isLessThanOrEqualTo(2 * firstHalf);
    }
  }

  @Test
  void a_role_that_may_not_vacuum_refreshes_without() throws Exception {
    String role = "visitor_" + ProcessHandle.current().pid();
    database.execute(
        "CREATE MATERIALIZED VIEW mv_many AS SELECT id, clock_timestamp() AS t"
            + " FROM generate_series(1, 3000) AS id",
        "CREATE UNIQUE INDEX mv_many_id_idx ON mv_many (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_many', 10, '1 minute', '')",
        "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO " + role,
        "GRANT USAGE ON SCHEMA public TO " + role,
        "GRANT SELECT ON wip_view TO " + role);
    try {
      PGSimpleDataSource visitor = new PGSimpleDataSource();
      visitor.setUrl(database.url());
      visitor.setUser(role);
      visitor.setPassword("secret");
      for (int i = 0; i < 3; i++) {
        assertThat(WipViews.of(visitor).refresh(WipViews.view("mv_many")).mode())
            .isEqualTo(Refresh.Mode.CONCURRENT);
      }
      assertThat(vacuums("mv_many")).isZero();

      // the same refreshes by a role that may
      Await.until(
          "the dead rows are cleared",
          () -> {
            WipViews.of(database.dataSource()).refresh(WipViews.view("mv_many"));
            return vacuums("mv_many") > 0;
          });
    } finally {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
  }

  @Test
  void a_reader_that_holds_up_the_vacuum_delays_no_refresh() throws Exception {
    database.execute(
        "CREATE MATERIALIZED VIEW mv_read WITH (autovacuum_enabled = false) AS"
            + " SELECT id, clock_timestamp() AS t FROM generate_series(1, 2000) AS id",
        "CREATE UNIQUE INDEX mv_read_id_idx ON mv_read (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_read', 11, '1 minute', '')",
        // by the function, which does not vacuum
        "SELECT refresh_wip_view('mv_read')",
        "SELECT refresh_wip_view('mv_read')",
        "SELECT refresh_wip_view('mv_read')");
    Await.until(
        "the dead rows are counted",
        () ->
            Integer.parseInt(database.value("SELECT pg_stat_get_dead_tuples('mv_read'::regclass)"))
                >= 6000);
    try (Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      reader.setAutoCommit(false);
      statement.execute("SET enable_seqscan = off; SET enable_bitmapscan = off");
      // an index-only scan stays on its page of the index
      statement.execute("DECLARE c CURSOR FOR SELECT id FROM mv_read ORDER BY id; FETCH c");

      Refresh refresh =
          assertTimeoutPreemptively(
              Duration.ofSeconds(20),
              () -> WipViews.of(database.dataSource()).refresh(WipViews.view("mv_read")));

      assertThat(refresh.outcome()).isEqualTo(Refresh.Outcome.REFRESHED);
      assertThat(
              database.value(
                  "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE"
                      + " 'VACUUM%'"))
          .isEqualTo("0");
      assertThat(vacuums("mv_read")).isZero();
    }
  }

  private static int vacuums(String view) throws SQLException {
    return Integer.parseInt(
        database.value(
            "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = '" + view + "'"));
  }

  @Test
  void our_views_are_vacuumed_without_delay_or_truncation() throws Exception {
    assertThat(
            database.rows(
                "SELECT relname FROM pg_class WHERE relname IN ('mv_process_wip_queue',"
                    + " 'mv_wip_status_dashboard') AND reloptions @>"
                    + " '{autovacuum_vacuum_cost_delay=0,vacuum_truncate=false}'"))
        .hasSize(2);
    assertThat(WipViews.of(database.dataSource()).refresh(MV_PROCESS_WIP_QUEUE).rows())
        .isEqualTo(6);
  }
}
