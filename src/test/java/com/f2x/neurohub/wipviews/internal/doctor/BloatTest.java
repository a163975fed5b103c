package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows that refreshes left behind: who keeps them, and the disk that they took. */
class BloatTest {

  private final TestDatabase database = TestDatabase.deployed();
  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void a_session_that_keeps_dead_rows_is_named_and_its_end_mends() throws Exception {
    register("SELECT id, clock_timestamp() AS at FROM generate_series(1, 1000) AS id");
    try (Connection holder = database.connect();
        Statement statement = holder.createStatement()) {
      statement.execute("SET application_name = 'a forgotten report'");
      holder.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      statement.execute("SELECT count(*) FROM lots");
      refresh(8);

      Finding found = found("dead-rows");

      assertThat(found.what()).contains("no vacuum can clear", "a forgotten report");
      assertThat(found.safe()).isFalse();
      assertThat(found.remedy()).hasSize(2);
      assertThat(found.remedy().get(0)).startsWith("SELECT pg_terminate_backend(");
      database.execute(found.remedy().toArray(String[]::new));
    }
    Await.until("they are gone", () -> views.diagnose().isEmpty());
  }

  @Test
  void a_view_of_few_rows_that_takes_much_of_the_disk_is_found() throws Exception {
    register(
        "SELECT id, repeat(md5(id::text), 20) AS label, clock_timestamp() AS at"
            + " FROM generate_series(1, 1000) AS id");
    try (Connection holder = database.connect();
        Statement statement = holder.createStatement()) {
      holder.setAutoCommit(false);
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      statement.execute("SELECT count(*) FROM lots");
      refresh(20);
    }
    database.execute("VACUUM (ANALYZE) mv_many");
    refresh(1);
    database.execute("VACUUM (ANALYZE) mv_many");

    Finding found = found("bloat");

    assertThat(found.what()).contains("MB of the disk for 1,000 rows");
    assertThat(found.remedy()).containsExactly("wip-views recreate mv_many");
    WipViewsMigration.of(database.dataSource()).recreate(List.of("mv_many"));
    Await.until("all is well", () -> views.diagnose().isEmpty());
    assertThat(Long.parseLong(database.value("SELECT pg_total_relation_size('mv_many')")))
        .isLessThan(4L << 20);
  }

  @Test
  void wide_rows_and_values_that_are_stored_apart_are_no_bloat() throws Exception {
    register(
        "SELECT id, (SELECT string_agg(md5((id * i)::text), '') FROM generate_series(1, 300) AS i)"
            + " AS label, clock_timestamp() AS at FROM generate_series(1, 2000) AS id");
    database.execute("VACUUM (ANALYZE) mv_many");
    assertThat(Long.parseLong(database.value("SELECT pg_total_relation_size('mv_many')")))
        .isGreaterThan(16L << 20);

    assertThat(views.diagnose()).isEmpty();
  }

  private void refresh(int times) throws SQLException {
    for (int i = 0; i < times; i++) {
      database.execute("SELECT refresh_wip_view('mv_many')");
    }
  }

  private Finding found(String check) throws Exception {
    Await.until(
        check + " is found",
        () -> views.diagnose().stream().anyMatch(finding -> finding.check().equals(check)));
    return views.diagnose().stream()
        .filter(finding -> finding.check().equals(check))
        .findFirst()
        .orElseThrow();
  }

  private void register(String query) throws SQLException {
    database.execute(
        "DO $$ BEGIN PERFORM wip_view_stage('mv_many'); CREATE MATERIALIZED VIEW mv_many"
            + " WITH (autovacuum_enabled = false) AS "
            + query
            + "; CREATE UNIQUE INDEX mv_many_id_idx ON mv_many (id);"
            + " PERFORM wip_view_promote('mv_many', 9, interval '1 hour'); END $$");
  }
}
