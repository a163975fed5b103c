package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.QueryPlan;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An MES that has partitioned its history, by the time at which an execution starts. */
@Thorough
class PartitionedHistoryTest {

  private static final String PARTITION =
      """
      ALTER TABLE wip_process_history RENAME TO unpartitioned;
      CREATE TABLE wip_process_history (
        LIKE unpartitioned INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
        PRIMARY KEY (id, started_at),
        FOREIGN KEY (wip_item_id) REFERENCES wip_items (id),
        FOREIGN KEY (process_id) REFERENCES processes (id)
      ) PARTITION BY RANGE (started_at);
      ALTER SEQUENCE wip_process_history_id_seq OWNED BY wip_process_history.id;
      DO $parts$
      DECLARE
        recent CONSTANT timestamptz := date_trunc('day', now()) - interval '30 days';
        early CONSTANT timestamptz := date_trunc('day', now()) - interval '60 days';
      BEGIN
        EXECUTE format('CREATE TABLE history_early PARTITION OF wip_process_history FOR VALUES FROM (MINVALUE) TO (%L)', early);
        EXECUTE format('CREATE TABLE history_middle PARTITION OF wip_process_history FOR VALUES FROM (%L) TO (%L)', early, recent);
        EXECUTE format('CREATE TABLE history_recent PARTITION OF wip_process_history FOR VALUES FROM (%L) TO (MAXVALUE)', recent);
      END
      $parts$;
      INSERT INTO wip_process_history SELECT * FROM unpartitioned;
      DROP TABLE unpartitioned;
      """;

  private static final String INDEXES =
      "CREATE INDEX ON wip_process_history (wip_item_id);"
          + " CREATE INDEX ON wip_process_history (completed_at) WHERE completed_at IS NOT NULL";

  private final TestDatabase database = TestDatabase.mes();
  private Factory factory;

  @BeforeEach
  void an_mes_whose_history_has_three_parts() throws Exception {
    database.create();
    try (Connection connection = database.connect()) {
      factory = Factory.load(connection, new Factory.Size(20, 10), line -> {});
    }
    database.execute(PARTITION);
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  private WipViewsMigration migration() {
    return WipViewsMigration.of(database.dataSource());
  }

  @Test
  void the_views_are_deployed_and_their_figures_are_right() throws Exception {
    database.execute(INDEXES, "ANALYZE");
    migration().update();
    try (Connection connection = database.connect()) {
      factory.produce(connection);
      WipViews.of(database.dataSource()).refreshAll();
      Instant now =
          (Instant)
              ExpectedFigures.rows(
                      connection, "SELECT max(last_refreshed_at) AS at FROM mv_process_wip_queue")
                  .get(0)
                  .get("at");

      assertThat(
              ExpectedFigures.rows(
                  connection,
                  "SELECT * FROM " + MV_PROCESS_WIP_QUEUE.getName() + " ORDER BY process_id"))
          .isEqualTo(ExpectedFigures.of(connection).processQueue(now))
          .anySatisfy(row -> assertThat((Long) row.get("completed_last_hour")).isPositive());
    }
  }

  @Test
  void no_partition_is_read_whole() throws Exception {
    database.execute(INDEXES, "ANALYZE");
    migration().update();

    QueryPlan plan = QueryPlan.of(database, "mv_process_wip_queue");

    assertThat(plan.scans())
        .filteredOn(scan -> scan.startsWith("history_"))
        .hasSize(6)
        .allMatch(scan -> scan.matches(".*Index.* by (completed_at|wip_item_id)"));
  }

  @Test
  void an_index_that_it_lacks_is_asked_for_and_not_built() throws Exception {
    assertThatThrownBy(migration()::update)
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining(
            "missing: an index of the partitioned table public.wip_process_history (CREATE INDEX ON"
                + " public.wip_process_history (wip_item_id)); an index of the partitioned table"
                + " public.wip_process_history (CREATE INDEX ON public.wip_process_history"
                + " (completed_at) WHERE completed_at IS NOT NULL)");

    database.execute(INDEXES);

    assertThatCode(migration()::update).doesNotThrowAnyException();
    assertThat(database.rows("SELECT FROM pg_class WHERE relname LIKE 'wip\\_views\\_%'"))
        .isEmpty();
  }
}
