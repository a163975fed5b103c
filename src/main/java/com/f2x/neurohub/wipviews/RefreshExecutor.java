package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_ALL_WIP_VIEWS;
import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_ORDER;

import com.f2x.neurohub.wipviews.RefreshAttempt.Outcome;
import com.f2x.neurohub.wipviews.RefreshAttempt.Sources;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.internal.SharedCalls;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewRefreshRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Table;
import org.jspecify.annotations.Nullable;

/**
 * Executes the refreshes of one {@link WipViews}: in transactions of its own, which callers of this
 * JVM share, or in a caller's.
 *
 * <p>Whether a refresh of another process serves a caller is decided in the database, by {@code
 * wip_view_run}. Here the same rule holds among the callers of one process, before they take a
 * connection: all together hold one at a time.
 */
final class RefreshExecutor {

  /** How often waiting callers check whether the connection of the refreshing one was lost. */
  private static final Duration LOOK_EVERY = Duration.ofSeconds(30);

  private static final SharedCalls<Key, Outcome> REFRESHES = new SharedCalls<>(LOOK_EVERY);
  private static final SharedCalls<Key, List<Listed>> LISTS = new SharedCalls<>(LOOK_EVERY);

  private static final String WHERE =
      "SELECT pg_catalog.pg_postmaster_start_time()::text, pg_catalog.current_database(),"
          + " pg_catalog.current_schema(), session_user, current_user";

  private final Sessions sessions;
  private final CallObserver observer;

  RefreshExecutor(Sessions sessions, CallObserver observer) {
    this.sessions = sessions;
    this.observer = observer;
  }

  /**
   * What callers share a refresh of. Callers with other limits do not share: the limits of the
   * refreshing caller are those of all callers that it serves.
   *
   * @param place where the connections lead
   * @param view null for the list of all
   * @param sources what is refreshed before it
   */
  private record Key(
      Object place,
      @Nullable String schema,
      @Nullable String view,
      Sources sources,
      @Nullable Duration lockTimeout,
      @Nullable Duration statementTimeout) {}

  /**
   * A registered view.
   *
   * @param sources whether it reads others; if not, a call with them and one without are the same
   */
  private record Listed(String view, boolean sources) {}

  /** A data source is compared by identity, whatever its class does. */
  private record Identity(Object object) {

    @Override
    public boolean equals(Object other) {
      return other instanceof Identity that && object == that.object;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(object);
    }
  }

  List<Refresh> refreshAll() {
    Object place = place();
    return place == null
        ? refreshInCallersTransaction(null, REFRESH_ALL_WIP_VIEWS.call())
        : refreshEach(place, notEmpty(registered(place)), Sources.NONE);
  }

  /** Refreshes a view after those that it reads, all of them or those that are older. */
  Refresh refresh(String view, @Nullable Duration maxAge) {
    Object place = place();
    return (place == null
            ? refreshInCallersTransaction(view, REFRESH_WIP_VIEW.call(view))
            : refreshEach(place, List.of(new Listed(view, true)), new Sources(true, maxAge)))
        .get(0);
  }

  /**
   * Where the refreshes take place: the data source; else the database that a connection leads to,
   * which has to be opened anyway. Null if the connection is in a caller's transaction.
   */
  private @Nullable Object place() {
    DataSource dataSource = sessions.dataSource();
    return dataSource != null
        ? new Identity(dataSource)
        : sessions.query(
            null,
            (connection, db) ->
                connection.getAutoCommit() ? db.fetchSingle(WHERE).intoList() : null);
  }

  private Key key(Object place, @Nullable String view, Sources sources) {
    return new Key(
        place,
        sessions.schema(),
        view,
        sources,
        sessions.lockTimeout(),
        sessions.statementTimeout());
  }

  private List<Listed> notEmpty(List<Listed> views) {
    if (views.isEmpty()) {
      throw new NotDeployedException(
          "there is nothing to refresh: no view is registered",
          null,
          "Register the views: " + CommandLines.of(sessions.schema(), "recreate"),
          null);
    }
    return views;
  }

  /** The registered views, each after those that it reads. */
  private List<Listed> registered(Object place) {
    long asked = System.nanoTime();
    try {
      return LISTS.call(
          key(place, null, Sources.NONE),
          sessions.lockTimeout(),
          sessions.statementTimeout(),
          new SharedCalls.Call<>() {
            @Override
            public List<Listed> make(SharedCalls.Turn<List<Listed>> turn) {
              List<Listed> views = registered();
              turn.share(views);
              return views;
            }

            @Override
            public boolean isLost() {
              return true;
            }
          });
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ErrorTranslator.interrupted(null, e);
    } catch (TimeoutException e) {
      throw tookTooLong(null, asked, e);
    }
  }

  private List<Listed> registered() {
    return sessions.query(
        null,
        (connection, db) ->
            Sessions.transaction(
                connection,
                db,
                sessions.bookkeepingLimits(),
                () ->
                    Sessions.cancellable(
                            null, db.selectFrom(WIP_VIEW_ORDER).orderBy(WIP_VIEW_ORDER.POSITION))
                        .map(row -> new Listed(row.getViewName(), row.getReads().length > 0))));
  }

