package com.f2x.neurohub.wipviews.internal;

import java.util.List;
import liquibase.Scope;
import liquibase.change.core.RawSQLChange;
import liquibase.changelog.ChangeLogParameters;
import liquibase.changelog.ChangeSet;
import liquibase.parser.ChangeLogParserFactory;
import liquibase.precondition.core.SqlPrecondition;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.resource.ResourceAccessor;

/**
 * An index of the MES that the views read by, which the changelog builds where there is none that
 * will do. What will do is in the precondition of its changeset, and nowhere else.
 *
 * @param columns its table and columns, as {@code wip_items (lot_id)}
 * @param query the precondition of its changeset: one value
 * @param wantedWhen the value with which there is none that will do
 * @param build the statements that build it, each with its semicolon; not in a transaction
 */
public record SupportingIndex(String columns, String query, String wantedWhen, List<String> build) {

  /**
   * Reads them from the changelog.
   *
   * @param schema the schema of the MES
   */
  public static List<SupportingIndex> all(String schema) {
    String file = ChangelogFiles.FOLDER + ChangelogFiles.MES_INDEXES;
    ResourceAccessor jar = new ClassLoaderResourceAccessor(SupportingIndex.class.getClassLoader());
    ChangeLogParameters parameters = new ChangeLogParameters();
    parameters.set("schema", schema);
    try {
      return Scope.child(
          LiquibaseRun.scope(),
          () ->
              ChangeLogParserFactory.getInstance()
                  .getParser(file, jar)
                  .parse(file, parameters, jar)
                  .getChangeSets()
                  .stream()
                  .map(SupportingIndex::of)
                  .toList());
    } catch (Exception e) {
      throw new IllegalStateException("the jar has no changelog of indexes that can be read", e);
    }
  }

  private static SupportingIndex of(ChangeSet changeSet) {
    SqlPrecondition precondition =
        (SqlPrecondition) changeSet.getPreconditions().getNestedPreconditions().get(0);
    return new SupportingIndex(
        changeSet.getId(),
        precondition.getSql(),
        precondition.getExpectedResult(),
        changeSet.getChanges().stream()
            .map(change -> ((RawSQLChange) change).getSql() + ";")
            .toList());
  }
}
