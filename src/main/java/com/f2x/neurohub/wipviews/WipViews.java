package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FAIL;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_RUN;

import com.f2x.neurohub.wipviews.internal.Changelog;
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
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jooq.ConnectionProvider;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.conf.MappedSchema;
import org.jooq.conf.RenderMapping;
import org.jooq.conf.Settings;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jooq.impl.DataSourceConnectionProvider;

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
 */
public final class WipViews {

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
   * on record is then rolled back together with the transaction.
   *
   * @param configuration whose connections are used, and nothing else of it; not null
   * @return the views
   */
  public static WipViews of(Configuration configuration) {
    Objects.requireNonNull(configuration, "configuration");
    return new WipViews(configuration.connectionProvider(), false, null, null, null);
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
   * @param timeout at least a millisecond; null for the connection's own setting
   * @return other views, this one unchanged
   * @throws IllegalArgumentException if the timeout is shorter than a millisecond
   */
  public WipViews withLockTimeout(Duration timeout) {
    return new WipViews(connections, ownsConnections, schema, checked(timeout), statementTimeout);
  }

  /**
   * The same views, where a refresh takes no longer than this, the wait for its turn included. It
   * then fails with SQLSTATE 57014.
   *
   * @param timeout at least a millisecond; null for the connection's own setting
   * @return other views, this one unchanged
   * @throws IllegalArgumentException if the timeout is shorter than a millisecond
   */
  public WipViews withStatementTimeout(Duration timeout) {
    return new WipViews(connections, ownsConnections, schema, lockTimeout, checked(timeout));
  }

  private static Duration checked(Duration timeout) {
    if (timeout != null && timeout.toMillis() < 1) {
      throw new IllegalArgumentException("a timeout is at least a millisecond: " + timeout);
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
    List<String> all =
        query(
            null,
            (connection, db) ->
                db.select(WIP_VIEW.VIEW_NAME)
                    .from(WIP_VIEW)
                    .orderBy(WIP_VIEW.REFRESH_ORDER, WIP_VIEW.VIEW_NAME)
                    .fetch(WIP_VIEW.VIEW_NAME));
    return refreshEach(all);
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
    return refreshEach(List.of(view.getName())).get(0);
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
    Freshness now = freshness(view);
    boolean readable = now.state() == Freshness.State.FRESH || now.state() == Freshness.State.STALE;
    if (readable && now.age() != null && now.age().compareTo(maxAge) <= 0) {
      return Optional.empty();
    }
    return Optional.of(refresh(view));
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
    return query(null, (connection, db) -> db.selectFrom(WIP_VIEW_FRESHNESS).fetch(Freshness::of));
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
    return freshness().stream()
        .filter(row -> row.view().equals(view.getName()))
        .findFirst()
        .orElseThrow(() -> unknown(view.getName()));
  }

  /**
   * Reads the latest attempts to refresh a view.
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
    return query(
        view == null ? null : view.getName(),
        (connection, db) ->
            db.selectFrom(WIP_VIEW_REFRESH)
                .where(
                    view == null
                        ? DSL.noCondition()
                        : WIP_VIEW_REFRESH.VIEW_NAME.eq(view.getName()))
                .orderBy(WIP_VIEW_REFRESH.REFRESH_ID.desc())
                .limit(limit)
                .fetch(Refresh::of));
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
    return query(view.getName(), (connection, db) -> db.selectFrom(view).fetch());
  }

  /**
   * Makes views anew from the definitions in this jar, whatever state they are in: dropped, never
   * populated, edited by hand; also when the functions that refresh them are gone. Each is built
   * beside the live one, which serves its readers until the new one takes its place. The connection
   * must not go through a pooler in transaction mode.
   *
   * @param views generated tables; none for all
   * @throws WipViewsException if a view could not be made; those before it were, and the live ones
   *     are as they were
   * @throws DatabaseUnavailableException if the database cannot be reached
   */
  public void recreate(Table<?>... views) {
    String labels =
        views.length == 0
            ? null
            : Stream.of(views).map(Table::getName).collect(Collectors.joining(","));
    Connection connection = null;
    try {
      connection = connections.acquire();
      new Changelog(connection, schema, Map.of(), line -> {})
          .update("recreate-views.changelog.yaml", labels);
    } catch (Exception e) {
      throw WipViewsException.of(null, e);
    } finally {
      if (connection != null) {
        connections.release(connection);
      }
    }
  }

  // -------------------------------------------------------------------------------------------

  private List<Refresh> refreshEach(List<String> views) {
    List<Refresh> refreshes = new ArrayList<>();
    List<WipViewsException> failures = new ArrayList<>();
    for (String view : views) {
      Attempt attempt = new Attempt(view);
      try {
        refreshes.add(query(view, attempt::run));
      } catch (UnknownViewException | NotDeployedException e) {
        throw e;
      } catch (WipViewsException e) {
        failures.add(e);
        attempt.record(e).ifPresent(refreshes::add);
      }
    }
    if (failures.isEmpty()) {
      return List.copyOf(refreshes);
    }
    WipViewsException first = failures.get(0);
    if (refreshes.isEmpty() && first instanceof DatabaseUnavailableException) {
      throw first;
    }
    throw new RefreshFailedException(
        first,
        failures.stream()
            .map(e -> e.view().map(view -> view + ": ").orElse("") + e.getMessage())
            .collect(Collectors.joining("; ")),
        refreshes);
  }

  /** One attempt at one view; its request is committed first, so that a failure stays on record. */
  private final class Attempt {

    private final String view;
    private Long requestId;

    Attempt(String view) {
      this.view = view;
    }

    Refresh run(Connection connection, DSLContext db) throws SQLException {
      if (!ownsConnections && !connection.getAutoCommit()) {
        limits(db);
        return Refresh.of(db.selectFrom(REFRESH_WIP_VIEW.call(view)).fetchSingle());
      }
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(false);
      try {
        readCommitted(db);
        // the request alone is nothing worth waiting for the disk
        db.execute("SET LOCAL synchronous_commit = off");
        requestId = Routines.wipViewRequest(db.configuration(), view);
        connection.commit();
        readCommitted(db);
        limits(db);
        WipViewRefreshRecord row = db.selectFrom(WIP_VIEW_RUN.call(requestId, false)).fetchSingle();
        connection.commit();
        return Refresh.of(row);
      } catch (DataAccessException | SQLException e) {
        if (!connection.isClosed()) {
          connection.rollback();
        }
        throw e;
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
      try {
        return query(
            view,
            (connection, db) -> {
              Optional<Refresh> row =
                  db.selectFrom(
                          WIP_VIEW_FAIL.call(
                              requestId, failure.sqlState().orElse(null), failure.getMessage()))
                      .fetchOptional(Refresh::of);
              if (!connection.getAutoCommit()) {
                connection.commit();
              }
              return row;
            });
      } catch (WipViewsException e) {
        failure.addSuppressed(e);
        return Optional.empty();
      }
    }
  }

  /** A snapshot that is taken before the wait for a turn could not see who was served meanwhile. */
  private static void readCommitted(DSLContext db) {
    db.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
  }

  private void limits(DSLContext db) {
    if (lockTimeout != null) {
      db.execute("SET LOCAL lock_timeout = " + lockTimeout.toMillis());
    }
    if (statementTimeout != null) {
      db.execute("SET LOCAL statement_timeout = " + statementTimeout.toMillis());
    }
  }

  private <T> T query(String view, Query<T> query) {
    Settings settings = new Settings().withExecuteLogging(false);
    if (schema != null) {
      settings.withRenderMapping(
          new RenderMapping().withSchemata(new MappedSchema().withInput("").withOutput(schema)));
    }
    Connection connection = null;
    try {
      connection = connections.acquire();
      return query.run(connection, DSL.using(connection, SQLDialect.POSTGRES, settings));
    } catch (DataAccessException | SQLException e) {
      throw describe(view, e);
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

  private static WipViewsException describe(String view, Throwable failure) {
    WipViewsException described = WipViewsException.of(view, failure);
    String state = described.sqlState().orElse("");
    String message = described.getMessage();
    String remedy = described.remedy().orElse(null);
    return switch (state) {
      // raised by wip_view_request()
      case "42704" -> new UnknownViewException(message, view, remedy, failure);
      // a function, table or schema of ours; a view that is missing comes with a remedy
      case "42883", "3F000", "42P01" ->
          remedy == null || !state.equals("42P01")
              ? new NotDeployedException(
                  "wip-views is not deployed in this schema: " + message,
                  state,
                  "Deploy it with wip-views update, or name the schema that it was deployed to.",
                  failure)
              : described;
      default -> described;
    };
  }

  private UnknownViewException unknown(String view) {
    return new UnknownViewException(
        "unknown view \"" + view + "\"",
        view,
        "Registered: "
            + freshness().stream().map(Freshness::view).collect(Collectors.joining(", "))
            + ".",
        null);
  }
}
