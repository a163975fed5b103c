package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;

import com.f2x.neurohub.wipviews.internal.SqlError;
import com.f2x.neurohub.wipviews.internal.doctor.Site.ReadTable;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;

/** How large the views are, and the tables that they read. */
public final class Sizes {

  /**
   * The size of a relation.
   *
   * @param name its name
   * @param rows about how many rows it has
   * @param deadRows about how many rows of it are dead
   * @param bytes on disk, with its indexes; null if somebody has locked it
   */
  public record Size(String name, long rows, long deadRows, Long bytes) {}

  private Sizes() {}

  static List<Size> read(Doctor doctor) throws SQLException {
    Set<Long> relations = new LinkedHashSet<>(doctor.look(Sizes::views));
    doctor
        .look(site -> site.tables().stream().map(ReadTable::oid).toList())
        .forEach(relations::add);
    List<Size> sizes = new ArrayList<>();
    for (Long relation : relations) {
      Size rows = doctor.look(site -> rows(site, relation));
      if (rows != null) {
        sizes.add(new Size(rows.name(), rows.rows(), rows.deadRows(), bytes(doctor, relation)));
      }
    }
    sizes.sort(Comparator.comparingLong(Size::rows).reversed());
    return List.copyOf(sizes);
  }

  private static List<Long> views(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT c.oid::bigint
            FROM {0} AS v
            JOIN pg_class AS c ON c.relname = v.view_name AND c.relkind = 'm'
            JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
            ORDER BY v.refresh_order, v.view_name
            """,
            WIP_VIEW, DSL.val(site.schema()))
        .fetch(row -> row.get(0, Long.class));
  }

  /** From the statistics, as the guide's query; what was loaded before they began, as analyzed. */
  private static Size rows(Site site, long relation) {
    return site.db()
        .resultQuery(
            """
            SELECT
              c.relname::text,
              greatest(pg_stat_get_live_tuples(c.oid), c.reltuples::bigint, 0),
              pg_stat_get_dead_tuples(c.oid)
            FROM pg_class AS c
            WHERE c.oid::bigint = {0}
            """,
            DSL.val(relation))
        .fetchOne(
            row ->
                new Size(
                    row.get(0, String.class),
                    row.get(1, Long.class),
                    row.get(2, Long.class),
                    null));
  }

  /** Asked one by one: it waits for whoever has locked the relation, and the others are not. */
  private static Long bytes(Doctor doctor, long relation) throws SQLException {
    try {
      return doctor.look(
          site ->
              site.db()
                  .fetchSingle("SELECT pg_total_relation_size(?::bigint::oid)", relation)
                  .get(0, Long.class));
    } catch (DataAccessException e) {
      SqlError error = SqlError.in(e);
      if (error != null && "55P03".equals(error.sqlState())) {
        return null;
      }
      throw e;
    }
  }
}
