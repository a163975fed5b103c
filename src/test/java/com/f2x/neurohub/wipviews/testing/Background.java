package com.f2x.neurohub.wipviews.testing;

import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/**
 * A call on a thread of its own, which no pool keeps waiting; {@link Await} waits for its result.
 */
public final class Background {

  private Background() {}

  /** Starts a call that may be interrupted by cancelling it. */
  public static <T> Future<T> call(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread thread = new Thread(task, "background");
    thread.setDaemon(true);
    thread.start();
    return task;
  }
}
