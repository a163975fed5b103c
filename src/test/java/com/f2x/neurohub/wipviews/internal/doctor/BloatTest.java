package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.PGProperty;
import org.postgresql.copy.CopyDual;

/** Rows that refreshes left behind: who keeps them, and the disk that they took. */
@Thorough
class BloatTest {

  private final TestDatabase database = TestDatabase.engine();
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
      statement.execute("SELECT count(*) FROM orders");
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
  void a_prepared_transaction_that_keeps_dead_rows_is_named_too() throws Exception {
    assumeThat(database.value("SHOW max_prepared_transactions"))
        .as("the server's max_prepared_transactions, without which there are none")
        .isNotEqualTo("0");
    register("SELECT id, clock_timestamp() AS at FROM generate_series(1, 1000) AS id");
    String gid = "forgotten-" + database.name();
    database.execute(
        "BEGIN; INSERT INTO orders VALUES (1, 'ann', 70); PREPARE TRANSACTION '" + gid + "'");
    refresh(8);

    Finding found = found("dead-rows");

    assertThat(found.what()).contains("the prepared transaction " + gid + " of ");
    assertThat(found.remedy().get(0)).isEqualTo("ROLLBACK PREPARED '" + gid + "';");
    database.execute(found.remedy().toArray(String[]::new));
    Await.until("they are gone", () -> views.diagnose().isEmpty());
  }

  @Test
  void a_replication_slot_that_keeps_dead_rows_is_named_too() throws Exception {
    register("SELECT id, clock_timestamp() AS at FROM generate_series(1, 1000) AS id");
    String slot = "gone_" + database.name();
    database.execute("SELECT pg_create_physical_replication_slot('" + slot + "', true)");
    try {
      standbyThatReadsAndGoes(slot);
      refresh(8);

      Finding found = found("dead-rows");

      assertThat(found.what()).contains("the replication slot " + slot + " keeps them");
      assertThat(found.remedy().get(0))
          .isEqualTo("SELECT pg_drop_replication_slot('" + slot + "');");
      database.execute(found.remedy().toArray(String[]::new));
      Await.until("they are gone", () -> views.diagnose().isEmpty());
    } finally {
      // it would keep those of every other test
      database.execute(
          "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '"
              + slot
              + "'");
    }
  }

  /** What a standby with hot_standby_feedback tells of its oldest query, by its slot. */
  private void standbyThatReadsAndGoes(String slot) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", database.user());
    properties.setProperty("password", database.password());
    PGProperty.REPLICATION.set(properties, "true");
    PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, "14");
    PGProperty.PREFER_QUERY_MODE.set(properties, "simple");
    long xmin = Long.parseLong(database.value("SELECT txid_current()"));
    try (Connection standby = DriverManager.getConnection(database.url(), properties)) {
      CopyDual stream =
          standby
              .unwrap(PGConnection.class)
              .getCopyAPI()
              .copyDual(
                  "START_REPLICATION SLOT %s PHYSICAL %s"
                      .formatted(slot, database.value("SELECT pg_current_wal_flush_lsn()")));
      byte[] feedback =
          ByteBuffer.allocate(25)
              .put((byte) 'h')
              .putLong(0)
              .putInt((int) xmin)
              .putInt((int) (xmin >> 32))
              .putInt(0)
              .putInt(0)
              .array();
      stream.writeToCopy(feedback, 0, feedback.length);
      stream.flushCopy();
      Await.until(
          "the slot keeps rows",
          () ->
              database.value(
                  "SELECT xmin FROM pg_replication_slots WHERE slot_name = '" + slot + "'"),
          kept -> kept != null);
    }
    Await.until(
        "the standby is gone",
        () ->
            database.value(
                "SELECT active FROM pg_replication_slots WHERE slot_name = '" + slot + "'"),
        "f"::equals);
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
      statement.execute("SELECT count(*) FROM orders");
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
