package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.RefreshAttempt.Outcome;
import com.f2x.neurohub.wipviews.internal.SharedCalls;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@Thorough
class RefreshAttemptTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static final String WAITING =
      " FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
          + " AND classid = 'wip_view'::regclass";

  private static final SharedCalls.Turn<Outcome> ALONE =
      new SharedCalls.Turn<>() {
        @Override
        public Duration waited() {
          return Duration.ZERO;
        }

        @Override
        public void share(Outcome outcome) {}
      };

  /** The server knows, also where the client has not heard yet. */
  @Test
  void it_is_lost_when_its_session_is_gone_and_not_before() throws Exception {
    RefreshAttempt attempt =
        new RefreshAttempt(
            Sessions.of(database.dataSource()),
            "mv_orders",
            RefreshAttempt.Sources.NONE,
            new RefreshCall(List.of()));
    assertThat(attempt.isLost()).isFalse();
    try (Connection turn = database.connect();
        Statement statement = turn.createStatement()) {
      turn.setAutoCommit(false);
      statement.execute(
          "SELECT pg_advisory_xact_lock('wip_view'::regclass::oid::integer,"
              + " hashtext('mv_orders'))");
      FutureTask<Outcome> made = new FutureTask<>(() -> attempt.make(ALONE));
      new Thread(made, "attempt").start();
      Await.until(
          "it waits for its turn",
          () -> database.value("SELECT count(*)" + WAITING),
          seen -> seen.equals("1"));

      assertThat(attempt.isLost()).isFalse();

      database.execute("SELECT pg_terminate_backend(pid)" + WAITING);
      assertThat(Await.result(made).failure()).isNotNull();
      assertThat(attempt.isLost()).isTrue();
    }
  }
}
