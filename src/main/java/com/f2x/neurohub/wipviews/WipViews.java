package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_ALL_WIP_VIEWS;
import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_BLOCKERS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_DAILY;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FAIL;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_HISTORY;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_RUN;

import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.internal.CancelOnInterrupt;
import com.f2x.neurohub.wipviews.internal.Changelog;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.internal.Durations;
import com.f2x.neurohub.wipviews.internal.MissingObjects;
import com.f2x.neurohub.wipviews.internal.Vacuum;
import com.f2x.neurohub.wipviews.internal.doctor.Doctor;
import com.f2x.neurohub.wipviews.jooq.Routines;
import com.f2x.neurohub.wipviews.jooq.Tables;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewRefreshRecord;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jooq.ConnectionProvider;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.ResultQuery;
import org.jooq.RowCountQuery;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.conf.MappedSchema;
import org.jooq.conf.RenderMapping;
import org.jooq.conf.Settings;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jooq.impl.DataSourceConnectionProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The materialized views of work in progress: refresh them, read how fresh they are, read them.
 *
 * <pre>{@code
 * WipViews views = WipViews.of(dataSource);
 * views.refresh(MV_PROCESS_WIP_QUEUE);
 * List<MvProcessWipQueueRecord> queue = views.rows(MV_PROCESS_WIP_QUEUE);
 * }</pre>
 *
 * <p>A view is named by its generated table, from {@link Tables}. Everything that matters (who may,
 * whose turn it is, which refresh serves whom) is decided by the functions in the database; this
 * class calls them.
 *
 * <p>Immutable and thread-safe, without threads of its own; a {@code with…} method returns another
 * one. Each call takes a connection and gives it back. Every failure is a {@link
 * WipViewsException}.
 *
 * <p>A refresh that takes ten seconds or longer is logged at INFO, one that fails at WARN, to slf4j
 * under the name of this class, as {@code event=refresh view=… outcome=… mode=… duration_ms=…
 * rows=…}, with {@code sqlstate=…} and {@code error=…} for a failure.
 *
 * <p>Interrupting a thread that refreshes cancels the statement on the server, within about a tenth
 * of a second: the refresh fails with SQLSTATE 57014, is on record, and the thread stays
 * interrupted. JDBC calls do not notice an interrupt themselves; a daemon thread looks on for as
 * long as a refresh lasts, and ends with it.
 */
public final class WipViews {

  private static final Logger LOG = LoggerFactory.getLogger(WipViews.class);

  /** Below this, a vacuum costs more than the dead rows do. */
  private static final long VACUUM_DEAD_ROWS = 1_000;

  /** A vacuum of 10,000 rows takes a tenth of this. */
  private static final int VACUUM_SECONDS = 1;

  /** The statement that vacuums a view, if it is worth it and the role may; else nothing. */
  private static final String VACUUM =
      """
      SELECT ?::text || pg_catalog.quote_ident(n.nspname::text) || '.'::text || pg_catalog.quote_ident(c.relname::text)
      FROM pg_catalog.pg_class AS ours
      JOIN pg_catalog.pg_namespace AS n ON n.oid = ours.relnamespace
      JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid
      WHERE ours.oid = pg_catalog.to_regclass(?::text)::oid
        AND c.relname = ?::text
        AND c.relkind = 'm'
        AND pg_catalog.pg_stat_get_dead_tuples(c.oid)
          >= greatest(?::bigint, 2::bigint * pg_catalog.pg_stat_get_live_tuples(c.oid))
        AND CASE
          WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE'::text) THEN true
          WHEN pg_catalog.current_setting('server_version_num')::integer >= 170000
            THEN pg_catalog.has_table_privilege(c.oid, 'MAINTAIN'::text)
          ELSE false
        END
      """;

  /** A request takes milliseconds; a statement timeout below this is none for it. */
  private static final Duration REQUEST_LIMIT = Duration.ofSeconds(1);

  /** Recording a failure is tried whatever the limits of the refresh were, but never for long. */
  private static final Duration RECORD_LIMIT = Duration.ofSeconds(5);

  /** A snapshot that is taken before the wait for a turn could not see who was served meanwhile. */
  private static final String READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

  private final ConnectionProvider connections;
  private final boolean ownsConnections;
  private final String schema;
  private final Duration lockTimeout;
  private final Duration statementTimeout;

