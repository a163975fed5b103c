package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewSizesRecord;
import org.jspecify.annotations.Nullable;

/**
 * How large a view is, or a table that the views read.
 *
 * @param name its name
 * @param rows about how many rows it has, by the server's statistics
 * @param deadRows about how many rows were deleted or replaced and not vacuumed yet
 * @param bytes size on disk with its indexes, in bytes; null if another session has locked it
 */
public record RelationSize(String name, long rows, long deadRows, @Nullable Long bytes) {

  static RelationSize of(WipViewSizesRecord row) {
    return new RelationSize(row.getName(), row.getRows(), row.getDeadRows(), row.getBytes());
  }
}
