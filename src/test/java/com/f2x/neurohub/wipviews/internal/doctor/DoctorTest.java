package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Blocker;
import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.RelationSize;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.cli.Cli;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Each check: the fault is made on a server, is found and nothing else is, the remedy is run as it
 * is printed, and all is well again.
 */
class DoctorTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String READER = "reader_of_" + database.name();

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void a_reader() throws Exception {
    database.execute("CREATE ROLE " + READER + " LOGIN PASSWORD 'secret'");
    WipViewsMigration.of(database.dataSource()).withParameter("readerRole", READER).update();
  }

  @AfterAll
  static void drop_the_reader() throws Exception {
    database.execute("DROP OWNED BY " + READER, "DROP ROLE " + READER);
  }

  @AfterEach
  void all_is_well_again() {
    assertThat(views.diagnose()).isEmpty();
  }

  // ---- what it finds --------------------------------------------------------------------------

  @Test
  void a_fresh_deploy_on_an_empty_factory_is_healthy() throws Exception {
    TestDatabase fresh = TestDatabase.deployed().create();
    try {
      assertThat(WipViews.of(fresh.dataSource()).diagnose()).isEmpty();
    } finally {
      fresh.drop();
    }
  }

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

  @Test
  void a_lost_unique_index_is_one_finding_and_no_drift() throws Exception {
    database.execute("DROP INDEX mv_process_wip_queue_process_id_idx");
    assertThat(database.value("SELECT what FROM wip_view_drift()")).isEqualTo("index");

    apply(theOne("unique-index", "mv_process_wip_queue", "no plain unique index"));
  }

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

  @Test
  void a_session_that_others_wait_for_is_found() throws Exception {
    try (Connection blocker = database.connect();
        Connection waiter = database.connect();
        Statement lock = blocker.createStatement();
        Statement wait = waiter.createStatement()) {
      lock.execute("SET application_name = 'a forgotten console'");
      blocker.setAutoCommit(false);
      lock.execute("LOCK TABLE wip_items IN SHARE MODE");
      Future<?> waits = waiting(wait, "UPDATE wip_items SET notes = 'seen' WHERE id = 0");

      Finding found = theOne("blocked", "public.wip_items", "a forgotten console");

      assertThat(found.safe()).isFalse();
      assertThat(found.why()).contains("idle in transaction", "LOCK TABLE wip_items");
      assertThat(found.remedy())
          .singleElement()
          .asString()
          .startsWith("SELECT pg_terminate_backend(");
      apply(found);
      Await.end(waits);
    }
  }

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
        "UPDATE wip_view_settings SET reader_role = reader_role || ', nobody_' || 'any_more'");

    Finding found = theOne("rights", "nobody_any_more", "no such role");

    apply(found);
    assertThat(database.value("SELECT reader_role FROM wip_view_settings")).isEqualTo(READER);
  }

  @Test
  void an_object_of_ours_that_is_gone_is_found() throws Exception {
    database.execute("DROP FUNCTION wip_view_drift()");

    // which keeps a check from looking: one finding all the same
    Finding found = theOne("incomplete", null, "wip_view_drift");

    assertThat(found.remedy()).containsExactly("wip-views recreate");
    apply(found);
  }

  @Test
  void an_object_that_no_check_reads_is_found_to_be_gone() throws Exception {
    database.execute("DROP VIEW wip_view_daily", "DROP FUNCTION refresh_wip_view(text)");

    Finding found = theOne("incomplete", null, "refresh_wip_view, wip_view_daily");

    assertThat(found.remedy()).containsExactly("wip-views recreate");
    apply(found);
  }

  @Test
  void a_schema_with_nothing_of_ours_is_not_deployed() throws Exception {
    database.execute("CREATE SCHEMA IF NOT EXISTS nothing");

    assertThatThrownBy(() -> views.withSchema("nothing").diagnose())
        .isInstanceOf(NotDeployedException.class)
        .hasMessageContaining("not deployed in this schema");
    assertThatThrownBy(() -> views.withSchema("nothing").blockers())
        .isInstanceOf(NotDeployedException.class);
    assertThatThrownBy(() -> views.withSchema("nothing").sizes())
        .isInstanceOf(NotDeployedException.class);
  }

  // ---- how it looks ---------------------------------------------------------------------------

  @Test
  void it_waits_for_no_lock_and_says_what_it_could_not_look_at() throws Exception {
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      holder.setAutoCommit(false);
      lock.execute("LOCK TABLE wip_items, wip_process_history IN ACCESS EXCLUSIVE MODE");
      lock.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue");

      // the locks are held until it has looked
      List<Finding> findings = Await.result(Background.call(views::diagnose));
      List<RelationSize> sizes = Await.result(Background.call(views::sizes));

      assertThat(findings)
          .isNotEmpty()
          .allMatch(finding -> finding.severity() == Severity.UNKNOWN)
          .allMatch(finding -> finding.what().contains("another session has locked"))
          .extracting(Finding::check)
          .contains("drift");
      assertThat(sizes)
          .filteredOn(size -> size.bytes() == null)
          .extracting(RelationSize::name)
          .containsExactlyInAnyOrder("wip_items", "wip_process_history", "mv_process_wip_queue");
      holder.rollback();
    }
  }

  @Test
  void a_role_that_may_only_read_gets_the_same_answer() throws Exception {
    assertThat(asReader().diagnose()).isEmpty();

    database.execute("DROP INDEX mv_process_wip_queue_process_id_idx");
    assertThat(asReader().diagnose()).isEqualTo(views.diagnose()).hasSize(1);
    views.recreate(MV_PROCESS_WIP_QUEUE);
  }

  @Test
  void a_role_that_may_not_look_is_told_where_it_could_not() throws Exception {
    database.execute("REVOKE EXECUTE ON FUNCTION wip_view_drift() FROM " + READER);

    assertThat(asReader().diagnose())
        .filteredOn(finding -> finding.severity() == Severity.UNKNOWN)
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.check()).isEqualTo("drift");
              assertThat(finding.what()).contains("permission denied for function wip_view_drift");
              assertThat(finding.why()).contains("readerRole");
            });
    apply(theOne("rights", READER, "wip_view_drift"));
  }

  @Test
  void it_works_in_a_callers_transaction_and_leaves_that_as_it_was() throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("CREATE TEMPORARY TABLE mine (i integer) ON COMMIT DROP");
      statement.execute("SET LOCAL lock_timeout = '7s'");
      WipViews inside =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));

      assertThat(inside.diagnose()).isEmpty();
      assertThat(inside.sizes())
          .extracting(RelationSize::name)
          .containsExactlyElementsOf(views.sizes().stream().map(RelationSize::name).toList());

      statement.execute("INSERT INTO mine VALUES (1)");
      assertThat(
              DSL.using(connection)
                  .fetchSingle("SELECT current_setting('lock_timeout') || count(*) FROM mine")
                  .get(0))
          .isEqualTo("7s1");
      connection.rollback();
    }
  }

  @Test
  void it_changes_nothing() throws Exception {
    String before =
        database.value("SELECT count(*) || max(refresh_id)::text FROM wip_view_refresh");
    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    views.diagnose();

    assertThat(database.value("SELECT count(*) || max(refresh_id)::text FROM wip_view_refresh"))
        .isEqualTo(before);
    apply(theOne("view-state", "mv_process_wip_queue", "not populated"));
  }

  @Test
  void sizes_are_those_of_the_views_and_the_tables_they_read() {
    assertThat(views.sizes())
        .extracting(RelationSize::name)
        .containsExactlyInAnyOrder(
            "mv_wip_status_dashboard",
            "mv_process_wip_queue",
            "lots",
            "processes",
            "wip_items",
            "wip_process_history");
    assertThat(views.sizes())
        .filteredOn(size -> size.name().equals("processes"))
        .allSatisfy(size -> assertThat(size.bytes()).isPositive());
  }

  @Test
  void every_remedy_names_a_schema_that_is_not_the_connections() throws Exception {
    TestDatabase other = TestDatabase.empty().create();
    try {
      other.execute("CREATE SCHEMA \"My MES\"");
      WipViewsMigration migration = WipViewsMigration.of(other.dataSource()).withSchema("My MES");
      migration.installMinimalMes();
      migration.update();
      WipViews there = WipViews.of(other.dataSource()).withSchema("My MES");
      assertThat(there.diagnose()).isEmpty();
      other.execute(
          "REFRESH MATERIALIZED VIEW \"My MES\".mv_process_wip_queue WITH NO DATA",
          "DROP INDEX \"My MES\".mv_wip_status_dashboard_lot_id_idx",
          "DROP INDEX \"My MES\".idx_wip_process_history_completed_at");

      List<Finding> findings = there.diagnose();

      assertThat(findings)
          .flatExtracting(Finding::remedy)
          .contains(
              "SELECT * FROM \"My MES\".refresh_wip_view('mv_process_wip_queue');",
              "wip-views recreate mv_wip_status_dashboard --schema 'My MES'");
      for (Finding finding : findings) {
        apply(other, finding);
      }
      assertThat(there.diagnose()).isEmpty();
    } finally {
      other.drop();
    }
  }

  // ---- who waits for whom ---------------------------------------------------------------------

  @Test
  void blockers_show_both_sessions_and_how_to_end_it() throws Exception {
    try (Connection blocker = database.connect();
        Connection waiter = database.connect();
        Statement lock = blocker.createStatement();
        Statement wait = waiter.createStatement()) {
      lock.execute("SET application_name = 'a report'");
      wait.execute("SET application_name = 'the floor'");
      blocker.setAutoCommit(false);
      lock.execute("SELECT FROM wip_view FOR UPDATE");
      Future<?> waits = waiting(wait, "UPDATE wip_view SET refresh_order = refresh_order");

      Blocker found = theBlocker(views);

      assertThat(found.blockedApplicationName()).isEqualTo("the floor");
      assertThat(found.blockedQuery()).startsWith("UPDATE wip_view");
      assertThat(found.lockOn()).isEqualTo("public.wip_view");
      assertThat(found.applicationName()).isEqualTo("a report");
      assertThat(found.role()).isEqualTo(database.user());
      assertThat(found.state()).isEqualTo("idle in transaction");
      assertThat(found.query()).startsWith("SELECT FROM wip_view");
      assertThat(found.transactionAge()).isPositive();
      assertThat(found.isHidden()).isFalse();

      Blocker toReader = theBlocker(asReader());
      assertThat(toReader.isHidden()).isTrue();
      assertThat(toReader.pid()).isEqualTo(found.pid());
      assertThat(toReader.applicationName()).isEqualTo("a report");
      assertThat(toReader.blockedQuery()).isNull();
      assertThat(toReader.query()).isNull();
      assertThat(toReader.state()).isNull();
      assertThat(toReader.transactionAge()).isNull();

      database.execute(found.remedy());
      Await.end(waits);
      assertThat(views.blockers()).isEmpty();
    }
  }

  @Test
  void a_blocker_that_runs_a_query_is_cancelled_not_ended() throws Exception {
    try (Connection blocker = database.connect();
        Connection waiter = database.connect();
        Statement lock = blocker.createStatement();
        Statement wait = waiter.createStatement()) {
      Future<?> sleeps =
          waiting(lock, "DO 'BEGIN LOCK TABLE lots; PERFORM pg_sleep(3600); END'", "pg_sleep");
      Future<?> waits = waiting(wait, "UPDATE lots SET status = status WHERE id = 0");

      Blocker found = theBlocker(views);

      assertThat(found.remedy()).isEqualTo("SELECT pg_cancel_backend(" + found.pid() + ");");
      database.execute(found.remedy());
      Await.end(waits);
      Await.end(sleeps);
      assertThat(blocker.isValid(0)).isTrue();
    }
  }

  @Test
  void callers_that_wait_for_their_turn_are_no_finding() throws Exception {
    try (Connection refresher = database.connect();
        Connection caller = database.connect();
        Statement refresh = refresher.createStatement();
        Statement wait = caller.createStatement()) {
      // the turn, held by a session that is at work
      database.execute("CREATE TABLE nap AS SELECT 0 AS seconds");
      register("mv_sleepy", "SELECT 1 AS id, pg_sleep(seconds)::text AS slept FROM nap");
      database.execute("UPDATE nap SET seconds = 3600");
      Future<?> works = waiting(refresh, "SELECT refresh_wip_view('mv_sleepy')", "pg_sleep");
      Future<?> waits = waiting(wait, "SELECT refresh_wip_view('mv_sleepy')");
      Blocker found = theBlocker(views);
      Await.until(
          "it has waited for longer than a finding needs",
          () -> theBlocker(views).blockedFor().toMillis(),
          blockedFor -> blockedFor > 1_200);

      assertThat(found.lockOn()).isEqualTo("advisory");
      assertThat(views.diagnose()).isEmpty();

      database.execute("UPDATE nap SET seconds = 0", found.remedy());
      Await.end(waits);
      Await.end(works);
      unregister("mv_sleepy");
      database.execute("DROP TABLE nap");
    }
  }

  // ---------------------------------------------------------------------------------------------

  private static WipViews asReader() {
    return WipViews.of(database.dataSource(READER, "secret"));
  }

  /** What is found, once the server's statistics have arrived. */
  private Finding theOne(String check, String subject, String what) throws Exception {
    List<Finding> found =
        Await.until(check + " is found", views::diagnose, findings -> !findings.isEmpty());
    assertThat(found).hasSize(1);
    Finding one = found.get(0);
    assertThat(one.check()).isEqualTo(check);
    assertThat(one.severity()).isEqualTo(Severity.PROBLEM);
    assertThat(one.subject()).isEqualTo(subject);
    assertThat(one.what()).contains(what);
    assertThat(one.why()).isNotEmpty();
    assertThat(one.remedy()).isNotEmpty();
    return one;
  }

  /** Until 15, the server's statistics take a moment. */
  private void wellAgain() throws Exception {
    Await.until("all is well again", views::diagnose, List::isEmpty);
  }

  private static void apply(Finding finding) throws SQLException {
    apply(database, finding);
  }

  private static void apply(TestDatabase where, Finding finding) throws SQLException {
    for (String line : finding.remedy()) {
      if (line.endsWith(";")) {
        where.execute(line);
      } else {
        assertThat(line).startsWith("wip-views ");
        Cli.Result result = Cli.on(where).run(words(line.substring("wip-views ".length())));
        assertThat(result.exitCode()).as(result.err()).isZero();
      }
    }
  }

  /** As a shell takes a line apart. */
  private static String[] words(String line) {
    List<String> words = new ArrayList<>();
    for (String part : line.split(" (?=([^']*'[^']*')*[^']*$)")) {
      words.add(part.replaceAll("^'|'$", ""));
    }
    return words.toArray(String[]::new);
  }

  private static Blocker theBlocker(WipViews views) throws Exception {
    return Await.until(
            "somebody waits",
            views::blockers,
            blockers -> blockers.size() == 1 && blockers.get(0).blockedFor() != null)
        .get(0);
  }

  private static Future<?> waiting(Statement statement, String sql) throws Exception {
    return waiting(statement, sql, "Lock");
  }

  /** Runs what does not end by itself, in a thread, until the server says that it waits. */
  private static Future<?> waiting(Statement statement, String sql, String event) throws Exception {
    String pid =
        DSL.using(statement.getConnection())
            .fetchSingle("SELECT pg_backend_pid()")
            .get(0)
            .toString();
    Future<?> call = Background.call(() -> statement.execute(sql));
    Await.until(
        sql + " waits",
        () ->
            "t"
                .equals(
                    database.value(
                        "SELECT lower(wait_event_type || wait_event) LIKE '%"
                            + event.replace("_", "").toLowerCase()
                            + "%' FROM pg_stat_activity WHERE pid = "
                            + pid)));
    return call;
  }

  private static void register(String view, String query) throws SQLException {
    database.execute(
        "CREATE MATERIALIZED VIEW " + view + " WITH (autovacuum_enabled = false) AS " + query,
        "CREATE UNIQUE INDEX ON " + view + " (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('"
            + view
            + "', 9, '1 hour', wip_view_definition('"
            + view
            + "'::regclass))",
        "GRANT SELECT ON " + view + " TO " + READER,
        "SELECT refresh_wip_view('" + view + "')");
  }

  private static void unregister(String view) throws SQLException {
    database.execute("SELECT wip_view_remove('" + view + "')");
  }
}
