package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_ALL_WIP_VIEWS;
import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_WIP_VIEW_IF_CHANGED;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_ORDER;

import com.f2x.neurohub.wipviews.RefreshAttempt.Outcome;
import com.f2x.neurohub.wipviews.RefreshAttempt.Sources;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.internal.SharedCalls;
import com.f2x.neurohub.wipviews.jooq.Routines;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewRefreshRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
  private static final SharedCalls<Key, List<RefreshCall.View>> LISTS =
      new SharedCalls<>(LOOK_EVERY);

  private static final String WHERE =
      "SELECT pg_catalog.pg_postmaster_start_time()::text, pg_catalog.current_database(),"
          + " pg_catalog.current_schema(), session_user, current_user";

  private final Sessions sessions;

  RefreshExecutor(Sessions sessions) {
    this.sessions = sessions;
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

  /** Refreshes these views and all that they read. */
  List<Refresh> refreshAll(Collection<String> names) {
    Object place = place();
    if (place == null) {
      return names.stream().distinct().map(name -> refresh(name, null)).toList();
    }
    List<RefreshCall.View> registered = notEmpty(registered(place));
    Set<String> wanted = new HashSet<>(names);
    List<String> known = registered.stream().map(RefreshCall.View::name).toList();
    for (String name : names) {
      if (!known.contains(name)) {
        throw UnknownViewException.of(known, name);
      }
    }
    registered.stream()
        .filter(view -> names.contains(view.name()))
        .forEach(view -> wanted.addAll(view.reads()));
    return refreshEach(
        place,
        registered.stream().filter(view -> wanted.contains(view.name())).toList(),
        Sources.NONE);
  }

  /** Refreshes a view after those that it reads, all of them or those that are older. */
  Refresh refresh(String view, @Nullable Duration maxAge) {
    Object place = place();
    return (place == null
            ? refreshInCallersTransaction(view, REFRESH_WIP_VIEW.call(view))
            : refreshEach(
                place, List.of(new RefreshCall.View(view, List.of())), new Sources(true, maxAge)))
        .get(0);
  }

  /** Refreshes a view unless nothing that it reads was written, by the server's counts. */
  Optional<Refresh> refreshIfChanged(String view, Duration maxAge) {
    if (place() == null) {
      return refreshInCallersTransaction(view, REFRESH_WIP_VIEW_IF_CHANGED.call(view, maxAge))
          .stream()
          .findFirst();
    }
    @Nullable String state =
        sessions.reading(
            view,
            (connection, db) ->
                db.select(Routines.wipViewChanged(view, maxAge)).fetchSingle(0, String.class));
    if (state == null) {
      return Optional.empty();
    }
    Refresh refresh = refresh(view, null);
    sessions.query(
        view,
        (connection, db) ->
            Sessions.transaction(
                connection,
                db,
                sessions.bookkeepingLimits(),
                () -> {
                  Routines.wipViewNoteSourceState(db.configuration(), view, state);
                  return null;
                }));
    return Optional.of(refresh);
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

  private List<RefreshCall.View> notEmpty(List<RefreshCall.View> views) {
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
  private List<RefreshCall.View> registered(Object place) {
    long asked = System.nanoTime();
    try {
      return LISTS.call(
          key(place, null, Sources.NONE),
          sessions.lockTimeout(),
          sessions.statementTimeout(),
          new SharedCalls.Call<>() {
            @Override
            public List<RefreshCall.View> make(SharedCalls.Turn<List<RefreshCall.View>> turn) {
              List<RefreshCall.View> views = registered();
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

  private List<RefreshCall.View> registered() {
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
                        .map(
                            row ->
                                new RefreshCall.View(row.getViewName(), List.of(row.getReads())))));
  }

  private List<Refresh> refreshEach(Object place, List<RefreshCall.View> views, Sources sources) {
    RefreshCall call = new RefreshCall(views);
    CallObserver observer = sessions.observer().ofThisThread();
    Map<String, Outcome> outcomes =
        call.run(
            // other connections than a data source's may be those of the caller's thread alone
            sessions.ownTransactions() ? sessions.parallelism() : 1,
            view -> refresh(place, view, sources, call, observer));
    List<Refresh> refreshes = new ArrayList<>();
    List<WipViewsException> failures = new ArrayList<>();
    for (RefreshCall.View view : views) {
      Outcome outcome = outcomes.get(view.name());
      if (outcome == null) {
        outcome = notTried(view, sources, call);
      }
      Optional.ofNullable(outcome.refresh()).ifPresent(refreshes::add);
      Optional.ofNullable(outcome.failure()).ifPresent(failures::add);
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

  private Outcome refresh(
      Object place,
      RefreshCall.View view,
      Sources sources,
      RefreshCall call,
      CallObserver observer) {
    // of a view that reads no other, a call with its sources and one without are the same
    Sources shared = sources.any() || !view.reads().isEmpty() ? sources : Sources.ALL;
    Outcome outcome =
        observed(
            key(place, view.name(), shared),
            new RefreshAttempt(sessions, view.name(), sources, call),
            observer);
    WipViewsException failure = outcome.failure();
    if (!outcome.requested()
        && (failure instanceof UnknownViewException || failure instanceof NotDeployedException)) {
      throw failure;
    }
    return outcome;
  }

  private Outcome notTried(RefreshCall.View view, Sources sources, RefreshCall call) {
    WipViewsException failure = ErrorTranslator.notTried(view.name(), call.interruptedAt());
    RefreshLog.failed(failure, Duration.ZERO);
    return new RefreshAttempt(sessions, view.name(), sources, call).givenUp(failure);
  }

  private Outcome observed(Key key, RefreshAttempt attempt, CallObserver observer) {
    CallObserver.Ending ending = observer.begin(CallObserver.Operation.REFRESH, attempt.view());
    try {
      Outcome outcome = refresh(key, attempt);
      ending.ended(outcome.refresh(), outcome.failure());
      return outcome;
    } catch (RuntimeException | Error e) {
      ending.ended(null, e);
      throw e;
    }
  }

  private Outcome refresh(Key key, RefreshAttempt attempt) {
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
    CallObserver.Ending ending = sessions.observer().begin(CallObserver.Operation.REFRESH, view);
    try {
      List<Refresh> refreshes =
          sessions.query(view, (connection, db) -> refreshWithLimits(db, view, function));
      ending.ended(refreshes.size() == 1 ? refreshes.get(0) : null, null);
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