  private List<Refresh> refreshEach(Object place, List<Listed> views, Sources sources) {
    List<Refresh> refreshes = new ArrayList<>();
    List<WipViewsException> failures = new ArrayList<>();
    @Nullable Long callId = null;
    @Nullable String interruptedAt = null;
    for (Listed view : views) {
      RefreshAttempt attempt = new RefreshAttempt(sessions, view.view(), sources, callId);
      long asked = System.nanoTime();
      Outcome outcome =
          interruptedAt == null
              ? refresh(key(place, view.view(), view.sources() ? sources : Sources.ALL), attempt)
              : attempt.givenUp(ErrorTranslator.notTried(view.view(), interruptedAt));
      WipViewsException failure = outcome.failure();
      if (failure instanceof UnknownViewException || failure instanceof NotDeployedException) {
        if (!outcome.requested()) {
          throw failure;
        }
      }
      Refresh refresh = outcome.refresh();
      if (refresh != null) {
        refreshes.add(refresh);
        if (failure == null) {
          RefreshLog.refreshed(refresh);
        }
      }
      if (failure != null) {
        failures.add(failure);
        if (!outcome.shared()) {
          RefreshLog.failed(failure, Duration.ofNanos(System.nanoTime() - asked));
        }
        if (interruptedAt == null && Thread.currentThread().isInterrupted()) {
          interruptedAt = view.view();
        }
      }
      callId = callId == null ? attempt.requestId() : callId;
    }
    if (failures.isEmpty()) {
      return List.copyOf(refreshes);
    }
    WipViewsException first = failures.get(0);
    if (refreshes.isEmpty() && first instanceof DatabaseUnavailableException) {
      throw first;
    }
    throw failed(failures, refreshes);
  }

  private Outcome refresh(Key key, RefreshAttempt attempt) {
    CallObserver.Ending ending = observer.begin(CallObserver.Operation.REFRESH, attempt.view());
    try {
      Outcome outcome = share(key, attempt);
      ending.ended(outcome.refresh(), outcome.failure());
      return outcome;
    } catch (RuntimeException | Error e) {
      ending.ended(null, e);
      throw e;
    }
  }

  private Outcome share(Key key, RefreshAttempt attempt) {
    long asked = System.nanoTime();
    try {
      Outcome outcome =
          REFRESHES.call(key, sessions.lockTimeout(), sessions.statementTimeout(), attempt);
      return attempt.isMade() ? outcome : outcome.forAnother();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return attempt.givenUp(ErrorTranslator.interrupted(attempt.view(), e));
    } catch (TimeoutException e) {
      return attempt.givenUp(tookTooLong(attempt.view(), asked, e));
    }
  }

  private WipViewsException tookTooLong(@Nullable String view, long asked, TimeoutException cause) {
    Duration limit = sessions.statementTimeout();
    boolean locked = limit == null || System.nanoTime() - asked < limit.toNanos();
    return ErrorTranslator.tookTooLong(view, locked, cause);
  }

  private static RefreshFailedException failed(
      List<WipViewsException> failures, List<Refresh> refreshes) {
    return new RefreshFailedException(
        failures.get(0),
        failures.stream()
            .map(e -> e.view().map(view -> view + ": ").orElse("") + e.getMessage())
            .collect(Collectors.joining("; ")),
        refreshes);
  }

  /**
   * Refreshes in the transaction of the caller, which sees its own writes and shares refreshes in
   * the database alone.
   *
   * @param view the one that the function refreshes; null if it refreshes all
   */
  private List<Refresh> refreshInCallersTransaction(
      @Nullable String view, Table<WipViewRefreshRecord> function) {
    long asked = System.nanoTime();
    CallObserver.Ending ending = observer.begin(CallObserver.Operation.REFRESH, view);
    try {
      List<Refresh> refreshes =
          sessions.query(view, (connection, db) -> refreshWithLimits(db, view, function));
      ending.ended(view == null ? null : refreshes.get(0), null);
      return refreshes;
    } catch (UnknownViewException | NotDeployedException | DatabaseUnavailableException e) {
      ending.ended(null, e);
      throw e;
    } catch (WipViewsException e) {
      ending.ended(null, e);
      RefreshLog.failed(e, Duration.ofNanos(System.nanoTime() - asked));
      throw failed(List.of(e), List.of());
    }
  }

  private List<Refresh> refreshWithLimits(
      DSLContext db, @Nullable String view, Table<WipViewRefreshRecord> function) {
    Record before =
        db.fetchSingle(
            "SELECT pg_catalog.current_setting('lock_timeout'),"
                + " pg_catalog.current_setting('statement_timeout')");
    String limits = Sessions.limits(sessions.lockTimeout(), sessions.statementTimeout());
    if (!limits.isEmpty()) {
      db.execute(limits);
    }
    List<Refresh> refreshes = Sessions.cancellable(view, db.selectFrom(function)).map(Refresh::of);
    refreshes.forEach(RefreshLog::refreshed);
    // the rest of the transaction is none of our business
    db.execute(
        "SELECT pg_catalog.set_config('lock_timeout', ?, true),"
            + " pg_catalog.set_config('statement_timeout', ?, true)",
        before.get(0),
        before.get(1));
    return refreshes;
  }
}
