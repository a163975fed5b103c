package com.f2x.neurohub.wipviews.migration;

import com.f2x.neurohub.wipviews.internal.Column;
import java.util.List;
import org.jooq.Record;

/**
 * What else uses columns of a table that views read: while the views are frozen, PostgreSQL refuses
 * to retype or drop these columns on its account.
 *
 * @param object what it is and its name, as PostgreSQL says it: a view, rule, policy, trigger,
 *     computed column, or function with a body of SQL
 * @param table the table
 * @param columns the columns of the table that it uses
 */
public record ColumnUser(String object, @Column("table_name") String table, List<String> columns) {

  static ColumnUser of(Record row) {
    return new ColumnUser(
        row.get(0, String.class), row.get(1, String.class), List.of(row.get(2, String[].class)));
  }
}
