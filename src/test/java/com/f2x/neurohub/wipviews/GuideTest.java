package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every SQL statement of the users' guide, as the users wrote it. */
class GuideTest {

  private static final String FRESHNESS_AS_PRINTED =
      """
      -- Check when views were last refreshed
      SELECT
          matviewname,
          last_refreshed_at
      FROM (
          SELECT 'mv_wip_status_dashboard' as matviewname, last_refreshed_at
          FROM mv_wip_status_dashboard
          LIMIT 1

          UNION ALL

          SELECT 'mv_process_wip_queue' as matviewname, last_refreshed_at
          FROM mv_process_wip_queue
          LIMIT 1
      ) views;
      """;

  private static final String DROP_VIEWS =
      """
      -- Drop and recreate views
      DROP MATERIALIZED VIEW IF EXISTS mv_wip_status_dashboard CASCADE;
      DROP MATERIALIZED VIEW IF EXISTS mv_process_wip_queue CASCADE;
      """;

  private final TestDatabase database = TestDatabase.deployed();
  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
    database.execute(
        "INSERT INTO lots (id, lot_number, product_model_id, production_date)"
            + " VALUES (1, 'KR01PSA251101', 1, current_date)");
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void one_view_is_refreshed_by_its_function() throws Exception {
    Instant before = views.freshness(MV_PROCESS_WIP_QUEUE).lastRefreshedAt();

    assertThat(database.rows("SELECT refresh_process_wip_queue();")).hasSize(1);

    assertThat(views.freshness(MV_PROCESS_WIP_QUEUE).lastRefreshedAt()).isAfter(before);
  }

  @Test
  void all_views_are_refreshed_by_one_function() throws Exception {
    Instant before = views.freshness(MV_PROCESS_WIP_QUEUE).lastRefreshedAt();

    assertThat(database.rows("SELECT refresh_all_wip_views();")).hasSize(2);

    assertThat(views.freshness())
        .allSatisfy(view -> assertThat(view.lastRefreshedAt()).isAfter(before));
    assertThat(database.value("SELECT count(*) FROM mv_wip_status_dashboard")).isEqualTo("1");
  }

  @Test
  void an_application_refreshes_all_and_commits() throws Exception {
    // conn.execute(text("SELECT refresh_all_wip_views()")); conn.commit()
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT refresh_all_wip_views()");
      connection.commit();
    }

