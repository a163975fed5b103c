package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** What callers do while another one is at it; who shares what is in SharedRefreshTest. */
class SharedCallsTest {

  private static final Duration OFTEN = Duration.ofMillis(10);

  private final SharedCalls<String, String> calls = new SharedCalls<>(OFTEN);
  private final CountDownLatch begun = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);

  /** A call that goes on until the test lets it end. */
  private SharedCalls.Call<String> endless(boolean lost) {
    return new SharedCalls.Call<>() {
      @Override
      public String make(SharedCalls.Turn<String> turn) {
        begun.countDown();
        try {
          end.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
        turn.share("late");
        return "late";
      }

      @Override
      public boolean isLost() {
        return lost;
      }
    };
  }

  private static SharedCalls.Call<String> giving(String result) {
    return new SharedCalls.Call<>() {
      @Override
      public String make(SharedCalls.Turn<String> turn) {
        turn.share(result);
        return result;
      }

      @Override
      public boolean isLost() {
        return false;
      }
    };
  }

  private FutureTask<String> start(SharedCalls.Call<String> call) {
    FutureTask<String> task = new FutureTask<>(() -> calls.call("key", null, null, call));
    Thread thread = new Thread(task, "caller");
    thread.setDaemon(true);
    thread.start();
    return task;
  }

  @Test
  void nobody_waits_for_a_call_that_is_lost() throws Exception {
    FutureTask<String> lost = start(endless(true));
    begun.await();

    assertThat(Await.result(start(giving("next")))).isEqualTo("next");

    assertThat(lost.isDone()).isFalse();
    // what comes of it in the end is for nobody else
    end.countDown();
    assertThat(Await.result(lost)).isEqualTo("late");
    assertThat(Await.result(start(giving("after")))).isEqualTo("after");
  }

  @Test
  void a_call_that_is_not_lost_is_waited_for() throws Exception {
    FutureTask<String> first = start(endless(false));
    begun.await();
    FutureTask<String> second = start(giving("second"));
    // the call of another key, which says nothing of how long the second waits
    assertThat(calls.call("another", null, null, giving("other"))).isEqualTo("other");
    assertThat(second.isDone()).isFalse();

    end.countDown();
    assertThat(Await.result(first)).isEqualTo("late");
    assertThat(Await.result(second)).isEqualTo("second");
  }
}
