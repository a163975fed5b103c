package com.f2x.neurohub.wipviews.internal;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import liquibase.Contexts;
import liquibase.LabelExpression;
import liquibase.RuntimeEnvironment;
import liquibase.Scope;
import liquibase.changelog.ChangeLogHistoryServiceFactory;
import liquibase.changelog.ChangeLogIterator;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.filter.ChangeSetFilterResult;
import liquibase.changelog.filter.ShouldRunChangeSetFilter;
import liquibase.changelog.visitor.ChangeSetVisitor;
import liquibase.changelog.visitor.UpdateVisitor;
import liquibase.database.Database;
import liquibase.exception.LiquibaseException;
import liquibase.exception.PreconditionErrorException;
import liquibase.exception.PreconditionFailedException;
import liquibase.exception.UnexpectedLiquibaseException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * An update in a transaction that is rolled back: the same changesets, run for real, where {@code
 * wip_view_promote()} plans. One that has taken a lock for which others wait is undone at once, and
 * one that cannot run in a transaction is not run; both are only named.
 */
public final class DryRun implements ChangeSetVisitor {

  /** How long others may have to wait behind a changeset that waits for a lock. */
  private static final String PATIENCE = "100ms";

  private static final String LOCK_NOT_AVAILABLE = "55P03";

  /** What is not there may be what a changeset makes that was not tried; so a precondition. */
  private static final Set<String> UNDEFINED = Set.of("42P01", "42703", "42883", "42704", "3F000");

  private static final Step SETTINGS_CHANGE =
      new Step("settings", "wip-views", "wip-views/db.changelog-root.yaml", null);

  /** What is there when it begins: what a changeset makes itself, nobody else waits for. */
  private static final String SETTINGS =
      """
      CREATE TEMPORARY TABLE wip_relation_before ON COMMIT DROP AS
      SELECT c.oid, c.relname::text AS relation, pg_catalog.format('%s', c.oid::pg_catalog.regclass) AS name,
             c.relkind = 'm' AS is_refreshed
      FROM pg_catalog.pg_class AS c
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384;
      SELECT pg_catalog.set_config('wip_views.plan', 'on', true),
             pg_catalog.set_config('wip_views.promote_limit', '2s', true),
             pg_catalog.set_config('check_function_bodies', 'off', true);
      """;

  private static final String LOCKED =
      """
      SELECT DISTINCT b.name
      FROM pg_locks AS l
      JOIN pg_temp.wip_relation_before AS b ON b.oid = l.relation
      WHERE l.pid = pg_backend_pid()
        AND l.locktype = 'relation'
        AND CASE
          WHEN l.mode IN ('AccessShareLock', 'RowShareLock') THEN false
          WHEN l.mode = 'ShareUpdateExclusiveLock' THEN b.is_refreshed
          WHEN l.mode = 'RowExclusiveLock' THEN b.relation <> 'wip_view_settings' AND lower(b.relation) <> lower({0})
          -- who deploys meanwhile waits anyway
          WHEN l.mode = 'ShareRowExclusiveLock' THEN lower(b.relation) <> lower({0})
          ELSE true
        END
      ORDER BY b.name
      """;

  /**
   * A changeset that would do something new.
   *
   * @param notTried why it was only named; null if it was run
   */
  public record Step(String id, String author, String file, @Nullable String notTried) {}

  /**
   * What a deploy would stop at.
   *
   * @param subject the changeset; null if it would not begin
   */
  public record Failure(@Nullable String subject, Exception cause) {}

  private final Target target;
  private final UncommittedConnection connection;
  private final List<Step> steps = new ArrayList<>();
  private final List<Failure> failures = new ArrayList<>();
  private UpdateVisitor update;
  private Changes changes;
  private Set<String> views = Set.of();
  private @Nullable String undone;

  DryRun(Target target, UncommittedConnection connection) {
    this.target = target;
    this.connection = connection;
  }

  /** Returns the changesets that would do something new, in their order. */
  public List<Step> steps() {
    return List.copyOf(steps);
  }

  /** Returns what a deploy would stop at, but for what the plans of the views say. */
  public List<Failure> failures() {
    return List.copyOf(failures);
  }

  /** Returns the connection, in the transaction that is going to be rolled back. */
  public Target target() {
    return target;
  }

  /** A deploy would not begin. */
  void refused(Exception refusal) {
    failures.add(new Failure(null, refusal));
  }