  private WipViews(
      ConnectionProvider connections,
      boolean ownsConnections,
      String schema,
      Duration lockTimeout,
      Duration statementTimeout) {
    this.connections = connections;
    this.ownsConnections = ownsConnections;
    this.schema = schema;
    this.lockTimeout = lockTimeout;
    this.statementTimeout = statementTimeout;
  }

  /**
   * Views in the schema that the connections have on top of their search_path, each call in
   * transactions of its own.
   *
   * @param dataSource where connections come from and go back to; not null
   * @return the views
   */
  public static WipViews of(DataSource dataSource) {
    Objects.requireNonNull(dataSource, "dataSource");
    return new WipViews(new DataSourceConnectionProvider(dataSource), true, null, null, null);
  }

  /**
   * Views on the connections of a jOOQ configuration. Where such a connection is in a transaction
   * (it does not commit by itself), a call takes part in it and commits nothing: what a refresh put
   * on record is then rolled back together with the transaction. {@link #recreate} cannot, and
   * refuses.
   *
   * @param configuration whose connections are used, and nothing else of it; not null
   * @return the views
   */
  public static WipViews of(Configuration configuration) {
    Objects.requireNonNull(configuration, "configuration");
    return new WipViews(configuration.connectionProvider(), false, null, null, null);
  }

  /**
   * Names a view for which there is no generated table at hand: one that is known by name alone, as
   * in the result of {@link #freshness()}, on a command line, or in a setting.
   *
   * <pre>{@code
   * views.refresh(WipViews.view("mv_process_wip_queue"));
   * }</pre>
   *
   * @param name name of the view, unquoted and without a schema; not null
   * @return a table of that name, whether there is such a view or not; its {@link #rows} have the
   *     columns that the view has
   */
  public static Table<Record> view(String name) {
    return DSL.table(DSL.name(Objects.requireNonNull(name, "name")));
  }

  /**
   * The same views in a schema of this name.
   *
   * @param schema the schema that the changelog deployed to, unquoted; null for the one on top of
   *     the connection's search_path
   * @return other views, this one unchanged
   */
  public WipViews withSchema(String schema) {
    return new WipViews(connections, ownsConnections, schema, lockTimeout, statementTimeout);
  }

  /**
   * The same views, where a refresh waits no longer than this for a lock: for its turn behind
   * another refresh, or for a session that holds the view. It then fails with SQLSTATE 55P03.
   *
   * @param timeout at least a millisecond, at most 2147483647 of them; null for the connection's
   *     own setting
   * @return other views, this one unchanged
   * @throws IllegalArgumentException if the timeout is shorter, or longer
   */
  public WipViews withLockTimeout(Duration timeout) {
    return new WipViews(connections, ownsConnections, schema, checked(timeout), statementTimeout);
  }

  /**
   * The same views, where a refresh takes no longer than this, the wait for its turn included, and
   * neither does a read, in whole seconds, rounded up. It then fails with SQLSTATE 57014.
   *
   * @param timeout at least a millisecond, at most 2147483647 of them; null for the connection's
   *     own setting
   * @return other views, this one unchanged
   * @throws IllegalArgumentException if the timeout is shorter, or longer
   */
  public WipViews withStatementTimeout(Duration timeout) {
    return new WipViews(connections, ownsConnections, schema, lockTimeout, checked(timeout));
  }

  private static Duration checked(Duration timeout) {
    if (timeout != null && !Durations.isTimeout(timeout)) {
      throw new IllegalArgumentException("a timeout is " + Durations.TIMEOUT + ": " + timeout);
    }
    return timeout;
  }

