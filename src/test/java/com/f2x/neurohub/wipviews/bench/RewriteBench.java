package com.f2x.neurohub.wipviews.bench;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What a refresh writes into the log, which standbys and archives get too.
 *
 * <p>Side by side with the same rows under five indexes a view, as a dashboard gets them that is
 * searched by lot, date, status, model and rate.
 */
class RewriteBench {

  @RegisterExtension static final Report report = new Report();

  private static final int TURNS = 9;

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
  void log_of_a_refresh() throws Exception {
    try (Connection connection = BenchServer.get().smaller().getConnection()) {
      Sql sql = new Sql(connection);
      sql.run(HAND_MADE.formatted(definition(sql, VIEWS.get(0)), definition(sql, VIEWS.get(1))));
      Report.atMost(
          0.5,
          "g",
          "WAL of a refresh of both views, with its record",
          "the same rows under five indexes a view",
          Ratio.of(
              TURNS,
              () -> wal(sql, "SELECT refresh_all_wip_views()"),
              () -> wal(sql, refresh("hand_made", VIEWS))),
          "kB");
      List<String> parts = new ArrayList<>();
      for (String view : VIEWS) {
        String relation = "public." + view;
        parts.add(
            "%s: %s rows, %s columns, %s kB of rows: REFRESH alone %s kB; with its request and record %s kB"
                .formatted(
                    view,
                    sql.value("SELECT count(*) FROM " + relation),
                    sql.value(
                        "SELECT relnatts FROM pg_class WHERE oid = '%s'::regclass"
                            .formatted(relation)),
                    sql.value(
                        "SELECT sum(pg_column_size(v)) / 1000 FROM %s AS v".formatted(relation)),
                    Measured.of(TURNS, () -> wal(sql, refresh("public", List.of(view)))),
                    Measured.of(
                        TURNS, () -> wal(sql, "SELECT refresh_wip_view('%s')".formatted(view)))));
      }
      Report.behind("g", "of which", parts);
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

  private static String refresh(String schema, List<String> views) {
    return views.stream()
        .map(view -> "REFRESH MATERIALIZED VIEW CONCURRENTLY %s.%s".formatted(schema, view))
        .collect(Collectors.joining(";"));
  }
}
