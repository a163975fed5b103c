package com.f2x.neurohub.wipviews.bench;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What a refresh writes: into the log, which standbys and archives get too, and as dead rows.
 *
 * <p>Side by side with the same rows under five indexes a view, as a dashboard gets them that is
 * searched by lot, date, status, model and rate.
 */
class RewriteBench {

  @RegisterExtension static final Report report = new Report();

  private static final int TURNS = 9;
  private static final int INDEXES = 5;

  private static final List<String> VIEWS =
      List.of("mv_wip_status_dashboard", "mv_process_wip_queue");

  private static final String HAND_MADE =
      """
      CREATE SCHEMA hand_made;
      CREATE MATERIALIZED VIEW hand_made.mv_wip_status_dashboard AS %s;
      CREATE UNIQUE INDEX ON hand_made.mv_wip_status_dashboard (lot_id);
      CREATE INDEX ON hand_made.mv_wip_status_dashboard (production_date DESC, lot_number);
      CREATE INDEX ON hand_made.mv_wip_status_dashboard (lot_status, production_date DESC);
      CREATE INDEX ON hand_made.mv_wip_status_dashboard (product_model_id, production_date DESC);
      CREATE INDEX ON hand_made.mv_wip_status_dashboard (completion_rate_pct DESC) WHERE completion_rate_pct IS NOT NULL;
      CREATE MATERIALIZED VIEW hand_made.mv_process_wip_queue AS %s;
      CREATE UNIQUE INDEX ON hand_made.mv_process_wip_queue (process_id);
      CREATE INDEX ON hand_made.mv_process_wip_queue (process_number);
      CREATE INDEX ON hand_made.mv_process_wip_queue (process_number, completed_last_hour DESC);
      CREATE INDEX ON hand_made.mv_process_wip_queue (wip_count_at_process DESC) WHERE is_bottleneck;
      CREATE INDEX ON hand_made.mv_process_wip_queue (max_wait_time_seconds DESC) WHERE has_stuck_wip;
      """;

  @Test
  void log_and_dead_rows() throws Exception {
    try (Connection connection = BenchServer.get().smaller().getConnection()) {
      Sql sql = new Sql(connection);
      sql.run(HAND_MADE.formatted(definition(sql, VIEWS.get(0)), definition(sql, VIEWS.get(1))));
      Report.atMost(
          0.5,
          "g1",
          "WAL of a refresh of both views, with its record",
          "the same rows under five indexes a view",
          Ratio.of(
              TURNS,
              () -> wal(sql, "SELECT refresh_all_wip_views()"),
              () ->
                  wal(
                      sql,
                      "REFRESH MATERIALIZED VIEW CONCURRENTLY hand_made.mv_wip_status_dashboard;"
                          + "REFRESH MATERIALIZED VIEW CONCURRENTLY"
                          + " hand_made.mv_process_wip_queue")),
          "kB");
      Report.atMost(
          0.5,
          "g2",
          "dead rows of a refresh of both views",
          "the same rows under five indexes a view",
          Ratio.of(3, () -> dead(sql, "public", 0), () -> dead(sql, "hand_made", 0)),
          "rows");
      Report.atMost(
          0.5,
          "g3",
          "the same, with the dead entries in the indexes",
          "the same rows under five indexes a view",
          Ratio.of(3, () -> dead(sql, "public", 1), () -> dead(sql, "hand_made", INDEXES)),
          "rows and entries");
      sql.run("DROP MATERIALIZED VIEW hand_made.mv_wip_status_dashboard");
      sql.run("DROP MATERIALIZED VIEW hand_made.mv_process_wip_queue");
      sql.run("DROP SCHEMA hand_made");
    }
  }

  private static String definition(Sql sql, String view) throws SQLException {
    return sql.value("SELECT rtrim(pg_get_viewdef('" + view + "'::regclass), ';')");
  }

  /** Kilobytes. */
  private static double wal(Sql sql, String refresh) throws Exception {
    String before = sql.value("SELECT pg_current_wal_insert_lsn()");
    sql.run(refresh);
    return Double.parseDouble(
            sql.value(
                "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '" + before + "'::pg_lsn)"))
        / 1000;
  }

  /** What one refresh of both views leaves behind. */
  private static double dead(Sql sql, String schema, int indexes) throws SQLException {
    sql.connection().setAutoCommit(false);
    try {
      long before = deleted(sql, schema);
      for (String view : VIEWS) {
        sql.run("REFRESH MATERIALIZED VIEW CONCURRENTLY " + schema + "." + view);
      }
      long rows = deleted(sql, schema) - before;
      sql.connection().commit();
      return rows * (1.0 + indexes);
    } finally {
      sql.connection().setAutoCommit(true);
    }
  }

  /** Rows that this session has deleted lately: those of earlier transactions may be among them. */
  private static long deleted(Sql sql, String schema) throws SQLException {
    return Long.parseLong(
        sql.value(
            "SELECT coalesce(sum(n_tup_del + n_tup_upd), 0)::bigint FROM pg_stat_xact_all_tables"
                + " WHERE schemaname = '"
                + schema
                + "' AND relname LIKE 'mv\\_%'"));
  }
}
