package com.f2x.neurohub.wipviews.internal;

import static java.util.stream.Collectors.toMap;

import java.io.ByteArrayOutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import liquibase.changelog.ChangeSet;
import liquibase.exception.LiquibaseException;
import org.jspecify.annotations.Nullable;
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
  private final DeployListener listener;

  /**
   * A changelog runner on a connection.
   *
   * @param target a connection of its own, not through a pooler in transaction mode, which is left
   *     open; and the schema to deploy to
   * @param sources the changelogs
   * @param listener told of the changesets and of the promotions
   */
  public Changelog(Target target, Sources sources, DeployListener listener) {
    this.target = target;
    this.sources = sources;
    this.listener = listener;
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
          Preflight.check(run);
          List<Entry> entries = Entry.in(run.changelog());
          Claims.check(target, entries);
          Changes news = new Changes(target, runUndone(run, entries));
          run.update(news, promotions());
          Claims.note(target, entries);
          changes.addAll(news.names());
        });
    return List.copyOf(changes);
  }

  /**
   * Does what {@link #update} would do, in a transaction that is rolled back.
   *
   * @param reading called with the result, in that transaction
   */
  public void plan(Planned reading) throws Exception {
    Sources planned = toDeploy();
    run(
        () -> {
          UncommittedConnection connection = new UncommittedConnection(target.connection());
          DryRun dryRun = new DryRun(target, connection);
          LiquibaseRun.on(
              target,
              connection,
              planned,
              line -> {},
              run -> {
                leaveNewer(run);
                List<Entry> entries = Entry.in(run.changelog());
                try {
                  Claims.check(target, entries);
                  Preflight.check(run);
                } catch (SQLException e) {
                  dryRun.refused(e);
                }
                if (dryRun.failures().isEmpty()) {
                  dryRun.run(run, runUndone(run, entries), entries);
                }
                reading.of(dryRun);
              });
        });
  }

  /** What is read of a plan. */
  @FunctionalInterface
  public interface Planned {
    void of(DryRun dryRun) throws SQLException;
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
      listener.progress().accept(line);
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
          Preflight.check(run);
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
          run.update(promotions());
          new RegistryRecovery(target, listener).recreate(fromRegistry);
          Claims.note(target, entries);
        });
    return List.copyOf(recreated);
  }

  /**
   * Freezes or thaws registered views, or brings back what their last promotions replaced.
   *
   * @param views names of views; none for all
   * @param check called with the known names, before any view is touched
   * @return what was done
   */
  public List<String> onRegistered(
      Collection<String> views, Consumer<Collection<String>> check, RegisteredWork work)
      throws Exception {
    List<String> done = new ArrayList<>();
    run(
        () -> {
          if (!views.isEmpty()) {
            check.accept(DeployedObjects.registeredViews(target));
          }
          done.addAll(work.on(new RegisteredViews(target, listener), views));
        });
    return done;
  }

  /** What is done with registered views. */
  @FunctionalInterface
  public interface RegisteredWork {
    List<String> on(RegisteredViews registered, Collection<String> views) throws Exception;
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
    run(sources.withFiles(List.of(ChangelogFiles.MINIMAL_MES)), LiquibaseRun::update);
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
          LiquibaseLog.refuseUnreadable(target);
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
            listener
                .progress()
                .accept(
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
    run(
        () ->
            LiquibaseRun.on(
                target,
                new BareUrlConnection(target.connection()),
                read,
                listener.progress(),
                work));
  }

  private PromotionListener promotions() {
    return new PromotionListener(listener.promotions());
  }

  @SuppressWarnings("try") // the turn is only held
  private void run(CancellableDeploy.Step work) throws Exception {
    refuseUnquotable(target.schema());
    IN_THIS_JVM.lockInterruptibly();
    try (DeployLock turn = new DeployLock(target)) {
      CancellableDeploy.run(
          target.connection(),
          () -> {
            turn.await();
            work.run();
          });
    } finally {
      IN_THIS_JVM.unlock();
    }
  }
}
