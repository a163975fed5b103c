package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.Durations;
import com.f2x.neurohub.wipviews.jooq.Tables;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The materialized views of work in progress: refresh them, read how fresh they are, read them.
 *
 * <pre>{@code
 * WipViews views = WipViews.of(dataSource);
 * views.refresh(MV_PROCESS_WIP_QUEUE);
 * List<MvProcessWipQueueRecord> queue = views.rows(MV_PROCESS_WIP_QUEUE);
 * }</pre>
 *
 * <p>A view is named by its generated table, from {@link Tables}. Everything that matters (rights,
 * turns, which refresh serves which caller) is decided by the functions in the database; this class
 * calls them.
 *
 * <p>Immutable and thread-safe, without threads of its own, unless {@link #withParallelism} asks
 * for them; a {@code with…} method returns another one. Each call takes a connection and returns
 * it. Every failure is a {@link WipViewsException}: a {@link DatabaseUnavailableException} if the
 * database cannot be reached or the pool has no connection, a {@link NotDeployedException} if
 * something of the deploy is missing in the schema.
 *
 * <p>Callers of one JVM that ask for the same refresh with the same limits share it before they
 * take a connection, by the rule of the database: a refresh serves only callers that asked before
 * it started. A hundred callers of a pool of five cost two refreshes, one after the other, on one
 * connection. A caller that was served gets {@link Refresh.Outcome#COALESCED} and has no row in the
 * history, which records what the database was asked for. If the refresh fails, all callers fail
 * that it would have served, unless the failure concerns its own caller alone (an interrupt, a
 * cancelled statement, a lost connection, a deadlock): then another one refreshes. A caller keeps
 * its limits while it waits; when it gives up, that is on record.
 *
 * <p>A refresh that takes ten seconds or longer is logged at INFO, one that fails at WARN, to slf4j
 * under the name of this class, as {@code event=refresh view=… outcome=… mode=… duration_ms=…
 * rows=…}, with {@code sqlstate=…} and {@code error=…} for a failure.
 *
 * <p>Interrupting a thread that refreshes cancels the statement on the server, within about a tenth
 * of a second: the refresh fails with SQLSTATE 57014, is on record, and the thread stays
 * interrupted. JDBC calls do not notice an interrupt themselves; a daemon thread checks for one
 * while a refresh lasts, and ends with it.
 */
public final class WipViews {

  private final Sessions sessions;
  private final RefreshExecutor refreshes;
  private final ViewQueries queries;

  private WipViews(Sessions sessions) {
    this.sessions = sessions;
    this.refreshes = new RefreshExecutor(sessions);
    this.queries = new ViewQueries(sessions);
  }

  /**
   * Views in the schema that the connections have on top of their search_path, each call in
   * transactions of its own.
   *
   * @param dataSource where connections come from and go back to; not null. They must lead to the
   *     same database on every thread, since callers share a refresh before they have a connection;
   *     for a data source that chooses a database by the thread, use {@link #of(Configuration)}
   * @return the views
   */
  public static WipViews of(DataSource dataSource) {
    Objects.requireNonNull(dataSource, "dataSource");
    return new WipViews(Sessions.of(dataSource));
  }

  /**
   * Views on the connections of a jOOQ configuration. Where such a connection is in a transaction
   * (it does not commit by itself), a call takes part in it and commits nothing: what a refresh
   * recorded is then rolled back together with the transaction. {@link #recreate} cannot take part,
   * and refuses. Otherwise a refresh takes a connection for a moment, to see where it leads:
   * callers whose connections lead to the same database as the same role share refreshes.
   *
   * @param configuration its connections are used, and nothing else of it; not null
   * @return the views
   */
  public static WipViews of(Configuration configuration) {
    Objects.requireNonNull(configuration, "configuration");
    return new WipViews(Sessions.of(configuration.connectionProvider()));
  }

  /**
   * Names a view without a generated table: one that is known by name alone, as in the result of
   * {@link #freshness()}, on a command line, or in a setting.
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
  public WipViews withSchema(@Nullable String schema) {
    return new WipViews(sessions.withSchema(schema));
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
  public WipViews withLockTimeout(@Nullable Duration timeout) {
    return new WipViews(sessions.withLockTimeout(Durations.timeout(timeout)));
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
  public WipViews withStatementTimeout(@Nullable Duration timeout) {
    return new WipViews(sessions.withStatementTimeout(Durations.timeout(timeout)));
  }

  /**
   * The same views, where {@link #refreshAll()} refreshes up to so many of them at once, each over
   * a connection of its own and in a thread that ends with the call; from a pool with fewer to
   * give, fewer. A view begins when those that it reads have ended. The default is 1, which {@link
   * #of(Configuration)} keeps.
   *
   * @param views at least 1
   * @return other views, this one unchanged
   * @throws IllegalArgumentException if the number is less than 1
   */
  public WipViews withParallelism(int views) {
    if (views < 1) {
      throw new IllegalArgumentException("a parallelism is at least 1: " + views);
    }
    return new WipViews(sessions.withParallelism(views));
  }

  /** The same views, whose refreshes and promotions an observer watches, such as a tracer. */
  public WipViews withObserver(CallObserver observer) {
    return new WipViews(sessions.withObserver(Objects.requireNonNull(observer, "observer")));
  }

  /**
   * Refreshes every registered view, each after those that it reads and in a transaction of its
   * own: one view's failure neither stops nor undoes the others. In a caller's transaction (see
   * {@link #of(Configuration)}) the first failure ends it.
   *
   * @return what happened to each view
   * @throws RefreshFailedException if any view could not be refreshed, after all were tried; its
   *     failure is on record
   * @throws NotDeployedException if nothing is deployed in the schema, or no view is registered
   */
  public List<Refresh> refreshAll() {
    return refreshes.refreshAll();
  }

  /**
   * Refreshes some views and the registered views that they read, as {@link #refreshAll()}.
   *
   * @param views generated tables, in any order; not null
   * @return what happened to each; in a caller's transaction only to those that were named
   * @throws UnknownViewException if one of them is not registered; none was refreshed
   */
  public List<Refresh> refreshAll(Collection<? extends Table<?>> views) {
    return refreshes.refreshAll(views.stream().<String>map(Table::getName).toList());
  }

  /**
   * Refreshes a view, or waits for another caller's refresh that started after this call. The
   * registered views that it reads, if there are any, are refreshed before it in the same way, each
   * in a transaction of its own: afterwards all that the view shows is at least as new as the call.
   *
   * @param view a generated table, such as {@link Tables#MV_PROCESS_WIP_QUEUE}; not null
   * @return what happened to it: {@link Refresh.Outcome#REFRESHED} or {@link
   *     Refresh.Outcome#COALESCED}
   * @throws RefreshFailedException if it could not be refreshed, or one that it reads, which is
   *     then named, could not be; the failure is on record
   * @throws UnknownViewException if the view is not registered
   */
  public Refresh refresh(Table<?> view) {
    return refreshes.refresh(view.getName(), null);
  }

  /**
   * Refreshes a view unless all that it shows is fresh enough, which costs one cheap query. Those
   * of the registered views that it reads which are not fresh enough are refreshed before it.
   *
   * @param view a generated table; not null
   * @param maxAge the age that is fresh enough; not null
   * @return what happened, or nothing if the view was fresh enough
   * @throws RefreshFailedException as {@link #refresh}
   * @throws UnknownViewException if the view is not registered
   */
  public Optional<Refresh> refreshIfOlderThan(Table<?> view, Duration maxAge) {
    Objects.requireNonNull(maxAge, "maxAge");
    return queries.isFresh(view.getName(), maxAge)
        ? Optional.empty()
        : Optional.of(refreshes.refresh(view.getName(), maxAge));
  }

  /**
   * Refreshes a view unless nothing that it reads was written since this method last did, by the
   * server's counts of rows, of which it learns within a second or so.
   *
   * @param view a generated table; not null
   * @param maxAge the age from which on it is refreshed in any case; not null
   * @return what happened, or nothing if the view was left as it is
   * @throws WipViewsException as {@link #refresh}; and if the counts do not tell, with SQLSTATE
   *     0A000: as of a view that reads the clock, like both of the MES
   */
  public Optional<Refresh> refreshIfChanged(Table<?> view, Duration maxAge) {
    Objects.requireNonNull(maxAge, "maxAge");
    return refreshes.refreshIfChanged(view.getName(), maxAge);
  }

  /**
   * Reads how fresh every registered view is. Works in every state of the views, and waits for none
   * of their locks.
   *
   * @return a row per view, each after those that it reads; empty if no view is registered
   */
  public List<Freshness> freshness() {
    return queries.freshness();
  }

  /**
   * Reads how fresh a view is, like {@link #freshness()}.
   *
   * @param view a generated table; not null
   * @return its freshness
   * @throws UnknownViewException if the view is not registered
   */
  public Freshness freshness(Table<?> view) {
    return queries
        .freshness(view.getName())
        .orElseThrow(
            () ->
                UnknownViewException.of(
                    freshness().stream().map(Freshness::view).toList(), view.getName()));
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
   */
  public List<Refresh> history(@Nullable Table<?> view, int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("a limit is at least 1: " + limit);
    }
    if (view != null) {
      freshness(view);
    }
    return queries.history(view == null ? null : view.getName(), limit);
  }

  /**
   * Reads a summary of the refreshes of the last days: attempts by outcome, and how long they took.
   *
   * @param view a generated table; null for all views
   * @param days how many days back at most, today included; at least 1
   * @return a row per view and day on which a refresh was asked for, latest day first, views in
   *     refresh order
   * @throws IllegalArgumentException if there are fewer days than 1
   * @throws UnknownViewException if the view is not registered
   */
  public List<DailyRefreshes> daily(@Nullable Table<?> view, int days) {
    if (days < 1) {
      throw new IllegalArgumentException("days are at least 1: " + days);
    }
    if (view != null) {
      freshness(view);
    }
    return queries.daily(view == null ? null : view.getName(), days);
  }

  /**
   * Reads the rows of a view, typed.
   *
   * @param view a generated table; not null
   * @param <R> its record
   * @return all its rows, in no particular order
   * @throws WipViewsException if the view is missing or not populated
   */
  public <R extends Record> List<R> rows(Table<R> view) {
    return queries.rows(view);
  }

  /**
   * Looks for what is wrong with the deployed schema, its views and what a refresh needs, and for
   * sessions that block others right now. Changes nothing, and waits for no lock: a check that
   * would have to wait gives up after a tenth of a second and says so. Works for a role that may
   * only read; what such a role may not see is a finding of its own. {@code SELECT * FROM
   * wip_view_findings()} says the same, but for what only the files of this jar can tell: what of
   * them is missing.
   *
   * @return what was found, in the order in which to mend it; empty if all is well
   */
  public List<Finding> diagnose() {
    return queries.findings();
  }

  /**
   * Reads which sessions wait for which in the database right now, also where that has nothing to
   * do with our views. Waits for no lock. Shows what the role may see; see {@link
   * Blocker#isHidden()}.
   *
   * @return a row per waiting session and session that it waits for, the longest wait first
   */
  public List<Blocker> blockers() {
    return queries.blockers();
  }

  /**
   * Reads how large the views are and the tables that they read. Waits for no lock.
   *
   * @return their sizes, the one with the most rows first
   */
  public List<RelationSize> sizes() {
    return queries.sizes();
  }

  /**
   * Runs a query of your own on a connection of these views: in their schema, within their
   * statement timeout, with failures translated as everywhere here.
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
   * @throws WipViewsException if the query fails otherwise
   */
  public <T> T read(Function<? super DSLContext, ? extends T> query) {
    Objects.requireNonNull(query, "query");
    return sessions.reading(null, (connection, db) -> query.apply(db));
  }

  /**
   * Recreates views in any state: dropped, never populated, edited by hand; also when the functions
   * that refresh them are gone. A view of this jar is built from its definition there, another one
   * from what the registry knows. Each is built beside the live one, which serves its readers until
   * the new one takes its place. The connection must not go through a pooler in transaction mode.
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
   */
  public void recreate(Table<?>... views) {
    Recreation.run(sessions, Stream.of(views).map(Table::getName).toList());
  }
}