  /**
   * Refreshes every registered view in refresh order, each in a transaction of its own: one view's
   * failure neither stops nor undoes the others. In a caller's transaction (see {@link
   * #of(Configuration)}) the first failure ends it.
   *
   * @return what happened to each view
   * @throws RefreshFailedException if any view could not be refreshed, after all were tried; its
   *     failure is on record
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public List<Refresh> refreshAll() {
    return refreshInCallersTransaction(null, REFRESH_ALL_WIP_VIEWS.call())
        .orElseGet(() -> refreshEach(registered()));
  }

  /**
   * Refreshes a view, or waits for a refresh by somebody else that started after this call.
   * Afterwards the view's rows are at least as new as the call.
   *
   * @param view a generated table, such as {@link Tables#MV_PROCESS_WIP_QUEUE}; not null
   * @return what happened: {@link Refresh.Outcome#REFRESHED} or {@link Refresh.Outcome#COALESCED}
   * @throws RefreshFailedException if it could not be refreshed; the failure is on record
   * @throws UnknownViewException if the view is not registered
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public Refresh refresh(Table<?> view) {
    String name = view.getName();
    return refreshInCallersTransaction(name, REFRESH_WIP_VIEW.call(name))
        .orElseGet(() -> refreshEach(List.of(name)))
        .get(0);
  }

  /**
   * Refreshes a view unless it is fresh enough, which costs one cheap query.
   *
   * @param view a generated table; not null
   * @param maxAge the age that is fresh enough; not null
   * @return what happened, or nothing if the view was fresh enough
   * @throws RefreshFailedException as {@link #refresh}
   * @throws UnknownViewException if the view is not registered
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public Optional<Refresh> refreshIfOlderThan(Table<?> view, Duration maxAge) {
    Objects.requireNonNull(maxAge, "maxAge");
    Optional<Freshness> now = freshnessOf(view);
    boolean fresh =
        now.filter(row -> row.state() == State.FRESH || row.state() == State.STALE)
            .map(Freshness::age)
            .filter(age -> age.compareTo(maxAge) <= 0)
            .isPresent();
    return fresh ? Optional.empty() : Optional.of(refresh(view));
  }

  /**
   * Reads how fresh every registered view is. Answers whatever state the views are in, and waits
   * for none of their locks.
   *
   * @return a row per view, in refresh order
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public List<Freshness> freshness() {
    return reading(
        null, (connection, db) -> db.selectFrom(WIP_VIEW_FRESHNESS).fetch(Freshness::of));
  }

  /**
   * Reads how fresh a view is, like {@link #freshness()}.
   *
   * @param view a generated table; not null
   * @return its freshness
   * @throws UnknownViewException if the view is not registered
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public Freshness freshness(Table<?> view) {
    return freshnessOf(view).orElseThrow(() -> unknown(view.getName()));
  }

  private Optional<Freshness> freshnessOf(Table<?> view) {
    return reading(
        view.getName(),
        (connection, db) ->
            db.selectFrom(WIP_VIEW_FRESHNESS)
                .where(WIP_VIEW_FRESHNESS.VIEW_NAME.eq(view.getName()))
                .fetchOptional(Freshness::of));
  }

  /**
   * Reads the latest attempts to refresh a view. One whose session died is {@link
   * Refresh.Outcome#FAILED}, with SQLSTATE 57P01.
   *
   * @param view a generated table; null for all views
   * @param limit how many at most; at least 1
   * @return the attempts, latest first
   * @throws IllegalArgumentException if the limit is less than 1
   * @throws UnknownViewException if the view is not registered
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public List<Refresh> history(Table<?> view, int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("a limit is at least 1: " + limit);
    }
    if (view != null) {
      freshness(view);
    }
    return reading(
        view == null ? null : view.getName(),
        (connection, db) ->
            db.selectFrom(WIP_VIEW_HISTORY)
                .where(
                    view == null
                        ? DSL.noCondition()
                        : WIP_VIEW_HISTORY.VIEW_NAME.eq(view.getName()))
                .orderBy(WIP_VIEW_HISTORY.REFRESH_ID.desc())
                .limit(limit)
                .fetch(row -> Refresh.of(row.into(WIP_VIEW_REFRESH))));
  }

  /**
   * Reads how the refreshes of the last days did: attempts by outcome, and how long they took.
   *
   * @param view a generated table; null for all views
   * @param days how many days back at most, today included; at least 1
   * @return a row per view and day on which a refresh was asked for, latest day first, views in
   *     refresh order
   * @throws IllegalArgumentException if there are fewer days than 1
   * @throws UnknownViewException if the view is not registered
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public List<DailyRefreshes> daily(Table<?> view, int days) {
    if (days < 1) {
      throw new IllegalArgumentException("days are at least 1: " + days);
    }
    if (view != null) {
      freshness(view);
    }
    return reading(
        view == null ? null : view.getName(),
        (connection, db) ->
            db.select(WIP_VIEW_DAILY.fields())
                .from(WIP_VIEW_DAILY)
                .leftJoin(WIP_VIEW)
                .on(WIP_VIEW.VIEW_NAME.eq(WIP_VIEW_DAILY.VIEW_NAME))
                .where(WIP_VIEW_DAILY.DAY.gt(DSL.currentLocalDate().minus(days)))
                .and(view == null ? DSL.noCondition() : WIP_VIEW_DAILY.VIEW_NAME.eq(view.getName()))
                .orderBy(
                    WIP_VIEW_DAILY.DAY.desc(), WIP_VIEW.REFRESH_ORDER, WIP_VIEW_DAILY.VIEW_NAME)
                .fetch(row -> DailyRefreshes.of(row.into(WIP_VIEW_DAILY))));
  }

  /**
   * Reads the rows of a view, typed.
   *
   * @param view a generated table; not null
   * @param <R> its record
   * @return all its rows, in no particular order
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws WipViewsException if the view is missing or not populated
   */
  public <R extends Record> List<R> rows(Table<R> view) {
    try {
      return reading(view.getName(), (connection, db) -> db.selectFrom(view).fetch());
    } catch (NotDeployedException e) {
      throw e;
    } catch (WipViewsException e) {
      // a view that is registered was deployed, and has been dropped since
      if (!e.sqlState().equals(Optional.of("42P01")) || freshnessOf(view).isEmpty()) {
        throw e;
      }
      throw new WipViewsException(
          "materialized view \"" + view.getName() + "\" is missing",
          view.getName(),
          e.sqlState().orElse(null),
          "Bring it back: " + CommandLines.of(schema, "recreate", view.getName()),
          e.getCause());
    }
  }

