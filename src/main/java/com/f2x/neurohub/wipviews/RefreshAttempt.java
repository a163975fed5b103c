package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FAIL;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_HISTORY;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REQUEST_WITH_SOURCES;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_RUN;

import com.f2x.neurohub.wipviews.internal.SharedCalls;
import com.f2x.neurohub.wipviews.jooq.Routines;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewRefreshRecord;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Table;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt to refresh a view, maybe after those that it reads, in transactions of its own, for
 * all callers of this JVM that wait for it. Its requests are committed first, so that a failure
 * stays on record.
 */
final class RefreshAttempt implements SharedCalls.Call<RefreshAttempt.Outcome> {

  private static final Logger LOG = LoggerFactory.getLogger(WipViews.class);

  /** Recording a failure is tried whatever the limits of the refresh were, but never for long. */
  private static final Duration RECORD_LIMIT = Duration.ofSeconds(5);

  private static final String SESSION_TIMEOUT =
      "SELECT (1000 * extract(epoch FROM"
          + " pg_catalog.current_setting('statement_timeout')::interval))::bigint";

  private final Sessions sessions;
  private final String view;
  private final Sources sources;
  private final RefreshCall call;
  private volatile boolean connected;
  private volatile @Nullable Long requestId;
  private List<Request> open = List.of();
  private boolean made;
  private boolean ranIntoItsLimit;

  /**
   * @param call the call that it is an attempt of
   */
  RefreshAttempt(Sessions sessions, String view, Sources sources, RefreshCall call) {
    this.sessions = sessions;
    this.view = view;
    this.sources = sources;
    this.call = call;
  }

  /**
   * Which of the registered views that a view reads are refreshed before it.
   *
   * @param any whether any are
   * @param maxAge only those that are older; null for all
   */
  record Sources(boolean any, @Nullable Duration maxAge) {

    /** The call refreshes them itself. */
    static final Sources NONE = new Sources(false, null);

    static final Sources ALL = new Sources(true, null);
  }

  /** What is on record before it is run. */
  private record Request(long id, String view) {}

  /**
   * How an attempt ended.
   *
   * @param refresh what is on record; null if nothing is
   * @param failure null if the view was refreshed
   * @param requested whether the failure is one of the refresh, not of what comes before it
   * @param shared whether it is the outcome of another caller's attempt
   */
  record Outcome(
      @Nullable Refresh refresh,
      @Nullable WipViewsException failure,
      boolean requested,
      boolean shared) {

    /** Whether it did not begin, since there was no connection to be had. */
    boolean lacksConnection() {
      return failure instanceof DatabaseUnavailableException && !requested;
    }

    /** The same for a caller that waited for it. */
    Outcome forAnother() {
      return failure != null
          ? new Outcome(refresh, ErrorTranslator.shared(failure), requested, true)
          : new Outcome(refresh == null ? null : refresh.coalesced(), null, true, true);
    }
  }

  String view() {
    return view;
  }

  /** Whether this attempt was made, or another one served its caller. */
  boolean isMade() {
    return made;
  }

  @Override
  public Outcome make(SharedCalls.Turn<Outcome> turn) {
    made = true;
    try {
      return sessions.query(view, (connection, db) -> run(connection, db, turn));
    } catch (WipViewsException e) {
      boolean everybodys = isEverybodys(e);
      Outcome failed = failed(e);
      if (everybodys) {
        turn.share(failed);
      }
      return failed;
    }
  }

  private Outcome run(Connection connection, DSLContext db, SharedCalls.Turn<Outcome> turn)
      throws SQLException {
    connected = true;
    @Nullable Duration limit = left(turn.waited());
    long began = System.nanoTime();
    List<Refresh> refreshes = new ArrayList<>();
    try {
      request(connection, db);
      Duration spent = turn.waited();
      while (!open.isEmpty()) {
        limit = left(spent);
        began = System.nanoTime();
        refreshes.add(run(connection, db, open.get(0), limit));
        spent = spent.plusNanos(System.nanoTime() - began);
        open = open.subList(1, open.size());
      }
    } catch (DataAccessException | SQLException | WipViewsException e) {
      ErrorTranslator errors = new ErrorTranslator(db, sessions.schema());
      // With a request on record, an object that is unknown is one of the view's query.
      WipViewsException failure =
          open.isEmpty() ? errors.ofRequest(view, e) : errors.of(open.get(0).view(), e);
      ranIntoItsLimit =
          failure.sqlState().filter("57014"::equals).isPresent()
              && hasLasted(Duration.ofNanos(System.nanoTime() - began), limit, db);
      throw failure;
    }
    Refresh refresh = refreshes.remove(refreshes.size() - 1);
    Outcome refreshed = new Outcome(refresh, null, true, false);
    turn.share(refreshed);
    refreshes.forEach(RefreshLog::refreshed);
    refreshes.add(refresh);
    for (Refresh done : refreshes) {
      if (done.mode() == Refresh.Mode.CONCURRENT) {
        ViewVacuum.run(connection, db, done.view());
      }
    }
    return refreshed;
  }

  private Refresh run(
      Connection connection, DSLContext db, Request request, @Nullable Duration limit)
      throws SQLException {
    return Sessions.transaction(
        connection,
        db,
        Sessions.limits(sessions.lockTimeout(), limit),
        () ->
            Refresh.of(
                Sessions.cancellable(
                        request.view(), db.selectFrom(WIP_VIEW_RUN.call(request.id(), false)))
                    .get(0)));
  }

