package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.PGConnection;

/** A refresh that hangs, or works for longer than its view may be old. */
class RunningRefreshTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void register() throws SQLException {
    database.execute(
        "CREATE TABLE nap AS SELECT 0 AS seconds",
        "DO $$ BEGIN PERFORM wip_view_stage('mv_nap');"
            + " CREATE MATERIALIZED VIEW mv_nap AS"
            + " SELECT seconds AS id FROM public.nap WHERE pg_sleep(seconds) IS NOT NULL;"
            + " CREATE UNIQUE INDEX mv_nap_id_idx ON mv_nap (id);"
            + " PERFORM wip_view_promote('mv_nap', 9, interval '1 millisecond'); END $$");
  }

  @Test
  void one_that_works_is_named_with_what_cancels_it() throws Exception {
    database.execute("UPDATE nap SET seconds = 3600");
    CompletableFuture<Void> refresh = refreshInBackground();

    Finding found = found();

    assertThat(found.subject()).isEqualTo("mv_nap");
    assertThat(found.what()).contains("a refresh by pid ", " has been running for ");
    assertThat(found.remedy()).singleElement().asString().startsWith("SELECT pg_cancel_backend(");
    assertThat(found.safe()).isFalse();

    database.execute("UPDATE nap SET seconds = 0");
    database.execute(found.remedy().toArray(String[]::new));
    Await.until("the refresh has ended", refresh::isCompletedExceptionally);
    assertThat(running()).isEmpty();
  }

  @Test
  void one_that_waits_is_named_with_who_keeps_it_waiting() throws Exception {
    try (Connection holder = database.connect();
        Statement statement = holder.createStatement()) {
      holder.setAutoCommit(false);
      statement.execute("LOCK TABLE nap IN ACCESS EXCLUSIVE MODE");
      String pid = String.valueOf(holder.unwrap(PGConnection.class).getBackendPID());
      CompletableFuture<Void> refresh = refreshInBackground();
      Await.until(
          "the refresh waits for the table",
          () ->
              database
                  .value("SELECT count(*) FROM wip_view_blockers WHERE pid = " + pid)
                  .equals("1"));

      Finding found = found();

      assertThat(found.why()).contains("It waits for pid " + pid);
      assertThat(found.remedy()).singleElement().asString().contains(pid);
      holder.rollback();
      Await.until("the refresh has ended", refresh::isDone);
      assertThat(refresh).isCompleted();
    }
  }

  private static CompletableFuture<Void> refreshInBackground() {
    return CompletableFuture.runAsync(
        () -> {
          try {
            database.execute("SELECT refresh_wip_view('mv_nap')");
          } catch (SQLException e) {
            throw new IllegalStateException(e);
          }
        },
        command -> new Thread(command, "refresh of mv_nap").start());
  }

  private Finding found() throws Exception {
    Await.until("the running refresh is found", () -> !running().isEmpty());
    return running().get(0);
  }

  private List<Finding> running() {
    return views.diagnose().stream()
        .filter(finding -> finding.check().equals("running-refresh"))
        .toList();
  }
}
