package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Blocker;
import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.Future;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Test;

/** Sessions that wait for others: who is named, and how the remedy ends it. */
class BlockedTest extends DiagnosedDatabase {

  @Thorough
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

  @Thorough
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
}
