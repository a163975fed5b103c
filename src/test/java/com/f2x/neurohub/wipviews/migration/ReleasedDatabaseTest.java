package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A database that 0.1.0 deployed, as pg_dump wrote it, is taken over by this version: with rows, a
 * history, a view of a service, and with what people had made and granted by hand. {@code
 * -Drelease.update=true}, for the release alone, writes the dump again.
 */
@Thorough
class ReleasedDatabaseTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.empty();
  @RegisterExtension static final TestDatabase fresh = TestDatabase.deployed();

  private static final Path DUMP = Path.of("src/test/resources/release/0.1.0/database.sql.gz");

  private static final String[] BY_HAND = {
    "INSERT INTO lots (lot_number, product_model_id, production_date, status)"
        + " VALUES ('L1', 1, '2026-11-27', 'IN_PROGRESS'), ('L2', 1, '2026-11-27', 'CREATED')",
    "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status, current_process_id)"
        + " SELECT 'W' || n, 1, n, 'IN_PROGRESS', 1 FROM generate_series(1, 3) AS n",
    "CREATE VIEW by_hand AS SELECT lot_number, total_wip_count FROM mv_wip_status_dashboard",
    "CREATE MATERIALIZED VIEW by_hand_total AS SELECT sum(total_wip_count) FROM by_hand",
    "CREATE INDEX by_hand_idx ON mv_wip_status_dashboard (lot_number)",
    "GRANT SELECT ON mv_wip_status_dashboard, by_hand, by_hand_total TO pg_monitor",
    "GRANT SELECT (process_id) ON mv_process_wip_queue TO pg_monitor WITH GRANT OPTION",
    "UPDATE wip_view SET freshness_target = '45 minutes' WHERE view_name = 'mv_process_wip_queue'",
    "CREATE TABLE orders (id integer PRIMARY KEY, customer text NOT NULL, amount integer NOT NULL)",
    "INSERT INTO orders VALUES (1, 'ann', 70), (2, 'ann', 50), (3, 'bob', 20)"
  };

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void take_over() throws Exception {
    if (Boolean.getBoolean("release.update")) {
      release();
    }
    try (InputStream dump = new GZIPInputStream(Files.newInputStream(DUMP))) {
      database.execute(new String(dump.readAllBytes(), StandardCharsets.UTF_8));
    }
    WipViewsMigration.of(database.dataSource()).update();
  }

  private static void release() throws Exception {
    TestDatabase released = TestDatabase.deployed().create();
    released.execute(BY_HAND);
    OwnView.ORDERS.promoteIn(released);
    OwnView.CUSTOMERS.promoteIn(released);
    WipViews views = WipViews.of(released.dataSource());
    views.refreshAll();
    released.execute("ALTER MATERIALIZED VIEW mv_orders RENAME TO mv_elsewhere");
    assertThatThrownBy(() -> views.refresh(WipViews.view("mv_orders")))
        .isInstanceOf(RefreshFailedException.class);
    released.execute("ALTER MATERIALIZED VIEW mv_elsewhere RENAME TO mv_orders");
    views.refreshAll();
    write(released);
    released.drop();
  }

  /** Without what is for psql alone. */
  private static void write(TestDatabase released) throws IOException, InterruptedException {
    Process dump = start(released);
    String sql = new String(dump.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(dump.waitFor()).isZero();
    Files.createDirectories(DUMP.getParent());
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(DUMP))) {
      String statements = sql.replaceAll("(?m)^\\\\(un)?restrict .*\n", "");
      out.write(statements.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static Process start(TestDatabase released) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder("pg_dump", "--inserts", "--no-owner")
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(Psql.environment(released));
    return builder.start();
  }

  private static boolean isOfTheService(String object) {
    return object.matches(".*(orders|mv_customers|by_hand).*");
  }

  @Test
  void it_has_all_that_a_new_database_has() throws Exception {
    TestDatabase taken = TestDatabase.copyOf(database).create();
    try {
      if (!taken.value("SHOW server_version").startsWith("14.")) {
        // which a newer server prints otherwise if it has read them from what 14 had printed
        WipViewsMigration.of(taken.dataSource()).recreate(List.of());
      }
      assertThat(CatalogSnapshot.differences(CatalogSnapshot.of(taken), CatalogSnapshot.of(fresh)))
          .filteredOn(object -> !isOfTheService(object))
          // the dump brings the grants of 14
          .filteredOn(object -> !object.equals("schema public"))
          // granted by hand, to be kept
          .containsExactly(
              "column mv_process_wip_queue.process_id", "relation mv_wip_status_dashboard");
    } finally {
      taken.drop();
    }
  }

  @Test
  void what_was_made_and_granted_by_hand_is_kept() throws Exception {
    assertThat(database.value("SELECT count(*) FROM by_hand")).isEqualTo("2");
    assertThat(database.value("SELECT sum FROM by_hand_total")).isEqualTo("3");
    assertThat(database.value("SELECT to_regclass('by_hand_idx')")).isEqualTo("by_hand_idx");
    assertThat(
            database.value(
                "SELECT freshness_target FROM wip_view WHERE view_name = 'mv_process_wip_queue'"))
        .isEqualTo("00:45:00");
    assertThat(
            database.value(
                "SELECT has_table_privilege('pg_monitor', 'mv_wip_status_dashboard', 'SELECT')"
                    + " AND has_table_privilege('pg_monitor', 'by_hand_total', 'SELECT')"
                    + " AND has_column_privilege('pg_monitor', 'mv_process_wip_queue',"
                    + " 'process_id', 'SELECT WITH GRANT OPTION')"))
        .isEqualTo("t");
  }

  @Test
  void the_history_goes_on() throws Exception {
    assertThat(views.history(WipViews.view("mv_orders"), 10))
        .extracting(attempt -> attempt.outcome().name())
        .contains("REFRESHED", "FAILED");

    long before = attempts();
    views.refresh(WipViews.view("mv_orders"));
    assertThat(attempts()).isGreaterThan(before);
  }

  private static long attempts() throws Exception {
    return Long.parseLong(
        database.value("SELECT count(*) FROM wip_view_refresh WHERE view_name = 'mv_orders'"));
  }

  @Test
  void all_views_are_refreshed_and_recreated() throws Exception {
    assertThat(views.refreshAll())
        .extracting(Refresh::view)
        .containsExactlyInAnyOrder(
            "mv_wip_status_dashboard", "mv_process_wip_queue", "mv_orders", "mv_customers");

    WipViewsMigration.of(database.dataSource()).recreate(List.of());

    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
    assertThat(database.value("SELECT sum FROM by_hand_total")).isEqualTo("3");
  }

  @Test
  void it_is_rolled_back() throws Exception {
    TestDatabase other = TestDatabase.copyOf(database).create();
    try {
      other.execute(
          "DROP MATERIALIZED VIEW by_hand_total",
          "DROP VIEW by_hand",
          "SELECT wip_view_remove('mv_customers')",
          "SELECT wip_view_remove('mv_orders')");

      WipViewsMigration.of(other.dataSource()).rollback();

      assertThat(other.objects())
          .filteredOn(object -> object.matches(".*(wip_view|mv_|refresh_).*"))
          .isEmpty();
      assertThat(other.value("SELECT count(*) FROM wip_items")).isEqualTo("3");
    } finally {
      other.drop();
    }
  }
}
