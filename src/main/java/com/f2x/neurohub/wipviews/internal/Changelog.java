package com.f2x.neurohub.wipviews.internal;

import static java.util.stream.Collectors.toMap;

import java.io.ByteArrayOutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import liquibase.changelog.ChangeSet;
import liquibase.exception.LiquibaseException;
import org.jooq.Record;
import org.postgresql.PGConnection;

/**
 * Runs a changelog out of the jar. One at a time: Liquibase makes its own tables without a lock, so
 * an advisory lock of the database keeps other processes out, and a mutex other threads; both end
 * with their holder, whatever happens to it.
 */
public final class Changelog {

  private static final Pattern UNQUOTABLE = Pattern.compile("['\"\\\\$]");

  private static final ReentrantLock IN_THIS_JVM = new ReentrantLock();

  private final Target target;
  private final Map<String, String> parameters;
  private final Consumer<String> progress;

  /**
   * A changelog runner on a connection.
   *
   * @param target an own connection, not through a pooler in transaction mode, which is left open;
   *     and the schema to deploy to
   * @param parameters changelog parameters by name
   * @param progress told, line by line, which changeset runs and what it says of itself
   */
  public Changelog(Target target, Map<String, String> parameters, Consumer<String> progress) {
    this.target = target;
    this.parameters = Map.copyOf(parameters);
    this.progress = progress;
  }

  /**
   * Refuses the name of a schema that the changelog cannot quote: it goes into the SQL as it is, in
   * quotes, and dollar-quoted.
   *
   * @param schema its name; null passes
   * @throws IllegalArgumentException if it cannot be deployed to
   */
  public static void refuseUnquotable(String schema) {
    if (schema != null && UNQUOTABLE.matcher(schema).find()) {
      throw new IllegalArgumentException(
          "cannot deploy to schema " + schema + ": a name with any of ' \" \\ $ is not supported");
    }
  }

  /**
   * Deploys what was not deployed yet.
   *
   * @param files changelogs, which run in this order
   */
  public void update(List<String> files) throws Exception {
    run(
        files,
        run -> {
          if (files.contains(ChangelogFiles.ROOT)) {
            preflight(run);
          }
          runUndone(run);
          run.execute(LiquibaseRun.command("update"));
        });
  }

  /** What Liquibase's log says is done, and is not there, runs as it does in a recovery. */
  private void runUndone(LiquibaseRun run) throws SQLException, LiquibaseException {
    Set<String> undone = new HashSet<>(MissingObjects.in(target));
    undone.addAll(ChangelogFiles.viewNames());
    undone.removeAll(DeployedObjects.registeredViews(target));
    if (undone.isEmpty()) {
      return;
    }
    Map<String, ChangeSet> again =
        run.read(ChangelogFiles.RECREATE).getChangeSets().stream()
            .filter(changeSet -> ChangelogFiles.made(changeSet).anyMatch(undone::contains))
            .collect(toMap(changeSet -> changeSet.toString(false), Function.identity()));
    run.changelog()
        .getChangeSets()
        .replaceAll(changeSet -> again.getOrDefault(changeSet.toString(false), changeSet));
  }

  /**
   * Recreates views, and all that is repeatable besides; leaves the opt-in changelogs as they are.
   * A view that this jar does not define is recreated from the registry.
   *
   * @param views names of views, each one of {@link #recreatable()}; none for all
   * @return the views that were recreated
   */
  public List<String> recreate(Collection<String> views) throws Exception {
    List<String> chosen = new ArrayList<>(views.isEmpty() ? recreatable() : Set.copyOf(views));
    List<String> ofThisJar = ChangelogFiles.viewNames();
    run(
        List.of(ChangelogFiles.RECREATE),
        run -> {
          preflight(run);
          run.changelog().getChangeSets().stream()
              .filter(changeSet -> ofThisJar.contains(changeSet.getId()))
              .filter(changeSet -> !chosen.contains(changeSet.getId()))
              .forEach(changeSet -> changeSet.setIgnore(true));
          run.execute(LiquibaseRun.command("update"));
          for (String view : chosen) {
            if (!ofThisJar.contains(view)) {
              recreateFromRegistry(view);
            }
          }
        });
    return chosen;
  }

  /**
   * Returns the names of the views that {@link #recreate} knows: the jar's, then the registry's.
   */
  public List<String> recreatable() throws SQLException {
    Set<String> names = new LinkedHashSet<>(ChangelogFiles.viewNames());
    names.addAll(DeployedObjects.registeredViews(target));
    return List.copyOf(names);
  }