  /**
   * Looks for what is wrong with the deployed schema, its views and whatever a refresh needs, and
   * for who holds up whom right now. Changes nothing, and waits for no lock: a check that would
   * have to gives up after a tenth of a second and says so. Works for a role that may only read;
   * what such a role may not see is a finding of its own. Costs a dozen small queries and the
   * reading of a changelog.
   *
   * @return what was found, in the order in which to mend it; empty if all is well
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public List<Finding> diagnose() {
    return deployed(
        (connection, db) ->
            Doctor.examine(connection, db.render(WIP_VIEW)).stream().map(Finding::of).toList());
  }

  /**
   * Reads who waits for whom in the database right now, also where it is not about our views. Waits
   * for no lock. Shows what the role may see; see {@link Blocker#isHidden()}.
   *
   * @return a row per session that waits and session that it waits for, who has waited longest
   *     first
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public List<Blocker> blockers() {
    return reading(null, (connection, db) -> db.selectFrom(WIP_VIEW_BLOCKERS).fetch(Blocker::of));
  }

  /**
   * Reads how large the views are and the tables that they read. Waits for no lock.
   *
   * @return their sizes, the one with the most rows first
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema
   */
  public List<RelationSize> sizes() {
    return deployed(
        (connection, db) ->
            Doctor.sizes(connection, db.render(WIP_VIEW)).stream().map(RelationSize::of).toList());
  }

  /** Fails where there is no registry, without which there is nothing to look at. */
  private <T> T deployed(Query<T> query) {
    return query(
        null,
        (connection, db) -> {
          db.selectOne().from(WIP_VIEW).limit(0).execute();
          return query.run(connection, db);
        });
  }

  /**
   * Runs a query of your own on a connection of these views: in their schema, within their
   * statement timeout, and with failures described as they are everywhere here.
   *
   * <pre>{@code
   * views.read(db -> db.selectFrom(MV_PROCESS_WIP_QUEUE)
   *     .where(MV_PROCESS_WIP_QUEUE.HAS_STUCK_WIP)
   *     .fetch());
   * }</pre>
   *
   * @param query reads with the given context, which it must not keep; not null
   * @param <T> what it returns, read to the end
   * @return what the query returned
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws NotDeployedException if nothing is deployed in the schema, or not all of it
   * @throws WipViewsException if the query fails otherwise
   */
  public <T> T read(Function<? super DSLContext, ? extends T> query) {
    Objects.requireNonNull(query, "query");
    return reading(null, (connection, db) -> query.apply(db));
  }

