package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Nothing that a view's file does reaches anything but the view that it builds. */
class FileReachTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static final String ROLE = "file_reader_" + ProcessHandle.current().pid();

  private Connection connection;

  @BeforeAll
  static void a_view_with_a_dependant_and_a_grant() throws SQLException {
    database.execute(
        "CREATE ROLE " + ROLE,
        "GRANT SELECT ON mv_orders TO " + ROLE,
        "COMMENT ON COLUMN orders.id IS 'theirs'",
        "CREATE TABLE notes (n integer)",
        "CREATE VIEW over AS SELECT id FROM mv_orders");
  }

  @AfterAll
  static void dropRole() throws SQLException {
    database.drop();
    TestDatabase.onServer("DROP ROLE " + ROLE);
  }

  @BeforeEach
  void connect() throws SQLException {
    connection = database.connect();
  }

  @AfterEach
  void close() throws SQLException {
    connection.close();
  }

  private static OwnView beginningWith(String statement) {
    return new OwnView(OwnView.ORDERS.name(), statement + ";\n" + OwnView.ORDERS.sql());
  }

  private static OwnView endingWith(String statement) {
    return new OwnView(OwnView.ORDERS.name(), OwnView.ORDERS.sql() + ";\n" + statement);
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(
      strings = {
        "DROP MATERIALIZED VIEW IF EXISTS mv_orders",
        "DROP MATERIALIZED VIEW IF EXISTS mv_orders CASCADE",
        "DROP MATERIALIZED VIEW mv_orders",
        "ALTER MATERIALIZED VIEW mv_orders RENAME TO mv_old"
      })
  void a_drop_at_its_head_is_harmless(String statement) throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);

    beginningWith(statement).promoteOn(connection);

    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @Thorough
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "DROP MATERIALIZED VIEW public.mv_orders CASCADE | materialized view public.mv_orders",
        "DROP INDEX mv_orders_id_idx | index public.mv_orders_id_idx",
        "DROP VIEW over | view public.over",
        "DROP TABLE notes | table public.notes",
        "CREATE TABLE public.more (n integer) | table public.more",
        "CREATE INDEX more_idx ON orders (customer) | index public.more_idx",
        "ALTER TABLE orders ALTER customer SET STATISTICS 77 | table public.orders",
        "GRANT SELECT ON orders TO PUBLIC | table public.orders",
        "COMMENT ON COLUMN orders.id IS NULL | table public.orders",
        "COMMENT ON COLUMN orders.id IS 'ours' | table public.orders",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC | schema public",
        "TRUNCATE notes | table public.notes",
        "CREATE OR REPLACE FUNCTION public.refresh_orders() RETURNS void LANGUAGE sql AS '' |"
            + " function public.refresh_orders()",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC | default privileges"
      })
  void what_it_does_to_anything_else_stops_it(String statement, String object) throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);

    assertThatThrownBy(() -> beginningWith(statement).promoteOn(connection))
        .hasMessageContaining("the file of mv_orders does more than build it")
        .hasMessageContaining(object)
        .hasMessageContaining("Nothing was changed.");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @Test
  void what_it_leaves_beside_the_view_stops_it() throws SQLException {
    assertThatThrownBy(
            () -> endingWith("CREATE MATERIALIZED VIEW aside AS SELECT 1").promoteOn(connection))
        .hasMessageContaining("materialized view wip_staging_public.aside");
  }

  @Test
  void what_others_do_meanwhile_is_not_laid_to_it() throws SQLException {
    database.execute("CREATE TABLE going (n integer)");
    connection.setAutoCommit(false);
    try (var statement = connection.createStatement()) {
      statement.execute("SELECT wip_view_stage('mv_orders')");
      statement.execute(OwnView.ORDERS.sql());
      database.execute(
          "DROP TABLE going",
          "CREATE TABLE others (n integer)",
          "COMMENT ON COLUMN notes.n IS 'meanwhile'",
          "ALTER TABLE orders ALTER amount SET STATISTICS 50");
      statement.execute("SELECT wip_view_promote('mv_orders')");
    }
    connection.commit();

    assertThat(database.value("SELECT count(*) FROM over")).isEqualTo("6");
  }

  @Test
  void what_the_transaction_did_before_is_not_laid_to_it() throws SQLException {
    database.execute("CREATE TABLE gone (n integer)");
    connection.setAutoCommit(false);
    try (var statement = connection.createStatement()) {
      statement.execute("COMMENT ON TABLE orders IS 'before'");
      statement.execute("DROP TABLE gone");
      statement.execute("SELECT wip_view_stage('mv_orders')");
      statement.execute(OwnView.ORDERS.sql());
      statement.execute("SELECT wip_view_promote('mv_orders')");
    }
    connection.commit();

    assertThat(database.value("SELECT to_regclass('gone')")).isNull();
  }

  @Thorough
  @Test
  void what_it_grants_is_granted_each_time() throws SQLException {
    String other = ROLE + "_other";
    database.execute("CREATE ROLE " + other);
    try {
      OwnView granting =
          endingWith(
              "GRANT SELECT ON mv_orders TO "
                  + other
                  + "; GRANT SELECT (id) ON mv_orders TO PUBLIC");
      granting.promoteOn(connection);
      granting.promoteOn(connection);

      assertThat(
              database.value(
                  "SELECT has_table_privilege('%s', 'mv_orders', 'SELECT') AND".formatted(other)
                      + " has_column_privilege('pg_monitor', 'mv_orders', 'id', 'SELECT') AND has_table_privilege('%s', 'mv_orders',"
                          .formatted(ROLE)
                      + " 'SELECT')"))
          .isEqualTo("t");
    } finally {
      database.execute("DROP OWNED BY " + other, "DROP ROLE " + other);
    }
  }

  @Test
  void a_role_that_may_make_no_schema_is_stopped_by_a_drop() throws SQLException {
    String deployer = ROLE + "_deploys";
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
                  beginningWith("DROP MATERIALIZED VIEW IF EXISTS mv_orders CASCADE")
                      .promoteOn(theirs))
          .hasMessageContaining("materialized view public.mv_orders");
      OwnView.ORDERS.promoteOn(theirs);
      assertThat(database.value("SELECT count(*) FROM over")).isEqualTo("6");
    } finally {
      database.execute(
          "REASSIGN OWNED BY " + deployer + " TO CURRENT_USER",
          "DROP SCHEMA IF EXISTS wip_staging_public",
          "DROP OWNED BY " + deployer,
          "DROP ROLE " + deployer);
    }
  }
}
