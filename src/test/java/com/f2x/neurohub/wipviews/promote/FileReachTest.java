package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Nothing that a view's file does reaches anything but the view that it builds. */
class FileReachTest {

  private final TestDatabase database = TestDatabase.deployed();
  private final String role = "file_reader_" + ProcessHandle.current().pid();
  private Connection connection;

  @BeforeEach
  void a_view_with_a_dependant_and_a_grant() throws SQLException {
    database.create();
    connection = database.connect();
    database.execute(
        "CREATE ROLE " + role,
        "GRANT SELECT ON mv_process_wip_queue TO " + role,
        "COMMENT ON COLUMN lots.id IS 'theirs'",
        "CREATE TABLE notes (n integer)",
        "CREATE VIEW over AS SELECT process_id FROM mv_process_wip_queue");
  }

  @AfterEach
  void drop() throws SQLException {
    connection.close();
    database.drop();
    TestDatabase.onServer("DROP ROLE " + role);
  }

  private static ViewFile beginningWith(String statement) {
    return new ViewFile(
        ViewFile.QUEUE.view(), ViewFile.QUEUE.order(), statement + ";\n" + ViewFile.QUEUE.sql());
  }

  private static ViewFile endingWith(String statement) {
    return new ViewFile(
        ViewFile.QUEUE.view(), ViewFile.QUEUE.order(), ViewFile.QUEUE.sql() + ";\n" + statement);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "DROP MATERIALIZED VIEW IF EXISTS mv_process_wip_queue",
        "DROP MATERIALIZED VIEW IF EXISTS mv_process_wip_queue CASCADE",
        "DROP MATERIALIZED VIEW mv_process_wip_queue",
        "ALTER MATERIALIZED VIEW mv_process_wip_queue RENAME TO mv_old"
      })
  void a_drop_at_its_head_is_harmless(String statement) throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);

    beginningWith(statement).promote(connection);

    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "DROP MATERIALIZED VIEW public.mv_process_wip_queue CASCADE | materialized view"
            + " public.mv_process_wip_queue",
        "DROP INDEX mv_process_wip_queue_process_id_idx | index"
            + " public.mv_process_wip_queue_process_id_idx",
        "DROP VIEW over | view public.over",
        "DROP TABLE notes | table public.notes",
        "CREATE TABLE public.more (n integer) | table public.more",
        "CREATE INDEX more_idx ON lots (lot_number) | index public.more_idx",
        "ALTER TABLE lots ALTER lot_number SET STATISTICS 77 | table public.lots",
        "GRANT SELECT ON lots TO PUBLIC | table public.lots",
        "COMMENT ON COLUMN lots.id IS NULL | table public.lots",
        "COMMENT ON COLUMN lots.id IS 'ours' | table public.lots",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC | schema public",
        "TRUNCATE notes | table public.notes",
        "CREATE OR REPLACE FUNCTION public.refresh_process_wip_queue_() RETURNS void LANGUAGE sql"
            + " AS '' | function public.refresh_process_wip_queue_()",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC | default privileges"
      })
  void what_it_does_to_anything_else_stops_it(String statement, String object) throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);

    assertThatThrownBy(() -> beginningWith(statement).promote(connection))
        .hasMessageContaining("the file of mv_process_wip_queue does more than build it")
        .hasMessageContaining(object)
        .hasMessageContaining("Nothing was changed.");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @Test
  void what_it_leaves_beside_the_view_stops_it() throws SQLException {
    assertThatThrownBy(
            () -> endingWith("CREATE MATERIALIZED VIEW aside AS SELECT 1").promote(connection))
        .hasMessageContaining("materialized view wip_staging_public.aside");
  }

  @Test
  void what_others_do_meanwhile_is_not_laid_to_it() throws SQLException {
    connection.setAutoCommit(false);
    try (var statement = connection.createStatement()) {
      statement.execute("SELECT wip_view_stage('mv_process_wip_queue')");
      statement.execute(ViewFile.QUEUE.sql());
      database.execute(
          "DROP TABLE notes",
          "CREATE TABLE others (n integer)",
          "COMMENT ON COLUMN lots.id IS NULL",
          "ALTER TABLE processes ALTER process_code SET STATISTICS 50");
      statement.execute("SELECT wip_view_promote('mv_process_wip_queue', 2, '20 minutes')");
    }
    connection.commit();

    assertThat(database.value("SELECT count(*) FROM over")).isEqualTo("6");
  }

  @Test
  void what_the_transaction_did_before_is_not_laid_to_it() throws SQLException {
    connection.setAutoCommit(false);
    try (var statement = connection.createStatement()) {
      statement.execute("COMMENT ON TABLE lots IS 'before'");
      statement.execute("DROP TABLE notes");
      statement.execute("SELECT wip_view_stage('mv_process_wip_queue')");
      statement.execute(ViewFile.QUEUE.sql());
      statement.execute("SELECT wip_view_promote('mv_process_wip_queue', 2, '20 minutes')");
    }
    connection.commit();

    assertThat(database.value("SELECT to_regclass('notes')")).isNull();
  }

  @Test
  void what_it_grants_is_granted_each_time() throws SQLException {
    String other = role + "_other";
    database.execute("CREATE ROLE " + other);
    try {
      ViewFile granting =
          endingWith(
              "GRANT SELECT ON mv_process_wip_queue TO "
                  + other
                  + "; GRANT SELECT (process_id) ON mv_process_wip_queue TO PUBLIC");
      granting.promote(connection);
      granting.promote(connection);

      assertThat(
              database.value(
                  "SELECT has_table_privilege('%s', 'mv_process_wip_queue', 'SELECT') AND"
                          .formatted(other)
                      + " has_column_privilege('pg_monitor', 'mv_process_wip_queue', 'process_id',"
                      + " 'SELECT') AND has_table_privilege('%s', 'mv_process_wip_queue',"
                          .formatted(role)
                      + " 'SELECT')"))
          .isEqualTo("t");
    } finally {
      database.execute("DROP OWNED BY " + other, "DROP ROLE " + other);
    }
  }

  @Test
  void a_role_that_may_make_no_schema_is_stopped_by_a_drop() throws SQLException {
    String deployer = role + "_deploys";
    database.execute(
        "CREATE ROLE " + deployer + " LOGIN PASSWORD 'secret'",
        "GRANT CREATE ON SCHEMA public TO " + deployer,
        "CREATE SCHEMA wip_staging_public AUTHORIZATION " + deployer,
        """
        DO $$
        DECLARE statement text;
        BEGIN
          FOR statement IN
            SELECT format('ALTER TABLE %%s OWNER TO %1$s', oid::regclass) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm')
            UNION ALL
            SELECT format('ALTER ROUTINE %%s OWNER TO %1$s', oid::regprocedure) FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
          LOOP
            EXECUTE statement;
          END LOOP;
        END $$
        """
            .formatted(deployer));
    try (Connection theirs = database.connect(deployer, "secret")) {
      assertThatThrownBy(
              () ->
                  beginningWith("DROP MATERIALIZED VIEW IF EXISTS mv_process_wip_queue CASCADE")
                      .promote(theirs))
          .hasMessageContaining("materialized view public.mv_process_wip_queue");
      ViewFile.QUEUE.promote(theirs);
      assertThat(database.value("SELECT count(*) FROM over")).isEqualTo("6");
    } finally {
      database.execute(
          "REASSIGN OWNED BY " + deployer + " TO CURRENT_USER",
          "DROP OWNED BY " + deployer,
          "DROP ROLE " + deployer);
    }
  }
}
