package com.f2x.neurohub.wipviews.internal;

import static java.util.stream.Collectors.toMap;

import java.io.ByteArrayOutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import liquibase.changelog.ChangeSet;
import liquibase.exception.LiquibaseException;
import org.jooq.Record;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a changelog of the jar. One at a time: Liquibase creates its own tables without a lock, so
 * an advisory lock of the database excludes other processes, and a mutex other threads; both end
 * with their holder, whatever happens to it.
 */
public final class Changelog {

  private static final Logger LOG = LoggerFactory.getLogger(Changelog.class);

  private static final Pattern UNQUOTABLE = Pattern.compile("['\"\\\\$]");

  private static final ReentrantLock IN_THIS_JVM = new ReentrantLock();

  private final Target target;
  private final Sources sources;
  private final Consumer<String> progress;

  /**
   * A changelog runner on a connection.
   *
   * @param target a connection of its own, not through a pooler in transaction mode, which is left
   *     open; and the schema to deploy to
   * @param sources the changelogs
   * @param progress called with a line for each changeset that runs and for each of its notices
   */
  public Changelog(Target target, Sources sources, Consumer<String> progress) {
    this.target = target;
    this.sources = sources;
    this.progress = progress;
  }

  /**
   * Refuses the name of a schema that the changelog cannot quote: it is put into the SQL as it is,
   * in quotes and in dollar quotes.
   *
   * @param schema its name; null passes
   * @throws IllegalArgumentException if it cannot be deployed to
   */
  public static void refuseUnquotable(@Nullable String schema) {
    if (schema != null && UNQUOTABLE.matcher(schema).find()) {
      throw new IllegalArgumentException(
          "cannot deploy to schema " + schema + ": a name with any of ' \" \\ $ is not supported");
    }
  }

  /**
   * Deploys what was not deployed yet.
   *
   * @return ids of the changesets that did something new
   */
  public List<String> update() throws Exception {
    List<String> changes = new ArrayList<>();
    run(
        toDeploy(),
        run -> {
          leaveNewer(run);
          preflight(run);
          List<Entry> entries = Entry.in(run.changelog());
          Claims.check(target, entries);
          Changes listener = new Changes(target, runUndone(run, entries));
          run.execute(
              LiquibaseRun.command("update").addArgumentValue("changeExecListener", listener));
          Claims.note(target, entries);
          changes.addAll(listener.names());
        });
    return List.copyOf(changes);
  }

  /** An older version that starts beside a newer one runs only the entries of its service. */
  private void leaveNewer(LiquibaseRun run) throws SQLException {
    Optional<String> newer = Release.newerIn(target);
    if (newer.isPresent()) {
      run.leaveOurs();
      String line =
          "wip-views "
              + newer.get()
              + " is deployed in schema "
              + target.schema()
              + ", newer than this "
              + ChangelogFiles.release()
              + ": it stays as it is";
      LOG.info(line);
      progress.accept(line);
    }
  }

  /** What is done according to Liquibase's log and is not there runs as in a recovery. */
  private Set<String> runUndone(LiquibaseRun run, List<Entry> entries)
      throws SQLException, LiquibaseException {
    Set<String> views = new HashSet<>();
    entries.forEach(entry -> views.add(entry.view()));
    Set<String> undone = new HashSet<>();
    for (ChangeSet changeSet : run.changelog().getChangeSets()) {
      undone.addAll(Entry.made(changeSet));
    }
    // a view that is gone is named, and left to a recovery
    undone.removeAll(views);
    undone.retainAll(MissingObjects.among(target, undone));
    views.removeAll(DeployedObjects.registeredViews(target));
    undone.addAll(views);
    if (undone.isEmpty()) {
      return Set.of();
    }
    Map<String, ChangeSet> again =
        run.recreating().getChangeSets().stream()
            .filter(changeSet -> Entry.made(changeSet).stream().anyMatch(undone::contains))
            .collect(toMap(changeSet -> changeSet.toString(false), Function.identity()));
    run.changelog()
        .getChangeSets()
        .replaceAll(changeSet -> again.getOrDefault(changeSet.toString(false), changeSet));
    return again.keySet();
  }

