package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;

/** What cannot be kept stops a promotion before anything has changed; the message names it all. */
class RefusedPromotionTest {

  private static final ViewFile WITHOUT_CODE =
      ViewFile.QUEUE
          .with("  p.process_code,\n", "")
          .with(
              "COMMENT ON COLUMN mv_process_wip_queue.process_code IS 'Code of the station.';", "");

  private static final ViewFile WITH_CODE_AS_TEXT =
      ViewFile.QUEUE.with("  p.process_code,\n", "  p.process_code::text,\n");

  private final TestDatabase database = TestDatabase.deployed();
  private Connection connection;

  @BeforeEach
  void create() throws SQLException {
    database.create();
    connection = database.connect();
  }

  @AfterEach
  void drop() throws SQLException {
    connection.close();
    database.drop();
  }

  private void refused(ViewFile file, String... messages) throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);
    assertThatThrownBy(() -> file.promote(connection))
        .isInstanceOf(PSQLException.class)
        .hasMessageContainingAll(messages);
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
    assertThat(database.value("SELECT count(*) FROM mv_process_wip_queue")).isEqualTo("6");
  }

  @Test
  void every_dependant_that_reads_a_dropped_column_is_named() throws SQLException {
    database.execute(
        "CREATE SCHEMA reports",
        "CREATE VIEW reports.codes AS SELECT process_code FROM mv_process_wip_queue",
        "CREATE MATERIALIZED VIEW codes AS SELECT process_code FROM mv_process_wip_queue",
        "CREATE VIEW fine AS SELECT process_id FROM mv_process_wip_queue");

    refused(
        WITHOUT_CODE,
        "cannot put the new public.mv_process_wip_queue in place",
        // the server names the column, from 18 on without its relation where there is only one
        "view reports.codes: column",
        "materialized view public.codes: column",
        "process_code",
        "does not exist",
        "Nothing was changed. Change or drop these first, then deploy again.");
  }

  @Test
  void a_table_that_has_a_column_of_the_views_row_type_is_named() throws SQLException {
    database.execute("CREATE TABLE archive (row mv_process_wip_queue)");

    refused(
        ViewFile.QUEUE, "column row of table archive: it cannot be pointed at another relation");
  }

  @Test
  void a_view_whose_name_then_means_another_relation_is_named() throws SQLException {
    database.execute(
        "CREATE SCHEMA reports",
        "CREATE TABLE notes (n integer)",
        "CREATE MATERIALIZED VIEW reports.notes AS SELECT 1 AS n FROM mv_process_wip_queue",
        "CREATE VIEW two_notes AS SELECT q.process_id, n.n AS n, r.n AS rn"
            + " FROM mv_process_wip_queue q, notes n, reports.notes r");

    refused(ViewFile.QUEUE, "view public.two_notes: a name in it means another relation");
  }

  @Test
  void a_plain_view_of_the_same_name_is_not_overwritten() throws SQLException {
    database.execute(
        "DROP MATERIALIZED VIEW mv_process_wip_queue",
        "CREATE VIEW mv_process_wip_queue AS SELECT generate_series(1, 6) AS process_id");

    refused(
        ViewFile.QUEUE,
        "public.mv_process_wip_queue is there already, and is not a materialized view",
        "Rename it, then deploy again");
  }

  @Test
  void a_file_without_a_plain_unique_index_is_refused() throws SQLException {
    refused(
        ViewFile.QUEUE.with("CREATE UNIQUE INDEX", "CREATE INDEX"),
        "gives it no plain unique index");
  }

  @Test
  void a_file_that_creates_another_view_is_refused() throws SQLException {
    refused(
        new ViewFile("mv_process_wip_queue", 2, "SELECT 1"),
        "the file of mv_process_wip_queue did not create it");
  }

  @Test
  void a_file_that_fails_leaves_the_live_view_and_no_staging_schema() throws SQLException {
    refused(ViewFile.QUEUE.with("FROM clock\n", "FROM clokc\n"), "\"clokc\" does not exist");
  }

  @Test
  void a_dependant_whose_column_changes_type_keeps_what_it_had() throws SQLException {
    database.execute(
        "CREATE VIEW codes AS SELECT process_id, process_code FROM mv_process_wip_queue",
        "COMMENT ON VIEW codes IS 'kept'",
        "GRANT SELECT (process_id) ON codes TO PUBLIC",
        "CREATE VIEW over AS SELECT process_id FROM codes");

    WITH_CODE_AS_TEXT.promote(connection);

    assertThat(database.value("SELECT pg_typeof(process_code) FROM codes LIMIT 1"))
        .isEqualTo("text");
    assertThat(CatalogSnapshot.of(database).get("relation codes")).contains("kept");
    assertThat(CatalogSnapshot.of(database).get("column codes.process_id")).contains("{=r/");
    assertThat(database.value("SELECT count(*) FROM over")).isEqualTo("6");
  }

  @Test
  void a_dependant_that_does_not_fit_the_new_type_is_named() throws SQLException {
    database.execute(
        "CREATE VIEW upper AS SELECT process_number % 2 AS odd FROM mv_process_wip_queue");

    refused(
        ViewFile.QUEUE.with("  p.process_number,\n", "  p.process_number::text,\n"),
        "view public.upper: operator does not exist: text % integer");
  }

  @Test
  void removing_a_view_that_others_read_names_them() throws SQLException {
    database.execute("CREATE VIEW over AS SELECT process_id FROM mv_process_wip_queue");

    assertThatThrownBy(() -> database.execute("SELECT wip_view_remove('mv_process_wip_queue')"))
        .hasMessageContaining("cannot remove mv_process_wip_queue: view public.over depends on")
        .hasMessageContaining("Drop these first.")
        .hasMessageNotContainingAny("CASCADE");
  }

  @Test
  void what_names_the_row_type_or_uses_such_a_function_is_named() throws SQLException {
    database.execute(
        "CREATE VIEW by_type AS SELECT NULL::mv_process_wip_queue AS station",
        "CREATE FUNCTION stations() RETURNS SETOF mv_process_wip_queue LANGUAGE sql AS 'SELECT *"
            + " FROM mv_process_wip_queue'",
        "CREATE VIEW by_function AS SELECT process_code FROM stations()");

    refused(
        ViewFile.QUEUE,
        "view by_type: it cannot be pointed at another relation",
        "view by_function: it uses function stations(), which is dropped and created",
        "Nothing was changed.");
  }

  @Test
  void a_member_of_an_extension_is_named() throws SQLException {
    database.execute("ALTER EXTENSION plpgsql ADD MATERIALIZED VIEW mv_process_wip_queue");

    refused(
        ViewFile.QUEUE,
        "extension plpgsql: materialized view mv_process_wip_queue is a member of it");
  }

  @Test
  void a_temporary_view_of_another_session_is_named() throws SQLException {
    try (Connection other = database.connect();
        Statement statement = other.createStatement()) {
      statement.execute("CREATE TEMP VIEW mine AS SELECT process_id FROM mv_process_wip_queue");

      assertThatThrownBy(() -> ViewFile.QUEUE.promote(connection))
          .hasMessageContaining(
              ".mine: another session made it for itself; it goes when that session ends");
    }
  }

  @Test
  void two_dependants_or_indexes_of_one_name_are_named() throws SQLException {
    database.execute(
        "CREATE SCHEMA reports",
        "CREATE MATERIALIZED VIEW twin AS SELECT process_id FROM mv_process_wip_queue",
        "CREATE MATERIALIZED VIEW reports.twin AS SELECT process_id FROM mv_process_wip_queue",
        "CREATE MATERIALIZED VIEW one AS SELECT process_id FROM mv_process_wip_queue",
        "CREATE INDEX same ON one (process_id)",
        "CREATE MATERIALIZED VIEW reports.two AS SELECT process_id FROM mv_process_wip_queue",
        "CREATE INDEX same ON reports.two (process_id)");

    refused(
        ViewFile.QUEUE,
        "materialized view reports.twin: another one of the same name gets a successor, too",
        "materialized view reports.two: relation \"same\" already exists");
  }

  @Test
  void what_belongs_to_a_role_out_of_reach_is_named() throws SQLException {
    String deployer = "deployer_" + database.name();
    String stranger = "stranger_" + database.name();
    database.execute(
        "CREATE ROLE " + deployer + " LOGIN PASSWORD 'secret'",
        "CREATE ROLE " + stranger,
        "GRANT CREATE ON DATABASE " + database.name() + " TO " + deployer,
        "GRANT CREATE ON SCHEMA public TO " + deployer + ", " + stranger,
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + deployer + ", " + stranger,
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO " + deployer,
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO " + deployer,
        "ALTER MATERIALIZED VIEW mv_process_wip_queue OWNER TO " + deployer);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET ROLE " + stranger);
      statement.execute("CREATE VIEW theirs AS SELECT process_id FROM mv_process_wip_queue");
      statement.execute(
          "CREATE FUNCTION also_theirs() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*)"
              + " FROM mv_process_wip_queue; END");
    }
    try (Connection connection = database.connect(deployer, "secret")) {
      assertThatThrownBy(() -> ViewFile.QUEUE.promote(connection))
          .hasMessageContaining(
              "view public.theirs: it belongs to "
                  + stranger
                  + ", which "
                  + deployer
                  + " is no member of")
          .hasMessageContaining("function also_theirs(): it belongs to " + stranger);
    } finally {
      connection.close();
      database.drop();
      TestDatabase.onServer("DROP ROLE " + deployer);
      TestDatabase.onServer("DROP ROLE " + stranger);
      create();
    }
  }
}
