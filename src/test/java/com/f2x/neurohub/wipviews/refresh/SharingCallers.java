package com.f2x.neurohub.wipviews.refresh;

import com.f2x.neurohub.wipviews.internal.SharedCalls;
import com.f2x.neurohub.wipviews.testing.Await;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;

/** Callers of one JVM, each on a thread of its own, of which a test knows who waits for another. */
final class SharingCallers {

  private final List<Thread> threads = new ArrayList<>();

  /** A call, and the thread that makes it. */
  record Caller<T>(Thread thread, FutureTask<T> call) {

    T result() throws Exception {
      return Await.result(call);
    }
  }

  /** Starts a caller, and waits for nothing. */
  <T> Caller<T> start(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread thread = new Thread(task, "caller-" + threads.size());
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
    return new Caller<>(thread, task);
  }

  /** Starts callers, one after the other, each when the one before it waits for another call. */
  <T> List<Caller<T>> startWaiting(int number, Callable<T> call) throws Exception {
    int before = waiting();
    List<Caller<T>> callers = new ArrayList<>();
    for (int i = 1; i <= number; i++) {
      callers.add(start(call));
      awaitWaiting(before + i);
    }
    return callers;
  }

  /** Waits until so many wait for another call of this JVM. */
  void awaitWaiting(int number) throws Exception {
    Await.until(number + " wait in this JVM", this::waiting, seen -> seen == number);
  }

  private int waiting() {
    return (int) threads.stream().filter(SharingCallers::isWaiting).count();
  }

  private static boolean isWaiting(Thread thread) {
    return thread.getState() != Thread.State.RUNNABLE
        && Stream.of(thread.getStackTrace())
            .anyMatch(
                frame ->
                    frame.getClassName().startsWith(SharedCalls.class.getName())
                        && frame.getMethodName().equals("await"));
  }

  void close() throws InterruptedException {
    threads.forEach(Thread::interrupt);
    for (Thread thread : threads) {
      thread.join(180_000);
    }
  }
}
