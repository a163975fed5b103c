package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import liquibase.exception.DatabaseException;
import org.jspecify.annotations.Nullable;

/**
 * A connection on which nothing is committed: all that Liquibase runs stays in one transaction,
 * which its holder rolls back, and what Liquibase rolls back is the step under way.
 */
final class UncommittedConnection extends BareUrlConnection {

  private @Nullable Savepoint step;

  UncommittedConnection(Connection connection) throws SQLException {
    super(connection);
    connection.setAutoCommit(false);
  }

  /** Begins a step, which the next {@link #rollback} undoes, with the locks that it took. */
  void beginStep() throws SQLException {
    if (step != null) {
      getUnderlyingConnection().releaseSavepoint(step);
    }
    step = getUnderlyingConnection().setSavepoint();
  }

  @Override
  public void rollback() throws DatabaseException {
    if (step == null) {
      super.rollback();
    } else {
      rollback(step);
    }
  }

  @Override
  public void commit() {
    // the transaction goes on
  }

  @Override
  public boolean getAutoCommit() {
    return false;
  }

  @Override
  public void setAutoCommit(boolean autoCommit) {
    // nor is a single statement committed
  }
}
