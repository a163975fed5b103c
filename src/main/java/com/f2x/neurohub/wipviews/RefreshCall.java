package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.RefreshAttempt.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One call that refreshes several views: which of them may begin, and how each ended.
 *
 * <p>Up to so many are refreshed at once, each on a thread that holds one connection at a time: the
 * caller's own thread, and others that end with the call. A view begins when all views of the call
 * that it reads have ended; of those that may begin, the first one in refresh order does. Where the
 * database or its pool gives no connection while other views of the call are being refreshed, the
 * call makes do with those that it has, and the view waits for one of them.
 *
 * <p>An interrupt of the caller's thread is one of all its threads; what has not begun then, never
 * begins.
 */
final class RefreshCall {

  /**
   * A view of the call.
   *
   * @param reads the registered views that it reads, to any depth
   */
  record View(String name, List<String> reads) {}

  private final List<View> views;
  private final ReentrantLock numbering = new ReentrantLock();
  private volatile @Nullable Long number;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<String> begun = new HashSet<>();
  private final Map<String, Outcome> ended = new HashMap<>();
  private final List<Thread> others = new ArrayList<>();
  private int width = 1;
  private boolean stopped;
  private @Nullable String interruptedAt;

  /**
   * A call that has not begun.
   *
   * @param views each after those of them that it reads
   */
  RefreshCall(List<View> views) {
    this.views = views;
  }

  /** The number that its attempts share: that of its first request; null before that. */
  @Nullable Long number() {
    return number;
  }

  /** Makes a request in this call. The first one gives the call its number. */
  <E extends Exception> long request(Request<E> request) throws E {
    if (number == null) {
      numbering.lock();
      try {
        if (number == null) {
          long first = request.make(null);
          number = first;
          return first;
        }
      } finally {
        numbering.unlock();
      }
    }
    return request.make(number);
  }

  /** Puts a request on record. */
  interface Request<E extends Exception> {

    /** Returns its number. */
    long make(@Nullable Long callId) throws E;
  }

  /** The view during whose refresh the call was interrupted; null if it was not. */
  @Nullable String interruptedAt() {
    return interruptedAt;
  }

  /**
   * Refreshes the views.
   *
   * @param parallelism how many at once, at most
   * @param refresh refreshes one; what it throws ends the call
   * @return how each ended; nothing of a view that did not begin
   */
  Map<String, Outcome> run(int parallelism, Function<View, Outcome> refresh) {
    width = Math.min(parallelism, views.size());
    List<FutureTask<@Nullable Void>> works = new ArrayList<>();
    for (int i = 1; i < width; i++) {
      FutureTask<@Nullable Void> work = new FutureTask<>(() -> work(refresh), null);
      Thread thread =
          new Thread(work, "wip-views-refresh-" + i + " of " + Thread.currentThread().getName());
      thread.setDaemon(true);
      works.add(work);
      others.add(thread);
    }
    try {
      others.forEach(Thread::start);
      work(refresh);
    } finally {
      others.forEach(this::awaitEnd);
    }
    works.forEach(RefreshCall::rethrow);
    return Map.copyOf(ended);
  }

  private void work(Function<View, Outcome> refresh) {
    for (View view = next(); view != null; view = next()) {
      long began = System.nanoTime();
      @Nullable Outcome outcome = null;
      try {
        outcome = refresh.apply(view);
      } finally {
        end(view, outcome);
      }
      if (hasEnded(view)) {
        RefreshLog.ended(outcome, Duration.ofNanos(System.nanoTime() - began));
      }
    }
  }

  /** Waits for a view that may begin; null if there is none left. */
  private @Nullable View next() {
    lock.lock();
    try {
      while (!stopped && begun.size() < views.size()) {
        Optional<View> next = views.stream().filter(this::mayBegin).findFirst();
        if (next.isPresent() && running().size() < width) {
          begun.add(next.get().name());
          return next.get();
        }
        changed.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      running().stream().findFirst().ifPresent(this::interrupt);
    } finally {
      lock.unlock();
    }
    return null;
  }

  private boolean mayBegin(View view) {
    return !begun.contains(view.name()) && ended.keySet().containsAll(view.reads());
  }

  private boolean hasEnded(View view) {
    lock.lock();
    try {
      return ended.containsKey(view.name());
    } finally {
      lock.unlock();
    }
  }

  private List<String> running() {
    return begun.stream().filter(view -> !ended.containsKey(view)).toList();
  }

  /**
   * @param outcome null if there is none, which ends the call
   */
  private void end(View view, @Nullable Outcome outcome) {
    lock.lock();
    try {
      int besides = running().size() - 1;
      if (outcome == null) {
        stopped = true;
      } else if (outcome.lacksConnection() && besides > 0) {
        begun.remove(view.name());
        width = besides;
      } else {
        ended.put(view.name(), outcome);
        if (outcome.failure() != null && Thread.currentThread().isInterrupted()) {
          interrupt(view.name());
        }
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * @param at the view that was being refreshed
   */
  private void interrupt(String at) {
    if (interruptedAt == null) {
      interruptedAt = at;
      stopped = true;
      others.forEach(Thread::interrupt);
    }
  }

  private void awaitEnd(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
        lock.lock();
        try {
          running().stream().findFirst().ifPresent(this::interrupt);
        } finally {
          lock.unlock();
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void rethrow(FutureTask<?> work) {
    try {
      work.get();
    } catch (InterruptedException e) {
      throw new AssertionError("it has ended", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof WipViewsException failure) {
        throw ErrorTranslator.shared(failure);
      } else if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) e.getCause();
    }
  }
}
