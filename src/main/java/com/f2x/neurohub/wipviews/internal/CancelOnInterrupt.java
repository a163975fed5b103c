package com.f2x.neurohub.wipviews.internal;

/**
 * Cancels a JDBC call when its thread is interrupted, since the call itself does not notice an
 * interrupt.
 *
 * <p>A daemon thread checks the flag every {@value #POLL_MILLIS} ms, until {@link #close()}. It
 * repeats the cancellation until the call ends, since a statement that has not been sent yet cannot
 * be cancelled. It clears no interrupt.
 */
public final class CancelOnInterrupt implements AutoCloseable {

  private static final long POLL_MILLIS = 50;

  private final Thread watched = Thread.currentThread();
  private final Runnable cancel;
  private final Thread watch;
  private volatile boolean cancelled;
  private boolean ended;

  private CancelOnInterrupt(Runnable cancel) {
    this.cancel = cancel;
    this.watch = new Thread(this::look, "wip-views-cancel " + watched.getName());
    watch.setDaemon(true);
  }

  /**
   * Begins to watch the calling thread.
   *
   * @param cancel called after an interrupt, in another thread, possibly several times; not null
   * @return the watch, to be closed by the same thread
   */
  public static CancelOnInterrupt watch(Runnable cancel) {
    CancelOnInterrupt watch = new CancelOnInterrupt(cancel);
    watch.watch.start();
    return watch;
  }

  /** Tells whether the cancellation was called. */
  public boolean cancelled() {
    return cancelled;
  }

  private void look() {
    while (waited()) {
      if (watched.isInterrupted()) {
        cancelled = true;
        cancel.run();
      }
    }
  }

  private synchronized boolean waited() {
    try {
      if (!ended) {
        wait(POLL_MILLIS);
      }
    } catch (InterruptedException e) {
      // nobody else knows this thread
      return false;
    }
    return !ended;
  }

  /** Ends the watch. Afterwards the cancellation is not running, and will not be called. */
  @Override
  public void close() {
    synchronized (this) {
      ended = true;
      notifyAll();
    }
    boolean interrupted = Thread.interrupted();
    while (watch.isAlive()) {
      try {
        watch.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
