package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import org.jooq.Table;
import org.junit.jupiter.api.Test;

/**
 * Each check: the fault is made on a server, is found and nothing else is, the remedy is run as it
 * is printed, and all is well again.
 */
class ChecksTest extends DiagnosedDatabase {

  @Test
  void a_fresh_deploy_on_an_empty_factory_is_healthy() throws Exception {
    TestDatabase fresh = TestDatabase.deployed().create();
    try {
      assertThat(WipViews.of(fresh.dataSource()).diagnose()).isEmpty();
    } finally {
      fresh.drop();
    }
  }

  @Thorough
  @Test
  void a_view_that_is_missing_is_found() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    Finding found = theOne("view-state", "mv_process_wip_queue", "missing");

    assertThat(found.remedy()).containsExactly("wip-views recreate mv_process_wip_queue");
    assertThat(found.safe()).isFalse();
    apply(found);
  }

  @Test
  void a_view_that_is_not_populated_is_found() throws Exception {
    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    Finding found = theOne("view-state", "mv_process_wip_queue", "not populated");

    assertThat(found.remedy())
        .containsExactly("SELECT * FROM public.refresh_wip_view('mv_process_wip_queue');");
    assertThat(found.safe()).isTrue();
    apply(found);
  }

  @Test
  void a_view_that_is_stale_is_found() throws Exception {
    database.execute(
        "UPDATE wip_view_refresh SET rows_as_of = rows_as_of - interval '1 hour'"
            + " WHERE view_name = 'mv_process_wip_queue'");

    apply(theOne("view-state", "mv_process_wip_queue", "1 h old, its target is 20 min"));
  }

  @Thorough
  @Test
  void a_lost_unique_index_is_one_finding_and_no_drift() throws Exception {
    database.execute("DROP INDEX mv_process_wip_queue_process_id_idx");
    assertThat(database.value("SELECT what FROM wip_view_drift()")).isEqualTo("index");

    apply(theOne("unique-index", "mv_process_wip_queue", "no plain unique index"));
  }

  @Thorough
  @Test
  void drift_is_found_although_the_unique_index_is_missing_too() throws Exception {
    database.execute(
        "DROP MATERIALIZED VIEW mv_wip_status_dashboard",
        "CREATE MATERIALIZED VIEW mv_wip_status_dashboard AS SELECT 1 AS lot_id");

    assertThat(views.diagnose())
        .filteredOn(finding -> "mv_wip_status_dashboard".equals(finding.subject()))
        .extracting(Finding::check)
        .contains("unique-index", "drift");
    views.recreate(MV_WIP_STATUS_DASHBOARD);
  }

  @Thorough
  @Test
  void a_view_that_was_changed_by_hand_is_found() throws Exception {
    database.execute(
        "UPDATE wip_view SET definition = replace(definition, 'PASS', 'ELSE')"
            + " WHERE view_name = 'mv_process_wip_queue'");

    Finding found = theOne("drift", "mv_process_wip_queue", "query is not the one");

    assertThat(found.remedy().get(0))
        .isEqualTo("SELECT pg_get_viewdef('public.mv_process_wip_queue'::regclass);");
    apply(found);
  }

  @Test
  void an_index_that_somebody_made_is_no_fault() throws Exception {
    database.execute("CREATE INDEX by_hand ON mv_process_wip_queue (process_code)");

    assertThat(views.diagnose()).isEmpty();
    database.execute("DROP INDEX by_hand");
  }

  @Thorough
  @Test
  void a_deployed_index_that_is_gone_is_found() throws Exception {
    database.execute(
        "UPDATE wip_view SET definition = definition || E'\\nCREATE INDEX deployed_idx ON"
            + " public.mv_process_wip_queue USING btree (process_code)'"
            + " WHERE view_name = 'mv_process_wip_queue'");

    Finding found = theOne("drift", "mv_process_wip_queue", "an index that was deployed");

    assertThat(found.remedy()).singleElement().asString().startsWith("CREATE INDEX deployed_idx");
    apply(found);
    views.recreate(MV_PROCESS_WIP_QUEUE);
    assertThat(database.value("SELECT to_regclass('deployed_idx')")).isNull();
  }

  @Test
  void an_index_of_the_mes_that_is_missing_is_found() throws Exception {
    database.execute(
        "DROP INDEX IF EXISTS idx_wip_process_history_completed_at,"
            + " wip_views_wip_process_history_completed_at_idx");

    Finding found = theOne("mes-index", "wip_process_history (completed_at)", "no valid index");

    assertThat(found.safe()).isTrue();
    assertThat(found.remedy()).hasSize(2).allMatch(sql -> sql.contains(" INDEX CONCURRENTLY "));
    apply(found);
  }

  @Test
  void an_index_of_the_mes_that_is_invalid_is_found() throws Exception {
    database.execute(
        "DROP INDEX IF EXISTS idx_wip_process_history_completed_at",
        "DROP INDEX IF EXISTS wip_views_wip_process_history_completed_at_idx",
        "CREATE INDEX wip_views_wip_process_history_completed_at_idx"
            + " ON wip_process_history (completed_at)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid ="
            + " 'wip_views_wip_process_history_completed_at_idx'::regclass");

    apply(theOne("mes-index", "wip_process_history (completed_at)", "no valid index"));

    assertThat(database.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid")).isEqualTo("0");
  }

  @Thorough
  @Test
  void a_table_never_analyzed_is_told_from_one_forgotten() throws Exception {
    String sixty =
        "INSERT INTO lots (lot_number, product_model_id, production_date)"
            + " SELECT 'L' || i, 1, current_date FROM generate_series(%d, %d) AS i";
    database.execute("ALTER TABLE lots SET (autovacuum_enabled = false)", sixty.formatted(1, 60));

    Finding found = theOne("never-analyzed", "lots", "about 60 rows");

    assertThat(found.remedy()).containsExactly("ANALYZE public.lots;");
    apply(found);
    wellAgain();

    // as after a crash or a failover
    Await.until(
        "it is forgotten",
        () ->
            database
                .value(
                    "SELECT pg_stat_reset()::text || coalesce(last_analyze::text, 'forgotten')"
                        + " FROM pg_stat_user_tables WHERE relname = 'lots'")
                .equals("forgotten"));
    database.execute(sixty.formatted(61, 120));
    Await.until(
        "the rows are counted",
        () ->
            database
                .value("SELECT n_live_tup > 50 FROM pg_stat_user_tables WHERE relname = 'lots'")
                .equals("t"));

    wellAgain();
  }

  @Thorough
  @Test
  void a_view_that_is_mostly_dead_rows_is_found() throws Exception {
    register(
        "mv_many",
        "SELECT id, clock_timestamp() AS last_refreshed_at FROM generate_series(1, 1000) AS id");
    for (int i = 0; i < 6; i++) {
      database.execute("SELECT refresh_wip_view('mv_many')");
    }

    Finding found = theOne("dead-rows", "mv_many", "dead rows beside 1,000 live ones");

    assertThat(found.safe()).isTrue();
    apply(found);
    wellAgain();
    unregister("mv_many");
  }

  @Thorough
  @Test
  void a_view_whose_refreshes_fail_is_found() throws Exception {
    database.execute("CREATE TABLE divisor (n integer)", "INSERT INTO divisor VALUES (1)");
    register("mv_faulty", "SELECT 1 / n AS id FROM divisor");
    database.execute("UPDATE divisor SET n = 0");
    Table<?> faulty = WipViews.view("mv_faulty");
    assertThatThrownBy(() -> views.refresh(faulty)).hasMessageContaining("division by zero");
    assertThat(views.diagnose()).as("one may be an accident").isEmpty();
    assertThatThrownBy(() -> views.refresh(faulty)).hasMessageContaining("division by zero");

    Finding found = theOne("failures", "mv_faulty", "the last 2 refreshes failed");

    assertThat(found.what()).contains("division by zero (22012)");
    database.execute("UPDATE divisor SET n = 1");
    apply(found);
    wellAgain();
    unregister("mv_faulty");
    database.execute("DROP TABLE divisor");
  }

  @Thorough
  @Test
  void a_definition_that_does_not_suit_the_tables_is_found() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, sqlstate, error)"
            + " SELECT 'mv_process_wip_queue', 'failed', '42883', 'no such function'"
            + " FROM generate_series(1, 3)");

    Finding found = theOne("failures", "mv_process_wip_queue", "the last 3 refreshes failed");

    assertThat(found.remedy()).containsExactly("wip-views recreate mv_process_wip_queue");
    apply(found);
  }

  @Test
  void a_refresh_slower_than_its_interval_is_found() throws Exception {
    // asked for every 2 minutes by somebody who waits; takes 3, so that every second one is left
    // out
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, mode, started_at, finished_at, rows)"
            + " SELECT 'mv_process_wip_queue', 'refreshed', 'concurrent', t, t + interval '3 min',"
            + " 6 FROM generate_series(now() - interval '40 min', now(), interval '4 min') AS t");

    Finding found = theOne("slow-refresh", "mv_process_wip_queue", "takes 3 min");

    assertThat(found.what()).contains("one begins every 4 min");
    assertThat(found.remedy())
        .containsExactly("ANALYZE public.processes, public.wip_items, public.wip_process_history;");
    apply(found);
    forgetSlowRefreshes();
  }

  @Test
  void a_refresh_slower_than_its_target_is_found() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, mode, started_at, finished_at, rows)"
            + " SELECT 'mv_process_wip_queue', 'refreshed', 'concurrent', t, t + interval '25 min',"
            + " 6 FROM generate_series(now() - interval '9 hours', now(), interval '1 hour') AS t");

    apply(theOne("slow-refresh", "mv_process_wip_queue", "longer than its target of 20 min"));
    forgetSlowRefreshes();
  }

  @Test
  void a_refresh_quicker_than_its_interval_is_not_slow() throws Exception {
    database.execute(
        "INSERT INTO wip_view_refresh (view_name, outcome, mode, started_at, finished_at, rows)"
            + " SELECT 'mv_process_wip_queue', 'refreshed', 'concurrent', t, t + interval '50 s', 6"
            + " FROM generate_series(now() - interval '40 min', now(), interval '2 min') AS t");

    assertThat(views.diagnose()).isEmpty();
    forgetSlowRefreshes();
  }

  private static void forgetSlowRefreshes() throws SQLException {
    database.execute("DELETE FROM wip_view_refresh WHERE duration >= interval '50 s'");
  }

  @Test
  void a_role_that_lost_what_the_deploy_gave_it_is_found() throws Exception {
    database.execute(
        "REVOKE SELECT ON mv_process_wip_queue, wip_view_freshness FROM " + READER,
        "REVOKE EXECUTE ON FUNCTION wip_view_drift() FROM " + READER);

    Finding found = theOne("rights", READER, "lacks SELECT on public.mv_process_wip_queue");

    assertThat(found.safe()).isTrue();
    assertThat(found.remedy()).hasSize(3).allMatch(sql -> sql.startsWith("GRANT "));
    apply(found);
  }

  @Test
  void a_role_that_is_gone_is_found() throws Exception {
    database.execute(
        "INSERT INTO wip_view_role (role, may_refresh) VALUES ('nobody_any_more', false)");

    Finding found = theOne("rights", "nobody_any_more", "no such role");

    apply(found);
    assertThat(database.value("SELECT role FROM wip_view_role")).isEqualTo(READER);
  }

  @Thorough
  @Test
  void an_object_of_ours_that_is_gone_is_found() throws Exception {
    database.execute("DROP FUNCTION wip_view_drift()");

    // which keeps a check from looking: one finding all the same
    Finding found = theOne("incomplete", null, "wip_view_drift");

    assertThat(found.remedy()).containsExactly("wip-views recreate");
    apply(found);
  }

  @Thorough
  @Test
  void an_object_that_no_check_reads_is_found_to_be_gone() throws Exception {
    database.execute("DROP VIEW wip_view_daily", "DROP FUNCTION refresh_wip_view(text)");

    Finding found = theOne("incomplete", null, "refresh_wip_view, wip_view_daily");

    assertThat(found.remedy()).containsExactly("wip-views recreate");
    apply(found);
  }
}