  /** Requests alone need not wait for the disk. */
  private void request(Connection connection, DSLContext db) throws SQLException {
    requestId =
        call.request(
            callId -> {
              open =
                  Sessions.transaction(
                      connection,
                      db,
                      sessions.bookkeepingLimits() + "SET LOCAL synchronous_commit = off; ",
                      () -> request(db, callId));
              return open.get(open.size() - 1).id();
            });
  }

  private List<Request> request(DSLContext db, @Nullable Long callId) {
    return sources.any()
        ? Sessions.cancellable(
                view, db.selectFrom(WIP_VIEW_REQUEST_WITH_SOURCES.call(view, sources.maxAge())))
            .map(row -> new Request(row.getRefreshId(), row.getViewName()))
        : Sessions.cancellable(view, db.select(Routines.wipViewRequest(view, callId)))
            .map(row -> new Request(row.value1(), view));
  }

  /**
   * What is left of the limit after the wait for another call of this JVM, and after the views
   * before.
   */
  private @Nullable Duration left(Duration spent) {
    if (sessions.statementTimeout() == null) {
      return null;
    }
    Duration left = sessions.statementTimeout().minus(spent);
    return left.toMillis() < 1 ? Duration.ofMillis(1) : left;
  }

  /** Distinguishes a statement timeout from a cancellation by the age of the statement. */
  private static boolean hasLasted(Duration took, @Nullable Duration limit, DSLContext db) {
    if (limit != null) {
      return took.compareTo(limit) >= 0;
    }
    try {
      long millis = (Long) db.fetchValue(SESSION_TIMEOUT);
      return millis > 0 && took.toMillis() >= millis;
    } catch (DataAccessException e) {
      return false;
    }
  }

  /**
   * Whether the callers that waited for this attempt would have failed in the same way. They asked
   * before it began and have the same limits, so that its limits are theirs. What concerned this
   * caller alone does not count: an interrupt, a cancelled statement, a lost connection, a
   * deadlock.
   */
  private boolean isEverybodys(WipViewsException failure) {
    if (Thread.currentThread().isInterrupted() || ErrorTranslator.isOfAnInterrupt(failure)) {
      return false;
    }
    if (!connected) {
      return true;
    }
    String state = failure.sqlState().orElse("");
    return state.equals("57014")
        ? ranIntoItsLimit
        : !state.startsWith("40") && !(failure instanceof DatabaseUnavailableException);
  }

  /** Asks the server whether the session is still running it. */
  @Override
  public boolean isLost() {
    @Nullable Long id = requestId;
    if (id == null) {
      // a request takes milliseconds; how long a connection takes is up to the pool
      return connected;
    }
    try {
      return onRecord(
          db ->
              !db.fetchExists(
                  WIP_VIEW_HISTORY,
                  WIP_VIEW_HISTORY.REFRESH_ID.eq(id).and(WIP_VIEW_HISTORY.OUTCOME.eq("running"))));
    } catch (WipViewsException e) {
      LOG.debug("asking again at the next check", e);
      return false;
    }
  }

  /**
   * The caller gave up before the attempt was made: request and failure are recorded in one step.
   */
  Outcome givenUp(WipViewsException failure) {
    return new Outcome(
        record(
            failure,
            List.of(
                fail(
                    Routines.wipViewRequest(DSL.val(view), DSL.val(call.number())),
                    failure,
                    failure.getMessage()))),
        failure,
        true,
        false);
  }

  /**
   * Ends the request that failed, and with it those of the views that read the view that failed.
   */
  private Outcome failed(WipViewsException failure) {
    if (open.isEmpty()) {
      return new Outcome(null, failure, false, false);
    }
    String failed = open.get(0).view();
    WipViewsException described =
        failed.equals(view) ? failure : ErrorTranslator.ofSource(view, failed, failure);
    List<Table<WipViewRefreshRecord>> ends = new ArrayList<>();
    for (Request request : open) {
      ends.add(
          fail(
              DSL.val(request.id()),
              failure,
              request == open.get(0) ? failure.getMessage() : described.getMessage()));
    }
    return new Outcome(record(failure, ends), described, true, false);
  }

  private static Table<WipViewRefreshRecord> fail(
      Field<Long> request, WipViewsException failure, String error) {
    return WIP_VIEW_FAIL.call(request, DSL.val(failure.sqlState().orElse(null)), DSL.val(error));
  }

  /**
   * Puts a failure on record, over a connection of its own: the first one may be dead.
   *
   * @return the last row on record for this attempt's view
   */
  private @Nullable Refresh record(
      WipViewsException failure, List<Table<WipViewRefreshRecord>> ends) {
    // a pool gives no connection to a thread that is interrupted
    boolean interrupted = Thread.interrupted();
    try {
      return onRecord(
          db -> {
            @Nullable Refresh last = null;
            for (Table<WipViewRefreshRecord> end : ends) {
              last = db.selectFrom(end).fetchOptional(Refresh::of).orElse(null);
            }
            return last;
          });
    } catch (WipViewsException e) {
      failure.addSuppressed(e);
      return null;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Asks or writes the history, over a connection of its own and whatever the limits are. */
  private <T extends @Nullable Object> T onRecord(Function<DSLContext, T> query) {
    return sessions.query(
        view,
        (connection, db) ->
            Sessions.transaction(
                connection,
                db,
                Sessions.limits(RECORD_LIMIT, RECORD_LIMIT),
                () -> query.apply(db)));
  }
}
