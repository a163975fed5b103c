package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

class DoctorCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String READER = "reader_of_" + database.name();

  private final Cli cli = Cli.on(database);

  @BeforeAll
  static void a_reader() throws SQLException {
    database.execute("CREATE ROLE " + READER + " LOGIN PASSWORD 'secret'");
    WipViewsMigration.of(database.dataSource()).withParameter("readerRole", READER).update();
  }

  @AfterAll
  static void drop_the_reader() throws SQLException {
    database.execute("DROP OWNED BY " + READER, "DROP ROLE " + READER);
  }

  private Cli asReader() {
    return cli.with("WIP_VIEWS_USERNAME", READER).with("WIP_VIEWS_PASSWORD", "secret");
  }

  /** A fault of each kind that is mended without a second thought, and one that is not. */
  private void manyFaults() throws Exception {
    database.execute(
        "REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA",
        // as if somebody had changed the view's query
        "UPDATE wip_view SET definition = replace(definition, 'IN_PROGRESS', 'STARTED')"
            + " WHERE view_name = 'mv_wip_status_dashboard'",
        "DROP INDEX IF EXISTS idx_wip_process_history_completed_at,"
            + " wip_views_wip_process_history_completed_at_idx",
        "ALTER TABLE lots SET (autovacuum_enabled = false)",
        "INSERT INTO lots (lot_number, product_model_id, production_date)"
            + " SELECT 'L' || i, 1, current_date FROM generate_series(1, 60) AS i",
        "REVOKE SELECT ON wip_view_freshness FROM " + READER);
    Await.until(
        "the statistics have arrived", this::diagnosis, found -> found.get("findings").size() == 5);
  }

  private JsonNode diagnosis() {
    return cli.run("doctor", "--format", "json").json();
  }

  @Test
  void all_is_well_exits_0_and_shows_the_sizes_of_views_and_tables() {
    Cli.Result result = cli.run("doctor");

    assertThat(result.exitCode()).as(result.out()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.outLines())
        .startsWith("All is well.", "")
        .anyMatch(line -> line.matches("TABLE OR VIEW +ROWS +DEAD +SIZE"))
        .anyMatch(line -> line.matches("processes +\\d+ +\\d+ +\\d+ kB"))
        .anyMatch(line -> line.startsWith("mv_wip_status_dashboard "));
  }

  @Thorough
  @Test
  void findings_exit_3_and_fix_applies_the_safe_remedies() throws Exception {
    manyFaults();
    Map<String, String> before = CatalogSnapshot.of(database);

    Cli.Result found = cli.run("doctor");

    assertThat(found.exitCode()).isEqualTo(3);
    assertThat(found.errLines()).containsExactly("wip-views: 5 problems.");
    assertThat(found.outLines())
        .contains(
            "✗ view-state  (--fix mends it)",
            "  mv_process_wip_queue: the view is not populated",
            "    SELECT * FROM public.refresh_wip_view('mv_process_wip_queue');",
            "✗ drift",
            "    wip-views recreate mv_wip_status_dashboard",
            "    ANALYZE public.lots;",
            "    GRANT SELECT ON TABLE public.wip_view_freshness TO " + READER + ";")
        .allMatch(line -> line.startsWith("    ") || line.length() <= 80);
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database)))
        .as("without --fix nothing is changed")
        .isEmpty();

    Cli.Result fixed = cli.run("doctor", "--fix");

    assertThat(fixed.exitCode()).isEqualTo(3);
    assertThat(fixed.errLines()).containsExactly("wip-views: 1 problem.");
    assertThat(fixed.out().substring(fixed.out().indexOf("Looking again")))
        .contains("✗ drift", "wip-views recreate mv_wip_status_dashboard")
        .doesNotContain("view-state", "mes-index", "never-analyzed", "✗ rights");
    assertThat(fixed.outLines().indexOf("Applying what is safe"))
        .isLessThan(fixed.outLines().lastIndexOf("    ANALYZE public.lots;"));

    assertThat(cli.run("recreate", "mv_wip_status_dashboard").exitCode()).isZero();
    assertThat(cli.run("doctor").exitCode()).isZero();
  }

  @Test
  void fix_with_nothing_to_mend_is_like_without() {
    Cli.Result result = cli.run("doctor", "--fix");

    assertThat(result.outLines()).startsWith("All is well.", "");
    assertThat(result.exitCode()).isZero();
  }

  @Thorough
  @Test
  void fix_by_a_role_that_may_not_says_so_of_each_statement() throws Exception {
    database.execute(
        "DROP INDEX IF EXISTS idx_wip_process_history_completed_at,"
            + " wip_views_wip_process_history_completed_at_idx");

    Cli.Result result = asReader().run("doctor", "--fix");

    assertThat(result.exitCode()).isEqualTo(3);
    assertThat(result.out()).contains("failed: must be owner of table wip_process_history");
    assertThat(result.errLines()).containsExactly("wip-views: 1 problem.");
    assertThat(cli.run("doctor", "--fix").exitCode()).isZero();
  }

  @Thorough
  @Test
  void json_has_every_property_always() throws Exception {
    JsonNode healthy = diagnosis();
    assertThat(healthy.propertyNames()).containsExactly("healthy", "findings", "applied", "sizes");
    assertThat(healthy.get("healthy").asBoolean()).isTrue();
    assertThat(healthy.get("findings").size()).isZero();
    assertThat(healthy.get("applied").size()).isZero();
    assertThat(healthy.get("sizes").get(0).propertyNames())
        .containsExactly("name", "rows", "dead_rows", "bytes");

    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");
    Cli.Result sick = cli.run("doctor", "--format", "json");
    assertThat(sick.exitCode()).isEqualTo(3);
    assertThat(sick.json().get("healthy").asBoolean()).isFalse();
    JsonNode finding = sick.json().get("findings").get(0);
    assertThat(finding.propertyNames())
        .containsExactly("check", "severity", "subject", "what", "why", "remedy", "safe");
    assertThat(finding.get("check").asString()).isEqualTo("view-state");
    assertThat(finding.get("severity").asString()).isEqualTo("problem");
    assertThat(finding.get("safe").asBoolean()).isTrue();

    Cli.Result fixed = cli.run("doctor", "--fix", "--format", "json");
    assertThat(fixed.exitCode()).isZero();
    assertThat(fixed.json().get("healthy").asBoolean()).isTrue();
    assertThat(fixed.json().get("applied").get(0).propertyNames())
        .containsExactly("statement", "error");
    assertThat(fixed.json().get("applied").get(0).get("error").isNull()).isTrue();
  }

  @Thorough
  @Test
  void what_could_not_be_looked_at_exits_1_and_is_said() throws Exception {
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      holder.setAutoCommit(false);
      lock.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue");

      Cli.Result result = cli.run("doctor");

      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.errLines()).containsExactly("wip-views: 1 check could not look.");
      assertThat(result.outLines())
          .contains("? drift", "    wip-views blockers")
          .anyMatch(line -> line.matches("mv_process_wip_queue .* locked"));
      assertThat(diagnosis().get("findings").get(0).get("severity").asString())
          .isEqualTo("unknown");
      holder.rollback();
    }
  }

  @Test
  void a_schema_with_nothing_deployed_is_one_line() {
    Cli.Result result = cli.run("doctor", "--schema", "pg_catalog");

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.errLines())
        .singleElement()
        .asString()
        .contains("not deployed in this schema", "wip-views update");
  }

  @Test
  void blockers_are_shown_with_what_ends_it() throws Exception {
    assertThat(cli.run("blockers").outLines()).containsExactly("No session waits for another.");
    try (Connection blocker = database.connect();
        Connection waiter = database.connect();
        Statement lock = blocker.createStatement();
        Statement wait = waiter.createStatement()) {
      lock.execute("SET application_name = 'nightly report'");
      blocker.setAutoCommit(false);
      lock.execute("LOCK TABLE lots");
      Future<?> waits = waitForLots(wait);

      Cli.Result result = cli.run("blockers");

      assertThat(result.exitCode()).isZero();
      assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
      assertThat(result.outLines())
          .anyMatch(line -> line.matches(" *PID +WAITS +FOR +ON +HELD BY +WHICH IS"))
          .anyMatch(line -> line.matches("\\d+ .* public.lots +\\d+ +idle in transaction"));
      assertThat(result.out())
          .contains(
              ": SELECT count(*) FROM lots",
              database.user() + ", nightly report: LOCK TABLE lots, in a transaction of ",
              "end it: SELECT pg_terminate_backend(")
          .doesNotContain("This is not all");
      JsonNode json = cli.run("blockers", "--format", "json").json().get(0);
      assertThat(json.propertyNames())
          .containsExactlyElementsOf(
              database
                  .rows(
                      "SELECT attname FROM pg_attribute WHERE attrelid ="
                          + " 'wip_view_blockers'::regclass AND attnum > 0 ORDER BY attnum")
                  .stream()
                  .map(row -> row.get(0))
                  .toList());

      Cli.Result toReader = asReader().run("blockers");
      assertThat(toReader.out())
          .contains("hidden", "This is not all", "pg_read_all_stats")
          .doesNotContain("count(*)");

      database.execute(json.get("remedy").asString());
      Await.end(waits);
    }
  }

  @Thorough
  @Test
  void a_prepared_transaction_that_blocks_is_shown_by_its_name() throws Exception {
    assumeThat(database.value("SHOW max_prepared_transactions"))
        .as("the server's max_prepared_transactions, without which there are none")
        .isNotEqualTo("0");
    String gid = "left behind in " + database.name();
    try (Connection leaves = database.connect();
        Statement statement = leaves.createStatement()) {
      leaves.setAutoCommit(false);
      statement.execute("LOCK TABLE lots");
      statement.execute("PREPARE TRANSACTION '" + gid + "'");
      leaves.commit();
    }
    try (Connection waiter = database.connect();
        Statement wait = waiter.createStatement()) {
      Future<?> waits;
      try {
        waits = waitForLots(wait);

        assertThat(cli.run("blockers").out())
            .containsPattern("public.lots +- +prepared")
            .contains("ROLLBACK PREPARED");
        JsonNode blocker = cli.run("blockers", "--format", "json").json().get(0);
        assertThat(blocker.get("pid").asInt()).isZero();
        assertThat(database.rows(blocker.get("remedy").asString()))
            .extracting(row -> row.get(2))
            .containsExactly("ROLLBACK PREPARED '" + gid + "';");
      } finally {
        database.execute("ROLLBACK PREPARED '" + gid + "'");
      }
      Await.end(waits);
      assertThat(cli.run("blockers").outLines()).containsExactly("No session waits for another.");
    }
  }

  private Future<?> waitForLots(Statement statement) throws Exception {
    Future<?> waits = Background.call(() -> statement.execute("SELECT count(*) FROM lots"));
    Await.until(
        "somebody waits",
        () -> cli.run("blockers", "--format", "json").json(),
        blockers -> !blockers.isEmpty());
    return waits;
  }
}
