package com.f2x.neurohub.wipviews.internal;

import java.sql.Connection;
import liquibase.database.jvm.JdbcConnection;

/**
 * A connection whose URL comes without its properties. PostgreSQL's driver lists all of them, and
 * Liquibase looks for passwords in the list, by expressions that take it longer than a deploy with
 * nothing to do.
 */
class BareUrlConnection extends JdbcConnection {

  BareUrlConnection(Connection connection) {
    super(connection);
  }

  @Override
  public String getURL() {
    return super.getURL().replaceFirst("\\?.*", "");
  }
}
