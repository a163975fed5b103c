package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jooq.DSLContext;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** {@code SELECT * FROM wip_view_findings()}, by whoever has no Java at hand. */
class FindingsTest extends DiagnosedDatabase {

  private static final String CHECK =
      "CREATE FUNCTION wip_view_find_%s() RETURNS TABLE (priority integer, subject text, what text,"
          + " why text, remedy text[], safe boolean) LANGUAGE sql STABLE AS $$ %s $$";

  @Thorough
  @Test
  void sql_says_what_java_says_to_a_reader_too() throws Exception {
    database.execute(
        "DROP INDEX mv_process_wip_queue_process_id_idx",
        "REFRESH MATERIALIZED VIEW mv_wip_status_dashboard WITH NO DATA");

    List<Finding> found = views.diagnose();

    assertThat(found).hasSize(2);
    assertThat(findings(database.connect())).isEqualTo(found);
    assertThat(findings(database.dataSource(READER, "secret").getConnection())).isEqualTo(found);
    database.execute("SELECT refresh_wip_view('mv_wip_status_dashboard')");
    views.recreate(MV_PROCESS_WIP_QUEUE);
  }

  @Test
  void it_is_read_in_a_transaction_that_may_only_read() throws Exception {
    try (Connection connection = database.connect()) {
      connection.setReadOnly(true);
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      connection.setAutoCommit(false);

      assertThat(DSL.using(connection).fetch("SELECT * FROM wip_view_findings()")).isEmpty();
      assertThat(DSL.using(connection).fetch("SELECT * FROM wip_view_sizes()")).hasSize(6);
    }
  }

  @Thorough
  @Test
  void a_check_of_a_service_is_a_function_and_nothing_else() throws Exception {
    database.execute(
        CHECK.formatted(
            "night_shift",
            "SELECT 1, 'hall', 'the lights are on', 'They cost.',"
                + " ARRAY['DROP FUNCTION wip_view_find_night_shift();'], true"));
    WipViewsMigration.of(database.dataSource()).update();

    Finding found = theOne("night-shift", "hall", "the lights are on");

    assertThat(asReader().diagnose()).containsExactly(found);
    assertThat(found.safe()).isTrue();
    apply(found);
  }

  @Test
  void a_check_that_fails_keeps_no_other_from_looking() throws Exception {
    database.execute(
        CHECK.formatted("nothing", "SELECT 1 / 0, '', '', '', '{}'::text[], true"),
        "REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    assertThat(views.diagnose())
        .extracting(Finding::check, Finding::severity, Finding::what)
        .containsExactly(
            tuple("view-state", Severity.PROBLEM, "the view is not populated"),
            tuple("nothing", Severity.UNKNOWN, "could not look: division by zero (22012)"));
    database.execute(
        "DROP FUNCTION wip_view_find_nothing()", "SELECT refresh_wip_view('mv_process_wip_queue')");
  }

  @Test
  void a_check_that_another_role_put_there_is_not_run() throws Exception {
    database.execute(
        CHECK.formatted("planted", "SELECT 1, '', '', '', '{}'::text[], true"),
        "ALTER FUNCTION wip_view_find_planted() OWNER TO " + READER);

    assertThat(views.diagnose())
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.check()).isEqualTo("planted");
              assertThat(finding.severity()).isEqualTo(Severity.UNKNOWN);
              assertThat(finding.what()).contains("wip_view_find_planted() belongs to " + READER);
            });
    database.execute("DROP FUNCTION wip_view_find_planted()");
  }

  @Thorough
  @Test
  void a_command_names_the_schema_that_the_caller_would_not_find() throws Exception {
    database.execute("DROP INDEX mv_process_wip_queue_process_id_idx");

    try (Connection connection = database.connect()) {
      DSLContext db = DSL.using(connection);
      String remedy = "SELECT remedy[1] FROM public.wip_view_findings()";

      assertThat(db.fetchValue(remedy)).isEqualTo("wip-views recreate mv_process_wip_queue");
      db.execute("SET search_path = pg_temp");
      assertThat(db.fetchValue(remedy))
          .isEqualTo("wip-views recreate mv_process_wip_queue --schema public");
    }
    views.recreate(MV_PROCESS_WIP_QUEUE);
  }

  @Test
  @SuppressWarnings("unchecked")
  void the_indexes_that_it_misses_are_those_that_a_deploy_builds() throws Exception {
    TestDatabase bare = TestDatabase.deployed().create();
    try {
      bare.execute(
          "DROP INDEX idx_wip_items_lot_id, idx_wip_items_status, idx_wip_items_lot_status_process,"
              + " idx_wip_process_history_completed_at, idx_wip_process_history_wip_item_id",
          "ALTER TABLE wip_items DROP CONSTRAINT wip_items_lot_id_sequence_in_lot_key");
      Map<String, Object> changelog =
          new Yaml()
              .load(
                  new String(
                      Doctor.class
                          .getResourceAsStream("../../changelog/mes-indexes.changelog.yaml")
                          .readAllBytes(),
                      StandardCharsets.UTF_8));
      List<List<String>> built = new ArrayList<>();
      for (Map<String, Object> entry :
          (List<Map<String, Object>>) changelog.get("databaseChangeLog")) {
        if (entry.get("changeSet") instanceof Map<?, ?> changeSet) {
          List<String> statements = new ArrayList<>();
          statements.add(changeSet.get("id").toString());
          ((List<Map<String, Map<String, String>>>) changeSet.get("changes"))
              .forEach(
                  change ->
                      statements.add(
                          change.get("sql").get("sql").replace("\"${schema}\"", "public") + ";"));
          built.add(statements);
        }
      }

      assertThat(bare.rows("SELECT subject, remedy[1], remedy[2] FROM wip_view_find_mes_index()"))
          .containsExactlyInAnyOrderElementsOf(built)
          .hasSize(4);

      for (List<String> index : built) {
        bare.execute(index.get(1), index.get(2));
      }
      assertThat(bare.rows("SELECT subject FROM wip_view_find_mes_index()")).isEmpty();
    } finally {
      bare.drop();
    }
  }

  private static List<Finding> findings(Connection connection) throws SQLException {
    try (connection) {
      return DSL.using(connection)
          .fetch(
              "SELECT check_name, upper(severity), subject, what, why, remedy, safe"
                  + " FROM wip_view_findings()")
          .map(
              row ->
                  new Finding(
                      row.get(0, String.class),
                      Severity.valueOf(row.get(1, String.class)),
                      row.get(2, String.class),
                      row.get(3, String.class),
                      row.get(4, String.class),
                      List.of(row.get(5, String[].class)),
                      row.get(6, Boolean.class)));
    }
  }
}
