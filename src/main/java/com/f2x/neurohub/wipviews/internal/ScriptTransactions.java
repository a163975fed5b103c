package com.f2x.neurohub.wipviews.internal;

import liquibase.Scope;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.ChangeSet.ExecType;
import liquibase.changelog.ChangeSet.RunStatus;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.visitor.AbstractChangeExecListener;
import liquibase.database.Database;
import liquibase.exception.DatabaseException;
import liquibase.exception.UnexpectedLiquibaseException;
import liquibase.executor.ExecutorService;
import liquibase.statement.core.RawParameterizedSqlStatement;

/**
 * Writes BEGIN and COMMIT around each changeset of a script, as an update has them: all of the
 * changeset is done and on record, or none of it.
 */
final class ScriptTransactions extends AbstractChangeExecListener {

  @Override
  public void willRun(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, RunStatus status) {
    write("BEGIN", changeSet, database);
  }

  @Override
  public void ran(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, ExecType execType) {
    write("COMMIT", changeSet, database);
  }

  private static void write(String sql, ChangeSet changeSet, Database database) {
    if (changeSet.isRunInTransaction()) {
      try {
        Scope.getCurrentScope()
            .getSingleton(ExecutorService.class)
            .getExecutor("jdbc", database)
            .execute(new RawParameterizedSqlStatement(sql));
      } catch (DatabaseException e) {
        throw new UnexpectedLiquibaseException(e);
      }
    }
  }
}
