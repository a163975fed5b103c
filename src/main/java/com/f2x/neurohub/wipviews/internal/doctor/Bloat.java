package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;

import java.util.List;
import java.util.Locale;
import org.jooq.impl.DSL;

/**
 * A view that takes far more of the disk than its rows need. A vacuum makes the space usable again,
 * and gives none of it back.
 *
 * <p>What the rows need is known from what ANALYZE has found: their number and mean width in the
 * heap, which an index does not exceed. Values that are stored apart are counted by their chunks.
 */
final class Bloat implements Check {

  /** A refresh that rewrites every row leaves as many again; twice that is nothing to mend. */
  private static final int TIMES = 5;

  /** Below this, nobody notices. */
  private static final long WASTED_BYTES = 8L << 20;

  @Override
  public String id() {
    return "bloat";
  }

  @Override
  public List<Fault> look(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT size.view_name, size.rows, size.bytes, pg_size_pretty(size.bytes), pg_size_pretty(need.bytes)
            FROM (
              SELECT
                f.view_name,
                c.oid,
                c.relnamespace::regnamespace::name AS schema,
                c.reltoastrelid AS toast,
                greatest(pg_stat_get_live_tuples(c.oid), c.reltuples::bigint, f.rows, 1) AS rows,
                (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = c.oid) AS indexes,
                coalesce((
                  SELECT o.option_value::integer FROM pg_options_to_table(c.reloptions) AS o WHERE o.option_name = 'fillfactor'), 100)
                  / 100.0 AS filled,
                -- as the last refresh left it: to ask for it now would wait for one that has locked the view
                f.bytes
              FROM {0} AS f
              JOIN pg_class AS c ON c.relname = f.view_name AND c.relkind = 'm'
              JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {1}
            ) AS size
            CROSS JOIN LATERAL (
              -- a row has a header of 24 bytes and a pointer of 4, and is aligned to 8
              SELECT 36 + sum(s.avg_width) AS bytes
              FROM pg_stats AS s
              WHERE s.schemaname = size.schema AND s.tablename = size.view_name
            ) AS row_width
            CROSS JOIN LATERAL (
              SELECT coalesce(sum(
                CASE
                  WHEN chunks.number > 0 THEN least(chunks.number * 2048, chunks.bytes)
                  -- what there is of it is not known
                  ELSE chunks.bytes
                END), 0) AS bytes
              FROM (
                SELECT
                  greatest(pg_stat_get_live_tuples(t.oid), t.reltuples::bigint) AS number,
                  t.relpages * current_setting('block_size')::bigint AS bytes
                FROM pg_class AS t
                WHERE t.oid = size.toast
              ) AS chunks
            ) AS toast
            CROSS JOIN LATERAL (
              SELECT (size.rows * row_width.bytes * (1 + size.indexes) / size.filled)::bigint + toast.bytes AS bytes
            ) AS need
            WHERE size.bytes - need.bytes >= {2} AND size.bytes >= {3} * need.bytes
            ORDER BY size.view_name
            """,
            WIP_VIEW_FRESHNESS, DSL.val(site.schema()), DSL.val(WASTED_BYTES), DSL.val(TIMES))
        .fetch(
            row ->
                Fault.of(
                    this,
                    row.get(0, String.class),
                    String.format(
                        Locale.ROOT,
                        "it takes %s of the disk for %,d rows that need about %s",
                        row.get(3, String.class),
                        row.get(1, Long.class),
                        row.get(4, String.class)),
                    "Reading and refreshing it goes through all of that, and a vacuum gives none of"
                        + " it back. A recreation does, while its readers go on.",
                    site.command("recreate", row.get(0, String.class))));
  }
}
