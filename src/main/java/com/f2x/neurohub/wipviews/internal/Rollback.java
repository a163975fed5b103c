package com.f2x.neurohub.wipviews.internal;

import static java.util.stream.Collectors.joining;

import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import liquibase.Contexts;
import liquibase.LabelExpression;
import liquibase.RuntimeEnvironment;
import liquibase.Scope;
import liquibase.changelog.ChangeLogHistoryServiceFactory;
import liquibase.changelog.ChangeLogIterator;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.filter.AlreadyRanChangeSetFilter;
import liquibase.changelog.filter.ChangeSetFilter;
import liquibase.changelog.filter.ChangeSetFilterResult;
import liquibase.changelog.visitor.RollbackVisitor;
import liquibase.database.Database;
import liquibase.exception.LiquibaseException;
import liquibase.lockservice.LockService;
import liquibase.lockservice.LockServiceFactory;

/**
 * Takes back what a deploy did, what stands last in the changelog first. Liquibase's own command
 * uses the time at which a changeset ran last, so that the functions that an upgrade or a recovery
 * replaced would go before the views that they take away.
 *
 * @param run the changelogs
 * @param entries of a service, its entries of views, which are all of it that goes
 * @param library whether the changesets of this library go
 * @param objects what goes
 */
record Rollback(LiquibaseRun run, List<Entry> entries, boolean library, DeployedObjects objects) {

  /** As many names as a message lists. */
  private static final int LISTED = 3;

  /**
   * What goes with some changelogs. The library stays while another changelog than that of a
   * service has views.
   */
  static Rollback of(LiquibaseRun run) throws SQLException {
    List<Entry> entries =
        Entry.in(run.changelog()).stream()
            .filter(entry -> !Entry.isOurs(entry.changeSet()))
            .toList();
    List<String> views = new ArrayList<>(entries.stream().map(Entry::view).toList());
    boolean ofService = run.sources().service() != null;
    if (run.has("guide")) {
      views.addAll(ChangelogFiles.viewNames());
    }
    DeployedObjects all =
        new DeployedObjects(run.target(), ChangelogFiles.allObjectNames(), List.copyOf(views));
    boolean library = !ofService || run.has("deploy") && all.otherViews().isEmpty();
    return new Rollback(
        run,
        entries,
        library,
        library
            ? all
            : new DeployedObjects(
                run.target(), List.of(), entries.stream().map(Entry::view).toList()));
  }

  private boolean goes(ChangeSet changeSet) {
    return Entry.isOurs(changeSet)
        ? library
        : entries.stream().anyMatch(entry -> entry.changeSet() == changeSet);
  }

  void start() throws Exception {
    LockService lock = LockServiceFactory.getInstance().getLockService(run.database());
    lock.waitForLock();
    // what refuseHalf() has found, the changelog need not look for again
    lookedForOthers();
    try {
      if (objects.names().isEmpty()) {
        forget();
      } else {
        Database database = run.database();
        new ChangeLogIterator(
                run.changelog(),
                new AlreadyRanChangeSetFilter(database.getRanChangeSetList()),
                changeSet -> new ChangeSetFilterResult(goes(changeSet), "", ChangeSetFilter.class))
            .run(
                new RollbackVisitor(database, null),
                new RuntimeEnvironment(database, new Contexts(), new LabelExpression()));
      }
    } finally {
      lock.releaseLock();
      // as its commands end: both keep what they know of a database
      LockServiceFactory.getInstance().resetAll();
      Scope.getCurrentScope().getSingleton(ChangeLogHistoryServiceFactory.class).resetAll();
    }
  }

  private void lookedForOthers() throws SQLException {
    try (Statement statement = run.target().connection().createStatement()) {
      statement.execute(
          "SELECT pg_catalog.set_config('" + DeployLock.ROLLBACK + "', 'checked', false)");
    }
  }

  private void forget() throws LiquibaseException {
    for (ChangeSet changeSet : run.changelog().getChangeSets()) {
      if (goes(changeSet) && hasRun(changeSet)) {
        run.database().removeRanStatus(changeSet);
      }
    }
  }