    assertThat(views.history(null, 2))
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
  }

  @Test
  void psql_refreshes_all_with_timing() throws Exception {
    Psql.assumeInstalled();

    String output =
        Psql.run(
            database,
            """
            -- Check refresh duration
            \\timing on
            SELECT refresh_all_wip_views();
            \\timing off
            """);

    assertThat(output.lines().filter(line -> line.contains("refreshed"))).hasSize(2);
    assertThat(output).containsPattern("Time: [0-9.,]+ ms");
  }

  @Test
  void the_freshness_query_is_not_valid_sql_as_printed() {
    assertThatThrownBy(() -> database.rows(FRESHNESS_AS_PRINTED))
        .hasMessageContaining("syntax error at or near \"UNION\"");
  }

  @Test
  void wip_view_freshness_replaces_the_freshness_query() throws Exception {
    String replacement =
        "SELECT view_name AS matviewname, last_refreshed_at FROM wip_view_freshness";

    assertThat(database.rows(replacement))
        .extracting(row -> row.get(0))
        .containsExactly("mv_wip_status_dashboard", "mv_process_wip_queue");

    // and it answers where a query of the views themselves cannot
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");
    assertThat(database.rows(replacement)).hasSize(2);
  }

  @Test
  void the_freshness_query_with_parentheses_reads_the_rows() throws Exception {
    database.rows("SELECT refresh_all_wip_views()");

    List<List<String>> corrected =
        database.rows(
            """
            SELECT
                matviewname,
                last_refreshed_at,
                last_refreshed_at BETWEEN f.started_at AND f.finished_at
            FROM (
                (SELECT 'mv_wip_status_dashboard' as matviewname, last_refreshed_at
                FROM mv_wip_status_dashboard
                LIMIT 1)

                UNION ALL

                (SELECT 'mv_process_wip_queue' as matviewname, last_refreshed_at
                FROM mv_process_wip_queue
                LIMIT 1)
            ) views
            JOIN wip_view_refresh AS f ON f.refresh_id = (SELECT v.last_refresh_id FROM wip_view AS v WHERE v.view_name = matviewname);
            """);

    assertThat(corrected)
        .extracting(row -> row.get(0))
        .containsExactly("mv_wip_status_dashboard", "mv_process_wip_queue");
    // the rows are those of the refresh that the registry names
    assertThat(corrected).extracting(row -> row.get(2)).containsOnly("t");
  }

  @Test
  void the_size_query_finds_both_views() throws Exception {
    assertThat(
            database.rows(
                """
                SELECT
                    schemaname,
                    matviewname,
                    pg_size_pretty(pg_total_relation_size(schemaname||'.'||matviewname)) as size
                FROM pg_matviews
                WHERE matviewname LIKE '%wip%';
                """))
        .extracting(row -> row.get(0) + "." + row.get(1))
        .containsExactlyInAnyOrder("public.mv_wip_status_dashboard", "public.mv_process_wip_queue");
  }

  @Test
  void the_index_query_finds_those_of_the_mes() throws Exception {
    assertThat(
            database.rows(
                """
                -- Check indexes exist
                SELECT indexname, tablename
                FROM pg_indexes
                WHERE tablename IN ('wip_items', 'wip_process_history');
                """))
        .contains(
            List.of("idx_wip_items_lot_id", "wip_items"),
            List.of("idx_wip_items_status", "wip_items"),
            List.of("idx_wip_process_history_completed_at", "wip_process_history"));
  }

  @Test
  void the_tables_are_analyzed_and_their_sizes_found() throws Exception {
    database.execute("ANALYZE wip_items;", "ANALYZE wip_process_history;");

    assertThat(
            database.rows(
                """
                -- Check table sizes
                SELECT
                    relname,
                    n_live_tup as row_count,
                    pg_size_pretty(pg_total_relation_size(relid)) as total_size
                FROM pg_stat_user_tables
                WHERE relname LIKE 'wip%'
                ORDER BY n_live_tup DESC;
                """))
        .extracting(row -> row.get(0))
        .contains("wip_items", "wip_process_history", "wip_view", "wip_view_refresh");
  }

  @Test
  void the_lock_query_finds_who_blocks_a_refresh() throws Exception {
    ExecutorService threads = Executors.newSingleThreadExecutor();
    try (Connection first = database.connect();
        Statement statement = first.createStatement()) {
      first.setAutoCommit(false);
      // not committed: it is still this session's turn
      statement.execute("SELECT refresh_process_wip_queue()");
      String pid = backend(statement);
      Future<Refresh> blocked = threads.submit(() -> views.refresh(MV_PROCESS_WIP_QUEUE));
      List<List<String>> seen =
          Await.until(
              "a blocked refresh",
              () ->
                  database.rows(
                      """
                      -- Check for blocking locks
                      SELECT
                          pid,
                          usename,
                          pg_blocking_pids(pid) as blocked_by,
                          query as blocked_query
                      FROM pg_stat_activity
                      WHERE cardinality(pg_blocking_pids(pid)) > 0;
                      """),
              rows -> rows.stream().anyMatch(row -> row.get(2).equals("{" + pid + "}")));

      assertThat(seen).anyMatch(row -> row.get(3).contains("wip_view"));
      first.commit();
      assertThat(Await.result(blocked).outcome()).isEqualTo(Refresh.Outcome.REFRESHED);
    } finally {
      threads.shutdownNow();
    }
  }

  private static String backend(Statement statement) throws Exception {
    try (var result = statement.executeQuery("SELECT pg_backend_pid()")) {
      result.next();
      return result.getString(1);
    }
  }

  @Test
  void the_views_are_dropped_and_recreated_by_psql() throws Exception {
    Psql.assumeInstalled();

    Psql.run(
        database,
        DROP_VIEWS
            + """

            -- Re-run creation scripts
            \\i views/wip_views/01_mv_wip_status_dashboard.sql
            \\i views/wip_views/02_mv_process_wip_queue.sql
            """);

    assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
    worksAgain();
  }

  @Test
  void the_views_are_dropped_and_recreated_over_any_connection() throws Exception {
    byHand("public");

    worksAgain();
  }

  @Thorough
  @Test
  void the_views_are_dropped_and_recreated_in_another_schema() throws Exception {
    database.execute("CREATE SCHEMA \"Odd Schema\"");
    WipViewsMigration odd = WipViewsMigration.of(database.dataSource()).withSchema("Odd Schema");
    odd.installMinimalMes();
    odd.update();
    byHand("\"Odd Schema\"");

    assertThat(views.withSchema("Odd Schema").refreshAll())
        .extracting(Refresh::mode)
        .containsOnly(Refresh.Mode.CONCURRENT);
    assertThat(views.withSchema("Odd Schema").rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
  }

  @Thorough
  @Test
  void an_update_after_a_drop_by_hand_grants_again() throws Exception {
    String role = "reader_of_" + database.name();
    database.execute("CREATE ROLE " + role);
    try {
      WipViewsMigration migration = WipViewsMigration.of(database.dataSource());
      migration.withParameter("readerRole", role).update();
      String mayRead =
          "SELECT has_table_privilege('" + role + "', 'mv_process_wip_queue', 'SELECT')";
      assertThat(database.value(mayRead)).isEqualTo("t");
      byHand("public");
      assertThat(database.value(mayRead)).isEqualTo("f");

      migration.update();

      assertThat(database.value(mayRead)).isEqualTo("t");
    } finally {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
  }

  private void byHand(String schema) throws Exception {
    database.execute(
        "SET search_path = " + schema,
        DROP_VIEWS,
        Files.readString(Path.of("views/wip_views/01_mv_wip_status_dashboard.sql")),
        Files.readString(Path.of("views/wip_views/02_mv_process_wip_queue.sql")));
  }

  private void worksAgain() {
    assertThat(views.refreshAll()).extracting(Refresh::mode).containsOnly(Refresh.Mode.CONCURRENT);
    assertThat(views.freshness()).extracting(Freshness::state).containsOnly(Freshness.State.FRESH);
    assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
    assertThat(views.rows(MV_WIP_STATUS_DASHBOARD)).hasSize(1);
  }
}