  /**
   * Recreates views, whatever state they are in: dropped, never populated, edited by hand; also
   * when the functions that refresh them are gone. A view of this jar is built from its definition
   * there, another one from what the registry knows. Each is built beside the live one, which
   * serves its readers until the new one takes its place. The connection must not go through a
   * pooler in transaction mode.
   *
   * <p>Each view is made in a transaction of its own, so this takes no part in a caller's (see
   * {@link #of(Configuration)}).
   *
   * @param views generated tables; none for all
   * @throws UnknownViewException if no view of this jar, and none that is registered, has one of
   *     the names; none was touched
   * @throws WipViewsException if a view could not be made; those before it were, and the live ones
   *     are as they were; or, before anything is done, if the connection is in a caller's
   *     transaction
   * @throws DatabaseUnavailableException if the database cannot be reached
   */
  public void recreate(Table<?>... views) {
    List<String> names = Stream.of(views).map(Table::getName).toList();
    Connection connection = null;
    try {
      connection = connections.acquire();
      if (!ownsConnections && !connection.getAutoCommit()) {
        throw new WipViewsException(
            "views cannot be recreated in a caller's transaction: each is made in one of its own",
            null,
            null,
            "Call recreate on WipViews.of(dataSource), or on a connection that commits by itself.",
            null);
      }
      Changelog changelog = new Changelog(connection, schema, Map.of(), line -> {});
      UnknownViewException.unlessAmong(changelog.recreatable(), names);
      changelog.recreate(names);
    } catch (Exception e) {
      throw WipViewsException.of(null, e);
    } finally {
      if (connection != null) {
        connections.release(connection);
      }
    }
  }

  // -------------------------------------------------------------------------------------------

  /** The registered views, in refresh order; where there are none, nothing would be refreshed. */
  private List<String> registered() {
    List<String> views = readRegistry();
    if (views.isEmpty()) {
      throw new NotDeployedException(
          "no view is registered in this schema",
          null,
          "Register one by its changelog, or deploy those of wip-views: "
              + CommandLines.of(schema, "update"),
          null);
    }
    return views;
  }

  private List<String> readRegistry() {
    return query(
        null,
        (connection, db) ->
            transaction(
                connection,
                db,
                bookkeepingLimits(),
                () ->
                    cancellable(
                            null,
                            db.select(WIP_VIEW.VIEW_NAME)
                                .from(WIP_VIEW)
                                .orderBy(WIP_VIEW.REFRESH_ORDER, WIP_VIEW.VIEW_NAME))
                        .getValues(WIP_VIEW.VIEW_NAME)));
  }