  /** Before the first object goes: each changeset commits, and one that fails would leave half. */
  void refuseHalf() throws SQLException, LiquibaseException {
    Set<String> there = objects.names();
    refuse(objects.whyNotOurs());
    if (there.isEmpty()) {
      return;
    }
    Target target = run.target();
    Optional<String> newer = library ? Release.newerIn(target) : Optional.empty();
    if (newer.isPresent()) {
      refuse(
          "wip-views " + newer.get() + " is deployed, newer than this " + ChangelogFiles.release(),
          "Roll back with that version.");
    }
    if (library && run.has("deploy") && !run.has("guide") && MissingObjects.hasWipPart(target)) {
      refuse(
          "the WIP part is deployed on the engine",
          "Roll back both: " + target.command("rollback", "--yes"));
    }
    Set<String> missing = new LinkedHashSet<>();
    Set<String> unrecorded = new LinkedHashSet<>();
    // by one of two changesets, where it was made by hand before: the engine's, or the guide's
    Set<String> recorded = new HashSet<>();
    List<String> notThere = library ? MissingObjects.in(target) : List.of();
    for (ChangeSet changeSet : run.changelog().getChangeSets()) {
      if (goes(changeSet)) {
        boolean ran = hasRun(changeSet);
        List<String> made = Entry.made(changeSet);
        recorded.addAll(ran ? made : List.of());
        made.stream()
            .filter(ran ? notThere::contains : there::contains)
            .forEach(ran ? missing::add : unrecorded::add);
        if (ran && !changeSet.supportsRollback(run.database())) {
          refuse(
              "the entry " + changeSet.getId() + " has no rollback",
              "Give it one, SELECT \"${schema}\".wip_view_remove(...), and update first.");
        }
      }
    }
    unrecorded.removeAll(recorded);
    if (!missing.isEmpty()) {
      refuse(
          "what it needs is missing: " + brief(missing),
          "Bring it back, then roll back: " + target.command(update(Set.of())));
    }
    if (!unrecorded.isEmpty()) {
      refuse(
          "Liquibase's log, "
              + run.database().getLiquibaseSchemaName()
              + "."
              + run.database().getDatabaseChangeLogTableName()
              + ", does not know of "
              + brief(unrecorded),
          "Put it on record, then roll back: " + target.command(update(unrecorded)));
    }
    refuse(objects.whyNotRolledBack());
  }

  private boolean hasRun(ChangeSet changeSet) throws LiquibaseException {
    return run.database().getRanChangeSet(changeSet) != null;
  }

  /** The first few of the names, and how many more there are. */
  private static String brief(Set<String> names) {
    return names.stream().limit(LISTED).collect(joining(", "))
        + (names.size() > LISTED ? " and " + (names.size() - LISTED) + " more" : "");
  }

  private static void refuse(String reason, String hint) throws Refusal {
    refuse(Optional.of(new Refusal(reason, Refusal.NOT_IN_PREREQUISITE_STATE, hint)));
  }

  private static void refuse(Optional<Refusal> refusal) throws Refusal {
    if (refusal.isPresent()) {
      Refusal why = refusal.get();
      throw new Refusal("cannot roll back: " + why.getMessage(), why.getSQLState(), why.hint());
    }
  }

  /** The command that deploys objects, those of opt-in changelogs among them. */
  private String[] update(Set<String> objects) throws SQLException {
    ServiceChangelog service = run.sources().service();
    Stream<String> update = Stream.of("update");
    if (service != null) {
      update = Stream.of("update", "--changelog", service.path());
    } else if (run.has("deploy") && !MissingObjects.hasWipPart(run.target())) {
      update = Stream.of("update", "--only", "engine");
    }
    return Stream.concat(
            update,
            ChangelogFiles.optInsThatMake(objects).stream()
                .flatMap(name -> Stream.of("--with", name)))
        .toArray(String[]::new);
  }
}
