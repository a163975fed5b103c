package com.f2x.neurohub.wipviews.internal;

import static java.util.stream.Collectors.joining;

import java.sql.SQLException;
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
import liquibase.changelog.visitor.RollbackVisitor;
import liquibase.database.Database;
import liquibase.exception.LiquibaseException;
import liquibase.lockservice.LockService;
import liquibase.lockservice.LockServiceFactory;

/**
 * Takes back what a deploy did, what stands last in the changelog first. Liquibase's own command
 * goes by when a changeset ran last, so that the functions that an upgrade or a recovery replaced
 * would go before the views that they take away.
 */
record Rollback(Target target, LiquibaseRun run) {

  /** As many names as a message lists. */
  private static final int LISTED = 3;

  void start() throws Exception {
    LockService lock = LockServiceFactory.getInstance().getLockService(run.database());
    lock.waitForLock();
    try {
      if (DeployedObjects.names(target).isEmpty()) {
        forget();
      } else {
        Database database = run.database();
        new ChangeLogIterator(
                run.changelog(), new AlreadyRanChangeSetFilter(database.getRanChangeSetList()))
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

  private void forget() throws LiquibaseException {
    for (ChangeSet changeSet : run.changelog().getChangeSets()) {
      if (hasRun(changeSet)) {
        run.database().removeRanStatus(changeSet);
      }
    }
  }

  /** Before the first object goes: each changeset commits, and one that fails would leave half. */
  void refuseHalf() throws SQLException, LiquibaseException {
    Set<String> there = DeployedObjects.names(target);
    refuse(DeployedObjects.whyNotOurs(target));
    if (there.isEmpty()) {
      return;
    }
    Set<String> missing = new LinkedHashSet<>();
    Set<String> unrecorded = new LinkedHashSet<>();
    List<String> notThere = MissingObjects.in(target);
    for (ChangeSet changeSet : run.changelog().getChangeSets()) {
      boolean ran = hasRun(changeSet);
      ChangelogFiles.made(changeSet)
          .filter(ran ? notThere::contains : there::contains)
          .forEach(ran ? missing::add : unrecorded::add);
    }
    if (!missing.isEmpty()) {
      refuse(
          "what it needs is missing: " + brief(missing),
          "Bring it back, then roll back: " + target.command("update"));
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
    refuse(DeployedObjects.whyNotRolledBack(target));
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
  private static String[] update(Set<String> objects) {
    return Stream.concat(
            Stream.of("update"),
            ChangelogFiles.optInsThatMake(objects).stream()
                .flatMap(name -> Stream.of("--with", name)))
        .toArray(String[]::new);
  }
}
