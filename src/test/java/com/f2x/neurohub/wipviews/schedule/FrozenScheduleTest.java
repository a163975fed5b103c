package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshListener;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The schedule and the listeners of a service, while a view is frozen. */
class FrozenScheduleTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private final List<ScheduledRun> runs = new CopyOnWriteArrayList<>();

  /** Keeps the views of the notices, in the order in which they were heard. */
  private static final class Heard implements RefreshListener.Handler, AutoCloseable {

    private final List<String> views = new CopyOnWriteArrayList<>();
    private final CountDownLatch listening = new CountDownLatch(1);
    private final RefreshListener listener = RefreshListener.start(database.dataSource(), this);

    @Override
    public void close() {
      listener.close();
    }

    @Override
    public void refreshed(RefreshListener.Notice notice) {
      views.add(notice.view());
    }

    @Override
    public void listening() {
      listening.countDown();
    }
  }

  @Thorough
  @Test
  void runs_go_on_and_listeners_hear_of_the_thaw() throws Exception {
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource());
    migration.only("db-scheduler").update();
    migration.freeze(List.of("mv_customers"));
    try (Heard heard = new Heard()) {
      assertThat(heard.listening.await(5, TimeUnit.MINUTES)).isTrue();
      try (RefreshSchedule.Running running =
          RefreshSchedule.builder(database.dataSource())
              .cron("* * * * * *")
              .zone("Asia/Seoul")
              .listener(runs::add)
              .build()
              .start()) {
        Await.until("two runs", () -> runs.size() >= 2);
        assertThat(running.nextRefresh()).isPresent();
      }
      assertThat(runs)
          .allSatisfy(
              run -> {
                assertThat(run.failure()).isEmpty();
                assertThat(run.refreshes())
                    .extracting(Refresh::view, Refresh::outcome)
                    .containsExactlyInAnyOrder(
                        tuple("mv_orders", Outcome.REFRESHED),
                        tuple("mv_customers", Outcome.FROZEN));
              });

      migration.thaw(List.of("mv_customers"));
      Await.until("the thaw is heard", () -> heard.views.contains("mv_customers"));
      assertThat(heard.views.subList(0, heard.views.size() - 1)).containsOnly("mv_orders");
    }
  }
}