  void run(LiquibaseRun run, Set<String> again, List<Entry> entries) throws Exception {
    try (Statement statement = target.connection().createStatement()) {
      statement.execute(SETTINGS);
    }
    changes = new Changes(target, again);
    update = new UpdateVisitor(run.database(), changes);
    views = Set.copyOf(entries.stream().map(entry -> entry.changeSet().toString(false)).toList());
    connection.beginStep();
    try {
      runAll(run);
    } catch (LiquibaseException e) {
      connection.rollback();
      refused(e);
    }
    if (changes.names().contains(SETTINGS_CHANGE.id())
        && steps.stream().noneMatch(step -> step.id().equals(SETTINGS_CHANGE.id()))) {
      steps.add(SETTINGS_CHANGE);
    }
  }

  private void runAll(LiquibaseRun run) throws LiquibaseException, SQLException {
    Scope.getCurrentScope()
        .getSingleton(ChangeLogHistoryServiceFactory.class)
        .getChangeLogService(run.database())
        .init();
    // which rolls back when it has checked the preconditions of the changelog, but not the log
    connection.beginStep();
    run.changelog().validate(run.database(), new Contexts(), new LabelExpression());
    new ChangeLogIterator(run.changelog(), new ShouldRunChangeSetFilter(run.database()))
        .run(this, new RuntimeEnvironment(run.database(), new Contexts(), new LabelExpression()));
  }

  @Override
  public Direction getDirection() {
    return Direction.FORWARD;
  }

  @Override
  public void visit(
      ChangeSet changeSet,
      DatabaseChangeLog changelog,
      Database database,
      Set<ChangeSetFilterResult> filters)
      throws LiquibaseException {
    if (!failures.isEmpty()) {
      return;
    }
    try {
      connection.beginStep();
      if (!changeSet.isRunInTransaction()) {
        if (!changeSet.isIgnore() && wouldRun(changeSet, changelog, database)) {
          name(changeSet, "cannot run in a transaction");
          // ours make indexes, without which nothing fails
          undone = Entry.isOurs(changeSet) ? undone : changeSet.getId();
        }
        return;
      }
      // to build a view is to read, for which nobody waits
      limitLocks(views.contains(changeSet.toString(false)) ? "0" : PATIENCE);
      int before = changes.count();
      update.visit(changeSet, changelog, database, filters);
      List<String> locked = locked(database.getDatabaseChangeLogTableName());
      boolean isNews = changes.count() > before;
      if (!locked.isEmpty()) {
        connection.rollback();
        undone = isNews || undone != null ? changeSet.getId() : null;
      }
      if (isNews) {
        name(
            changeSet,
            locked.isEmpty() ? null : "others would wait for " + String.join(", ", locked));
      }
    } catch (LiquibaseException e) {
      connection.rollback();
      failed(changeSet, e);
    } catch (SQLException e) {
      throw new UnexpectedLiquibaseException(e);
    }
  }

  private void failed(ChangeSet changeSet, LiquibaseException failure) {
    SqlError error = SqlError.in(failure);
    if (error != null && LOCK_NOT_AVAILABLE.equals(error.sqlState())) {
      name(changeSet, error.message());
      undone = changeSet.getId();
    } else if (undone != null && (error == null || isForWant(changeSet, error))) {
      name(changeSet, "fails without " + undone + ", which was not tried: " + message(failure));
    } else {
      failures.add(new Failure(changeSet.getId(), failure));
    }
  }

  /** What we replace of our own may depend on what was not tried in other ways, too. */
  private boolean isForWant(ChangeSet changeSet, SqlError error) {
    return UNDEFINED.contains(error.sqlState())
        || Entry.isOurs(changeSet) && !views.contains(changeSet.toString(false));
  }

  private static String message(Exception failure) {
    SqlError error = SqlError.in(failure);
    return error == null ? SqlError.innermostMessage(failure) : error.message();
  }

  private void name(ChangeSet changeSet, @Nullable String notTried) {
    steps.add(
        new Step(changeSet.getId(), changeSet.getAuthor(), changeSet.getFilePath(), notTried));
  }

  private static boolean wouldRun(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database)
      throws LiquibaseException {
    if (changeSet.getPreconditions() == null) {
      return true;
    }
    try {
      changeSet.getPreconditions().check(database, changelog, changeSet, null);
      return true;
    } catch (PreconditionFailedException e) {
      return false;
    } catch (PreconditionErrorException e) {
      throw new LiquibaseException(e);
    }
  }

  private void limitLocks(String patience) throws SQLException {
    try (PreparedStatement statement =
        target
            .connection()
            .prepareStatement("SELECT pg_catalog.set_config('lock_timeout', ?, true)")) {
      statement.setString(1, patience);
      statement.execute();
    }
  }

  private List<String> locked(String log) throws SQLException {
    return target.ask(db -> db.resultQuery(LOCKED, DSL.val(log)).fetch(0, String.class));
  }
}