  private List<Refresh> refreshEach(List<String> views) {
    List<Refresh> refreshes = new ArrayList<>();
    List<WipViewsException> failures = new ArrayList<>();
    Long callId = null;
    for (String view : views) {
      Attempt attempt = new Attempt(view, callId);
      long asked = System.nanoTime();
      try {
        Refresh refresh = query(view, attempt::run);
        RefreshLog.refreshed(refresh);
        refreshes.add(refresh);
      } catch (WipViewsException e) {
        if (attempt.requestId == null
            && (e instanceof UnknownViewException || e instanceof NotDeployedException)) {
          throw e;
        }
        RefreshLog.failed(e, Duration.ofNanos(System.nanoTime() - asked));
        failures.add(e);
        attempt.record(e).ifPresent(refreshes::add);
        if (Thread.currentThread().isInterrupted()) {
          break;
        }
      }
      callId = callId == null ? attempt.requestId : callId;
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
   * Does nothing where there is no transaction to take part in: where the connections are our own,
   * or commit by themselves.
   *
   * @param view the one that the function refreshes; null if it refreshes all
   */
  private Optional<List<Refresh>> refreshInCallersTransaction(
      String view, Table<WipViewRefreshRecord> function) {
    if (ownsConnections) {
      return Optional.empty();
    }
    long asked = System.nanoTime();
    try {
      return query(
          view,
          (connection, db) -> {
            if (connection.getAutoCommit()) {
              return Optional.empty();
            }
            Record before =
                db.fetchSingle(
                    "SELECT pg_catalog.current_setting('lock_timeout'),"
                        + " pg_catalog.current_setting('statement_timeout')");
            String limits = limits(lockTimeout, statementTimeout);
            if (!limits.isEmpty()) {
              db.execute(limits);
            }
            List<Refresh> refreshes = cancellable(view, db.selectFrom(function)).map(Refresh::of);
            refreshes.forEach(RefreshLog::refreshed);
            // the rest of the transaction is none of our business
            db.execute(
                "SELECT pg_catalog.set_config('lock_timeout', ?, true),"
                    + " pg_catalog.set_config('statement_timeout', ?, true)",
                before.get(0),
                before.get(1));
            return Optional.of(refreshes);
          });
    } catch (UnknownViewException | NotDeployedException | DatabaseUnavailableException e) {
      throw e;
    } catch (WipViewsException e) {
      RefreshLog.failed(e, Duration.ofNanos(System.nanoTime() - asked));
      throw failed(List.of(e), List.of());
    }
  }

  private static <R extends Record> Result<R> cancellable(String view, ResultQuery<R> query) {
    return cancellable(view, query::cancel, query::fetch);
  }

  /** Runs a part of a refresh, which an interrupt of this thread cancels on the server. */
  private static <T> T cancellable(String view, Runnable cancel, Supplier<T> part) {
    try (CancelOnInterrupt watch = CancelOnInterrupt.watch(cancel)) {
      try {
        return part.get();
      } catch (DataAccessException e) {
        WipViewsException described = WipViewsException.of(view, e);
        if (watch.cancelled() && described.sqlState().equals(Optional.of("57014"))) {
          throw new WipViewsException(
              "cancelled, because the calling thread was interrupted",
              view,
              "57014",
              "Try again; the view kept the rows it had.",
              e);
        }
        throw e;
      }
    }
  }

  /** One attempt at one view; its request is committed first, so that a failure stays on record. */
  private final class Attempt {

    private final String view;
    private final Long callId;
    private Long requestId;

    /**
     * @param callId the first request of a call for several views; null if this is the first
     */
    Attempt(String view, Long callId) {
      this.view = view;
      this.callId = callId;
    }

    Refresh run(Connection connection, DSLContext db) throws SQLException {
      // the request alone is nothing worth waiting for the disk
      transaction(
          connection,
          db,
          bookkeepingLimits() + "SET LOCAL synchronous_commit = off; ",
          () ->
              requestId =
                  cancellable(view, db.select(Routines.wipViewRequest(view, callId)))
                      .get(0)
                      .value1());
      try {
        Refresh refresh =
            transaction(
                connection,
                db,
                limits(lockTimeout, statementTimeout),
                () ->
                    Refresh.of(
                        cancellable(view, db.selectFrom(WIP_VIEW_RUN.call(requestId, false)))
                            .get(0)));
        if (refresh.mode() == Refresh.Mode.CONCURRENT) {
          vacuum(connection, db);
        }
        return refresh;
      } catch (DataAccessException | SQLException | WipViewsException e) {
        // With a request on record, an object that is unknown is one of the view's query.
        throw described(db, view, e);
      }
    }

    /**
     * A concurrent refresh leaves every row that it rewrote behind. Autovacuum comes once a minute,
     * which is enough for one refresh a minute; this is for more. Other refreshes wait for its
     * lock, and it waits itself for a reader whose cursor stands on a page: so it has a limit of
     * its own, kept by the driver, since a VACUUM has no transaction to set one in. What it leaves
     * behind is autovacuum's, or the next one's.
     */
    private void vacuum(Connection connection, DSLContext db) throws SQLException {
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(true);
      try {
        String statement =
            (String)
                db.fetchValue(
                    VACUUM, Vacuum.STATEMENT, db.render(WIP_VIEW), view, VACUUM_DEAD_ROWS);
        if (statement != null) {
          RowCountQuery vacuum = db.query(statement);
          vacuum.queryTimeout(VACUUM_SECONDS);
          cancellable(view, vacuum::cancel, vacuum::execute);
        }
      } catch (DataAccessException | WipViewsException e) {
        // The refresh is done; whoever cancels the vacuum, or limits it, meant no more than that.
        LOG.debug("{} was not vacuumed", view, e);
      } finally {
        if (!connection.isClosed()) {
          connection.setAutoCommit(autoCommit);
        }
      }
    }

    /** Puts the failure on record, over a connection of its own: the first one may be dead. */
    Optional<Refresh> record(WipViewsException failure) {
      if (requestId == null) {
        return Optional.empty();
      }
      // a pool gives no connection to a thread that is interrupted
      boolean interrupted = Thread.interrupted();
      try {
        return query(
            view,
            (connection, db) ->
                transaction(
                    connection,
                    db,
                    limits(RECORD_LIMIT, RECORD_LIMIT),
                    () ->
                        db.selectFrom(
                                WIP_VIEW_FAIL.call(
                                    requestId,
                                    failure.sqlState().orElse(null),
                                    failure.getMessage()))
                            .fetchOptional(Refresh::of)));
      } catch (WipViewsException e) {
        failure.addSuppressed(e);
        return Optional.empty();
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  /** Runs a query in a transaction of its own, and leaves the connection as it was. */
  private static <T> T transaction(
      Connection connection, DSLContext db, String settings, Supplier<T> query)
      throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(false);
    try {
      db.execute(settings + READ_COMMITTED);
      T result = query.get();
      connection.commit();
      return result;
    } catch (DataAccessException | SQLException | WipViewsException e) {
      rollback(connection, e);
      throw e;
    } finally {
      if (!connection.isClosed()) {
        connection.setAutoCommit(autoCommit);
      }
    }
  }

  private static void rollback(Connection connection, Exception failure) {
    try {
      if (!connection.isClosed()) {
        connection.rollback();
      }
    } catch (SQLException e) {
      failure.addSuppressed(e);
    }
  }

  /** What sets the limits of a transaction: nothing, or statements that others may follow. */
  private static String limits(Duration lockTimeout, Duration statementTimeout) {
    return (lockTimeout == null ? "" : "SET LOCAL lock_timeout = " + lockTimeout.toMillis() + "; ")
        + (statementTimeout == null
            ? ""
            : "SET LOCAL statement_timeout = " + statementTimeout.toMillis() + "; ");
  }

  /** The limits of what comes before a refresh: one that is cut short is to be on record. */
  private String bookkeepingLimits() {
    boolean tiny = statementTimeout != null && statementTimeout.compareTo(REQUEST_LIMIT) < 0;
    return limits(lockTimeout, tiny ? REQUEST_LIMIT : statementTimeout);
  }

  private <T> T reading(String view, Query<T> query) {
    int seconds =
        statementTimeout == null
            ? 0
            : Math.toIntExact(statementTimeout.plusMillis(999).toSeconds());
    return query(view, new Settings().withQueryTimeout(seconds), query);
  }

  private <T> T query(String view, Query<T> query) {
    return query(view, new Settings(), query);
  }

  private <T> T query(String view, Settings settings, Query<T> query) {
    settings.withExecuteLogging(false);
    if (schema != null) {
      settings.withRenderMapping(
          new RenderMapping().withSchemata(new MappedSchema().withInput("").withOutput(schema)));
    }
    Connection connection = null;
    try {
      connection = connections.acquire();
      DSLContext db = DSL.using(connection, SQLDialect.POSTGRES, settings);
      try {
        return query.run(connection, db);
      } catch (DataAccessException | SQLException e) {
        WipViewsException described = described(db, view, e);
        throw described.sqlState().equals(Optional.of("42704"))
            // raised by wip_view_request()
            ? new UnknownViewException(
                described.getMessage(), view, described.remedy().orElse(null), e)
            : described;
      }
    } catch (DataAccessException e) {
      throw WipViewsException.of(view, e);
    } finally {
      if (connection != null) {
        connections.release(connection);
      }
    }
  }

  /** What is done with one connection. */
  private interface Query<T> {
    T run(Connection connection, DSLContext db) throws SQLException;
  }

  /** Tells what a deploy should have made, and is not there, from a name in somebody's query. */
  private WipViewsException described(DSLContext db, String view, Exception failure) {
    WipViewsException described = WipViewsException.of(view, failure);
    String state = described.sqlState().orElse("");
    if (!List.of("42883", "3F000", "42P01").contains(state)) {
      return described;
    }
    List<String> missing;
    try {
      missing = MissingObjects.in(db, schema);
    } catch (DataAccessException e) {
      // a caller's transaction, which the failure ended: only the message is left to go by
      return state.equals("3F000")
              || Changelog.objectNames().stream().anyMatch(described.getMessage()::contains)
          ? new NotDeployedException(
              "wip-views is not deployed in this schema, or not all of it: "
                  + described.getMessage(),
              view,
              state,
              "Find out what to do: " + CommandLines.of(schema, "doctor"),
              failure)
          : described;
    }
    if (missing.isEmpty()) {
      return described;
    }
    return missing.equals(Changelog.objectNames())
        ? new NotDeployedException(
            "wip-views is not deployed in this schema: " + described.getMessage(),
            view,
            state,
            "Name the schema that it was deployed to, or deploy it: "
                + CommandLines.of(schema, "update"),
            failure)
        : new NotDeployedException(
            "wip-views is incomplete in this schema: " + String.join(", ", missing) + " missing",
            view,
            state,
            "Bring it back: " + CommandLines.of(schema, "recreate"),
            failure);
  }

  private UnknownViewException unknown(String view) {
    return UnknownViewException.of(freshness().stream().map(Freshness::view).toList(), view);
  }
}