  private void recreateFromRegistry(String view) throws SQLException {
    progress.accept(view);
    Connection connection = target.connection();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT " + target.qualified("wip_view_recreate") + "(?::pg_catalog.text)")) {
      statement.setString(1, view);
      statement.execute();
      for (SQLWarning said = statement.getWarnings(); said != null; said = said.getNextWarning()) {
        progress.accept("  " + said.getMessage().strip());
      }
      connection.commit();
    }
  }

  /** Makes a minimal MES. */
  public void installMinimalMes() throws Exception {
    run(List.of(ChangelogFiles.MINIMAL_MES), run -> run.execute(LiquibaseRun.command("update")));
  }

  /**
   * The checks of the root changelog, before Liquibase makes its own tables: where it may not, its
   * error would say nothing of what is missing.
   */
  private void preflight(LiquibaseRun run) throws Exception {
    String checks =
        run.changelog()
            .getChangeLogParameters()
            .expandExpressions(ChangelogFiles.text("wip/preflight.sql"), run.changelog());
    target.ask(
        db -> {
          try (Statement statement = target.connection().createStatement()) {
            return statement.execute(checks);
          }
        });
  }

  /**
   * Writes the SQL that {@link #update} would run, and runs none of it.
   *
   * @param files changelogs, which would run in this order
   * @param out where the script goes; flushed, left open
   */
  public void updateSql(List<String> files, Writer out) throws Exception {
    ByteArrayOutputStream script = new ByteArrayOutputStream();
    run(
        files,
        run -> {
          refuseUnreadable();
          runUndone(run);
          run.execute(
              LiquibaseRun.command("updateSql")
                  .setOutput(script)
                  .addArgumentValue("changeExecListener", new ScriptTransactions()));
        });
    // as an update, it stops where something fails
    out.write("\\set ON_ERROR_STOP on\n");
    out.write(script.toString(StandardCharsets.UTF_8));
    out.flush();
  }

  /** The script depends on what has run; it brings the preflight's checks along. */
  private void refuseUnreadable() throws SQLException {
    Record grant =
        target.ask(
            db ->
                db.fetchOne(
                    """
                    SELECT format('GRANT SELECT ON %s TO %I;', log.name, current_user)
                    FROM format('%I.databasechangelog', ?::text) AS log (name)
                    WHERE NOT has_table_privilege(to_regclass(log.name), 'SELECT')
                    """,
                    target.schema()));
    if (grant != null) {
      throw new Refusal(
          "cannot tell what is deployed already",
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Have its owner run " + grant.get(0));
    }
  }

  /**
   * Takes back what {@link #update} did, what stands last in the files first.
   *
   * @param files changelogs; with the root, the opt-in ones need not be named
   */
  public void rollback(List<String> files) throws Exception {
    boolean whole = files.contains(ChangelogFiles.ROOT);
    Set<String> all = new LinkedHashSet<>(files);
    if (whole) {
      ChangelogFiles.OPT_IN.stream().map(ChangelogFiles::optIn).forEach(all::add);
    }
    run(
        List.copyOf(all),
        run -> {
          Rollback rollback = new Rollback(target, run);
          if (whole) {
            rollback.refuseHalf();
          }
          rollback.start();
        });
  }

  @SuppressWarnings("try") // the turn is only held
  private void run(List<String> files, LiquibaseRun.Work work) throws Exception {
    refuseUnquotable(target.schema());
    IN_THIS_JVM.lockInterruptibly();
    try (Turn turn = new Turn(target)) {
      cancellable(
          () -> {
            turn.await();
            LiquibaseRun.on(target, files, parameters, progress, work);
          });
    } finally {
      IN_THIS_JVM.unlock();
    }
  }

  /**
   * Runs a deploy, which an interrupt of this thread cancels on the server.
   *
   * @throws InterruptedException if that ended it; the thread is no longer interrupted
   */
  private void cancellable(Step deploy) throws Exception {
    Connection connection = target.connection();
    PGConnection server =
        connection.isWrapperFor(PGConnection.class) ? connection.unwrap(PGConnection.class) : null;
    try (CancelOnInterrupt watch = CancelOnInterrupt.watch(() -> cancel(server))) {
      try {
        deploy.run();
      } catch (Exception e) {
        if (watch.cancelled()) {
          Thread.interrupted();
          throw (InterruptedException) new InterruptedException().initCause(e);
        }
        throw e;
      }
    }
  }

  private static void cancel(PGConnection server) {
    try {
      if (server != null) {
        server.cancelQuery();
      }
    } catch (SQLException e) {
      // it is tried again as long as the deploy lasts
    }
  }

  private interface Step {
    void run() throws Exception;
  }
}