  /**
   * Recreates views, and everything of this library that is repeatable; leaves the opt-in
   * changelogs, and what a service has besides its views, as they are. A view without an entry in
   * any of the changelogs is recreated from the registry.
   *
   * @param views names of views; none for all
   * @param check called with the known names, before any view is touched
   * @return the views that were recreated
   */
  public List<String> recreate(Collection<String> views, Consumer<Collection<String>> check)
      throws Exception {
    List<String> recreated = new ArrayList<>();
    run(
        deployed(sources.withoutOptIns()).recreating(),
        run -> {
          leaveNewer(run);
          List<Entry> entries = Entry.in(run.changelog());
          Claims.check(target, entries);
          Set<String> known = new LinkedHashSet<>(entries.stream().map(Entry::view).toList());
          known.addAll(DeployedObjects.registeredViews(target));
          check.accept(known);
          preflight(run);
          recreated.addAll(views.isEmpty() ? known : new LinkedHashSet<>(views));
          Set<String> fromRegistry = new LinkedHashSet<>(recreated);
          for (ChangeSet changeSet : run.changelog().getChangeSets()) {
            List<String> made =
                entries.stream()
                    .filter(entry -> entry.changeSet() == changeSet)
                    .map(Entry::view)
                    .toList();
            boolean runs =
                made.isEmpty()
                    ? Entry.isOurs(changeSet)
                    : changeSet.isAlwaysRun() && made.stream().anyMatch(recreated::contains);
            changeSet.setIgnore(!runs);
            if (runs) {
              fromRegistry.removeAll(made);
            }
          }
          run.execute(LiquibaseRun.command("update"));
          new RegistryRecovery(target, progress).recreate(fromRegistry);
          Claims.note(target, entries);
        });
    return List.copyOf(recreated);
  }

  /**
   * Freezes views that are registered, and the ordinary ones that only they read.
   *
   * @param views names of views; none for all
   * @param check called with the known names, before any view is touched
   * @return what was frozen
   */
  public List<String> freeze(Collection<String> views, Consumer<Collection<String>> check)
      throws Exception {
    return inTurn(views, check, () -> new FrozenViews(target, progress).freeze(views));
  }

  /**
   * Thaws views, and the ordinary ones that they read.
   *
   * @param views names of views; none for all
   * @param check called with the known names, before any view is touched
   * @return what was thawed
   */
  public List<String> thaw(Collection<String> views, Consumer<Collection<String>> check)
      throws Exception {
    return inTurn(views, check, () -> new FrozenViews(target, progress).thaw(views));
  }

  private List<String> inTurn(
      Collection<String> views, Consumer<Collection<String>> check, Callable<List<String>> work)
      throws Exception {
    List<String> done = new ArrayList<>();
    run(
        () -> {
          if (!views.isEmpty()) {
            check.accept(DeployedObjects.registeredViews(target));
          }
          done.addAll(work.call());
        });
    return done;
  }

  /** What a service's entries are deployed onto depends on what the schema has. */
  private Sources toDeploy() throws SQLException {
    return sources.service() == null ? sources : deployed(sources);
  }

  /** A database where the engine alone was deployed has no MES, and gets no WIP part. */
  private Sources deployed(Sources wanted) throws SQLException {
    return MissingObjects.isDeployed(target) && !MissingObjects.hasWipPart(target)
        ? wanted.withEngineAlone()
        : wanted;
  }

  /** Creates a minimal MES. */
  public void installMinimalMes() throws Exception {
    run(
        sources.withFiles(List.of(ChangelogFiles.MINIMAL_MES)),
        run -> run.execute(LiquibaseRun.command("update")));
  }

