package com.f2x.neurohub.wipviews.internal;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Calls of this JVM for the same thing, which share its result before any of them takes a
 * connection.
 *
 * <p>A caller is served only by a call that starts after it asked. One call for a key runs at a
 * time; of the callers that asked since it started, the last one makes the next call, for all of
 * them. It is the last one because its limits end last: when it runs into them, the time of all
 * callers that it calls for is over, too.
 *
 * <p>A waiting caller keeps its own limits and notices an interrupt. If a call ends without a
 * result to share, the others keep waiting, and another one of them makes the next call.
 *
 * <p>Thread-safe, without a thread of its own.
 *
 * @param <K> what is called for; callers with equal keys share
 * @param <R> what they get
 */
public final class SharedCalls<K, R> {

  /** A call that others may share. */
  public interface Call<R> {

    /** Makes the call; runs on the thread of the caller. */
    R make(Turn<R> turn);

    /**
     * Tells whether the call will never end, because its connection was lost silently. Called from
     * time to time on the thread of a waiting caller; no caller waits for a lost call.
     */
    boolean isLost();
  }

  /** The waiting callers, as the call that serves them sees them. */
  public interface Turn<R> {

    /** Returns how long this caller waited until its call began. */
    Duration waited();

    /** Gives all callers that wait for this call their result; the call continues. */
    void share(R result);
  }

  private final Duration lookEvery;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<K, Line> lines = new HashMap<>();

  /**
   * No calls yet.
   *
   * @param lookEvery how often waiting callers check whether the call is lost
   */
  public SharedCalls(Duration lookEvery) {
    this.lookEvery = lookEvery;
  }

  /**
   * Makes a call, or waits for one that starts from now on.
   *
   * @param lockTimeout the longest single wait: for the running call, and for the one after it;
   *     null for no limit
   * @param statementTimeout the longest wait in total; null for no limit
   * @return the result of this call, or the one that another call shared
   * @throws TimeoutException if a wait took too long; the call was not made
   * @throws InterruptedException if this thread was interrupted while it waited; the call was not
   *     made
   */
  public R call(
      K key, @Nullable Duration lockTimeout, @Nullable Duration statementTimeout, Call<R> call)
      throws InterruptedException, TimeoutException {
    Caller caller;
    lock.lock();
    try {
      caller = new Caller(lines.computeIfAbsent(key, Line::new), call);
      caller.line.waiting.addLast(caller);
      try {
        caller.await(lockTimeout, statementTimeout);
      } finally {
        caller.leaveUnlessLeading();
      }
    } finally {
      lock.unlock();
    }
    if (caller.result != null) {
      return caller.result;
    }
    try {
      return call.make(caller);
    } finally {
      caller.end();
    }
  }

  /** The callers with one key. Guarded by the lock. */
  private final class Line {

    private final K key;
    private final Condition changed = lock.newCondition();
    private Deque<Caller> waiting = new ArrayDeque<>();
    private @Nullable Caller leader;
    private long lookAt;

    Line(K key) {
      this.key = key;
    }

    /**
     * Callers that the call did not serve wait for the next one, ahead of those that asked later.
     */
    void lead(@Nullable Caller next) {
      if (leader != null) {
        for (int i = leader.followers.size() - 1; i >= 0; i--) {
          waiting.addFirst(leader.followers.get(i));
          leader.followers.get(i).following = false;
        }
        leader.followers = new ArrayList<>();
      }
      leader = next;
      changed();
    }

    void changed() {
      changed.signalAll();
      if (leader == null && waiting.isEmpty()) {
        lines.remove(key, this);
      }
    }
  }

  /** One caller. Guarded by the lock. */
  private final class Caller implements Turn<R> {

    private final Line line;
    private final Call<R> call;
    private final long asked = System.nanoTime();
    private Duration waited = Duration.ZERO;
    private List<Caller> followers = new ArrayList<>();
    private boolean following;
    private @Nullable R result;

    Caller(Line line, Call<R> call) {
      this.line = line;
      this.call = call;
    }

    void await(@Nullable Duration lockTimeout, @Nullable Duration statementTimeout)
        throws InterruptedException, TimeoutException {
      long since = asked;
      boolean followed = false;
      while (result == null && !takesTheLead()) {
        if (following != followed) {
          followed = following;
          since = System.nanoTime();
        }
        long left = Math.min(left(lockTimeout, since), left(statementTimeout, asked));
        if (left <= 0) {
          throw new TimeoutException();
        }
        // without a leader, the caller that becomes the leader has been woken, too
        long look = line.leader == null ? left : line.lookAt - System.nanoTime();
        if (look <= 0) {
          lookAtTheLeader();
        } else {
          await(Math.min(left, look));
        }
      }
    }

    private void await(long nanos) throws InterruptedException {
      try {
        line.changed.awaitNanos(nanos);
      } catch (InterruptedException e) {
        if (result == null) {
          throw e;
        }
        Thread.currentThread().interrupt();
      }
    }

    private boolean takesTheLead() {
      if (line.leader != null || line.waiting.peekLast() != this) {
        return false;
      }
      line.waiting.removeLast();
      followers = new ArrayList<>(line.waiting);
      followers.forEach(follower -> follower.following = true);
      line.waiting.clear();
      line.lookAt = System.nanoTime() + lookEvery.toNanos();
      waited = Duration.ofNanos(System.nanoTime() - asked);
      line.lead(this);
      return true;
    }

    /** Releases the lock meanwhile. */
    private void lookAtTheLeader() {
      Caller leader = line.leader;
      line.lookAt = System.nanoTime() + lookEvery.toNanos();
      lock.unlock();
      boolean lost;
      try {
        lost = leader.call.isLost();
      } finally {
        lock.lock();
      }
      if (lost && line.leader == leader) {
        line.lead(null);
      }
    }

    void leaveUnlessLeading() {
      if (line.leader != this && result == null) {
        line.waiting.remove(this);
        if (line.leader != null) {
          line.leader.followers.remove(this);
        }
        line.changed();
      }
    }

    void end() {
      lock.lock();
      try {
        // unless it was considered lost meanwhile
        if (line.leader == this) {
          line.lead(null);
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public Duration waited() {
      return waited;
    }

    @Override
    public void share(R shared) {
      lock.lock();
      try {
        followers.forEach(follower -> follower.result = shared);
        followers = new ArrayList<>();
        line.changed();
      } finally {
        lock.unlock();
      }
    }
  }

  private static long left(@Nullable Duration timeout, long since) {
    return timeout == null ? Long.MAX_VALUE : timeout.toNanos() - (System.nanoTime() - since);
  }
}
