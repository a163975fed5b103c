package com.f2x.neurohub.wipviews.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.ChangeSet.ExecType;
import liquibase.changelog.ChangeSet.RunStatus;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.RanChangeSet;
import liquibase.changelog.visitor.AbstractChangeExecListener;
import liquibase.database.Database;
import liquibase.exception.LiquibaseException;
import liquibase.exception.UnexpectedLiquibaseException;

/**
 * Which changesets of a deploy did something new: those that are new, that changed, or that made
 * again what was gone. What runs on every deploy is no news by itself.
 */
final class Changes extends AbstractChangeExecListener {

  /** They read otherwise whenever other parameters are given; what they did is in the settings. */
  private static final Set<String> SETTINGS = Set.of("settings", "thresholds");

  private final Set<String> again;
  private final List<String> names = new ArrayList<>();
  private boolean news;

  /**
   * @param again changesets that run as in a recovery, as Liquibase spells them
   */
  Changes(Set<String> again) {
    this.again = again;
  }

  /** Returns their ids, in the order in which they ran. */
  List<String> names() {
    return names;
  }

  @Override
  public void willRun(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, RunStatus status) {
    news =
        status == RunStatus.NOT_RAN
            || !changeSet.isAlwaysRun()
            || again.contains(changeSet.toString(false))
            || !SETTINGS.contains(changeSet.getId()) && hasChanged(changeSet, database);
  }

  @Override
  public void ran(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, ExecType execType) {
    if (news && execType != ExecType.MARK_RAN) {
      names.add(changeSet.getId());
    }
  }

  private static boolean hasChanged(ChangeSet changeSet, Database database) {
    try {
      RanChangeSet ran = database.getRanChangeSet(changeSet);
      return ran.getLastCheckSum() == null || !changeSet.isCheckSumValid(ran.getLastCheckSum());
    } catch (LiquibaseException e) {
      throw new UnexpectedLiquibaseException(e);
    }
  }
}