  /**
   * The checks of the changelogs, before Liquibase creates its own tables: where it may not, its
   * error would not name what is missing.
   */
  private void preflight(LiquibaseRun run) throws Exception {
    List<String> files = new ArrayList<>();
    if (run.has("preflight")) {
      files.add("wip/preflight.sql");
    }
    if (run.has("engine-preflight")) {
      files.add("engine/preflight.sql");
    } else if (sources.service() != null && !MissingObjects.isDeployed(target)) {
      throw new Refusal(
          "wip-views is not deployed in schema " + target.schema(),
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Deploy it first, or include com/f2x/neurohub/wipviews/changelog/engine.changelog.yaml.");
    }
    target.ask(
        db -> {
          try (Statement statement = target.connection().createStatement()) {
            for (String file : files) {
              statement.execute(
                  run.changelog()
                      .getChangeLogParameters()
                      .expandExpressions(ChangelogFiles.text(file), run.changelog()));
            }
            return files;
          }
        });
  }

  /**
   * Writes the SQL that {@link #update} would run, and runs none of it.
   *
   * @param out where the script goes; flushed, left open
   */
  public void updateSql(Writer out) throws Exception {
    ByteArrayOutputStream script = new ByteArrayOutputStream();
    run(
        toDeploy(),
        run -> {
          refuseUnreadable();
          leaveNewer(run);
          List<Entry> entries = Entry.in(run.changelog());
          Claims.check(target, entries);
          runUndone(run, entries);
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

  /** The script depends on what has run; it contains the checks of the preflight. */
  private void refuseUnreadable() throws SQLException {
    @Nullable Record grant =
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
   * Rolls back what {@link #update} did, in the opposite order; with the root or the engine, the
   * opt-in changelogs too. Of a service, the views are removed and the rest stays; this library is
   * removed with them if the service's changelog includes it, or the engine is named, unless others
   * have views too.
   */
  public void rollback() throws Exception {
    rollingBack(
        rollback -> {
          if (rollback.run().has("deploy") || sources.service() != null) {
            rollback.refuseHalf();
          }
          if (!rollback.library() && rollback.run().has("deploy")) {
            progress.accept(
                "wip-views stays: other changelogs have "
                    + String.join(", ", rollback.objects().otherViews()));
          }
          rollback.start();
        });
  }

  /**
   * What a rollback removes.
   *
   * @param objects the objects
   * @param refusal why it would be refused; empty if it would not
   */
  public record Leaving(List<DeployedObjects.DeployedObject> objects, Optional<Refusal> refusal) {}

  /** Finds what {@link #rollback} would remove. */
  public Leaving leaving() throws Exception {
    if (sources.service() == null) {
      DeployedObjects all = DeployedObjects.ofThisJar(target);
      return new Leaving(all.read(), all.whyNotRolledBack());
    }
    List<Leaving> leaving = new ArrayList<>();
    rollingBack(
        rollback ->
            leaving.add(
                new Leaving(rollback.objects().read(), rollback.objects().whyNotRolledBack())));
    return leaving.get(0);
  }

  private void rollingBack(RollbackWork work) throws Exception {
    boolean part = sources.service() == null ? sources.hasPart() : sources.hasEngineAlone();
    Sources going = part || sources.service() == null ? sources : sources.withoutPart();
    run(
        part || sources.service() != null ? going.withOptIns() : going,
        run -> work.on(Rollback.of(run)));
  }

  private interface RollbackWork {
    void on(Rollback rollback) throws Exception;
  }

  private void run(Sources read, LiquibaseRun.Work work) throws Exception {
    run(() -> LiquibaseRun.on(target, read, progress, work));
  }

  @SuppressWarnings("try") // the turn is only held
  private void run(Step work) throws Exception {
    refuseUnquotable(target.schema());
    IN_THIS_JVM.lockInterruptibly();
    try (DeployLock turn = new DeployLock(target)) {
      cancellable(
          () -> {
            turn.await();
            work.run();
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
    @Nullable PGConnection server =
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

  private static void cancel(@Nullable PGConnection server) {
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
