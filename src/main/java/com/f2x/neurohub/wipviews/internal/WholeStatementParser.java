package com.f2x.neurohub.wipviews.internal;

import java.util.stream.Stream;
import liquibase.change.AbstractSQLChange;
import liquibase.change.Change;
import liquibase.change.core.RawSQLChange;
import liquibase.changelog.ChangeSet;
import liquibase.util.StandardSqlParser;
import liquibase.util.StringClauses;

/**
 * Leaves a changeset's SQL in one piece where none of it is to be split or stripped. Liquibase
 * parses every text twice and puts it together as it was, which was half of what a deploy did in
 * Java. All other SQL, of this and any other changelog, is parsed by Liquibase.
 *
 * <p>Found by Liquibase as a service, so that it applies to Liquibase's own runners too.
 * Thread-safe.
 */
public final class WholeStatementParser extends StandardSqlParser {

  @Override
  public StringClauses parse(
      String sql, boolean preserveWhitespace, boolean preserveComments, ChangeSet changeSet) {
    if (preserveWhitespace && preserveComments && changeSet != null && isWhole(changeSet)) {
      return new StringClauses("").append("statement", sql);
    }
    return super.parse(sql, preserveWhitespace, preserveComments, changeSet);
  }

  @Override
  public int getPriority() {
    return super.getPriority() + 1;
  }

  private static boolean isWhole(ChangeSet changeSet) {
    return Stream.concat(
            changeSet.getChanges().stream(), changeSet.getRollback().getChanges().stream())
        .allMatch(WholeStatementParser::isWhole);
  }

  private static boolean isWhole(Change change) {
    return !(change instanceof AbstractSQLChange sql)
        || !sql.isStripComments() && (!sql.isSplitStatements() || isOneLine(sql));
  }

  /** One line without a delimiter is one statement. */
  private static boolean isOneLine(AbstractSQLChange sql) {
    return sql instanceof RawSQLChange
        && sql.getSql() != null
        && sql.getSql().strip().chars().noneMatch(c -> c == ';' || c == '\n');
  }
}
