package com.f2x.neurohub.wipviews.internal.doctor;

import com.f2x.neurohub.wipviews.internal.doctor.Site.ReadTable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A table that a view reads, of which the planner knows nothing. When it was analyzed is forgotten
 * with a crash, a failover or pg_stat_reset(); what that found is not, and is in pg_stats for those
 * who may read the table.
 */
final class NeverAnalyzed implements Check {

  /** The server's own autovacuum_analyze_threshold: below it, the planner cannot be far off. */
  private static final long FEW_ROWS = 50;

  @Override
  public String id() {
    return "never-analyzed";
  }

  @Override
  public List<Fault> look(Site site) {
    Map<Long, String> names =
        site.tables().stream()
            .collect(Collectors.toMap(ReadTable::oid, ReadTable::quoted, (one, same) -> one));
    return site.db()
        .resultQuery(
            """
            SELECT c.oid::bigint, c.relname::text, pg_stat_get_live_tuples(c.oid)
            FROM pg_class AS c
            WHERE c.oid::bigint = ANY (?::bigint[])
              AND pg_stat_get_last_analyze_time(c.oid) IS NULL
              AND pg_stat_get_last_autoanalyze_time(c.oid) IS NULL
              AND pg_stat_get_live_tuples(c.oid) > ?::bigint
              AND CASE
                WHEN has_any_column_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
                  THEN NOT EXISTS (
                    SELECT
                    FROM pg_stats AS s
                    WHERE s.schemaname = c.relnamespace::regnamespace::name AND s.tablename = c.relname
                  )
                ELSE c.reltuples < 0
              END
            ORDER BY c.relname
            """,
            names.keySet().toArray(Long[]::new),
            FEW_ROWS)
        .fetch(
            row ->
                Fault.of(
                        this,
                        row.get(1, String.class),
                        "the table was never analyzed, and has about "
                            + String.format(Locale.ROOT, "%,d", row.get(2, Long.class))
                            + " rows",
                        "The planner guesses, and a refresh may read far more than it needs.",
                        "ANALYZE " + names.get(row.get(0, Long.class)) + ";")
                    .thatIsSafe());
  }
}
