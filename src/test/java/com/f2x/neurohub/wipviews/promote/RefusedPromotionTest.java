package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
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

  private static final OwnView WITHOUT_CUSTOMER = OwnView.ORDERS.with("  customer,\n", "");

  private static final OwnView WITH_CUSTOMER_AS_VARCHAR =
      OwnView.ORDERS.with("  customer,\n", "  customer::varchar,\n");

  private final TestDatabase database = TestDatabase.service();
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

  private void refused(OwnView file, String... messages) throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);
    assertThatThrownBy(() -> file.promoteOn(connection))
        .isInstanceOf(PSQLException.class)
        .hasMessageContainingAll(messages);
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
    assertThat(database.value("SELECT count(*) FROM mv_orders")).isEqualTo("6");
  }

  @Test
  void every_dependant_that_reads_a_dropped_column_is_named() throws SQLException {
    database.execute(
        "CREATE SCHEMA reports",
        "CREATE VIEW reports.customers AS SELECT customer FROM mv_orders",
        "CREATE MATERIALIZED VIEW customers AS SELECT customer FROM mv_orders",
        "CREATE VIEW fine AS SELECT id FROM mv_orders");

    refused(
        WITHOUT_CUSTOMER,
        "cannot put the new public.mv_orders in place",
        // the server names the column, from 18 on without its relation where there is only one
        "view reports.customers: column",
        "materialized view public.customers: column",
        "customer",
        "does not exist",
        "Nothing was changed. Change or drop these first, then deploy again.");
  }

  @Test
  void a_table_that_has_a_column_of_the_views_row_type_is_named() throws SQLException {
    database.execute("CREATE TABLE archive (row mv_orders)");

    refused(
        OwnView.ORDERS, "column row of table archive: it cannot be pointed at another relation");
  }

  @Thorough
  @Test
  void a_view_whose_name_then_means_another_relation_is_named() throws SQLException {
    database.execute(
        "CREATE SCHEMA reports",
        "CREATE TABLE notes (n integer)",
        "CREATE MATERIALIZED VIEW reports.notes AS SELECT 1 AS n FROM mv_orders",
        "CREATE VIEW two_notes AS SELECT q.id, n.n AS n, r.n AS rn FROM mv_orders q, notes n,"
            + " reports.notes r");

    refused(OwnView.ORDERS, "view public.two_notes: a name in it means another relation");
  }

  @Test
  void a_plain_view_of_the_same_name_is_not_overwritten() throws SQLException {
    database.execute(
        "DROP MATERIALIZED VIEW mv_orders",
        "CREATE VIEW mv_orders AS SELECT generate_series(1, 6) AS id");

    refused(
        OwnView.ORDERS,
        "public.mv_orders is there already, and is not a materialized view",
        "Rename it, then deploy again");
  }

  @Test
  void a_file_without_a_plain_unique_index_is_refused() throws SQLException {
    refused(
        OwnView.ORDERS.with("CREATE UNIQUE INDEX", "CREATE INDEX"),
        "gives it no plain unique index");
  }

  @Test
  void a_file_that_creates_another_view_is_refused() throws SQLException {
    refused(new OwnView("mv_orders", "SELECT 1"), "the file of mv_orders did not create it");
  }

  @Test
  void a_file_that_fails_leaves_the_live_view_and_no_staging_schema() throws SQLException {
    refused(OwnView.ORDERS.with("FROM orders;", "FROM ordres;"), "\"ordres\" does not exist");
  }

  @Thorough
  @Test
  void a_dependant_whose_column_changes_type_keeps_what_it_had() throws SQLException {
    database.execute(
        "CREATE VIEW customers AS SELECT id, customer FROM mv_orders",
        "COMMENT ON VIEW customers IS 'kept'",
        "GRANT SELECT (id) ON customers TO PUBLIC",
        "CREATE VIEW over AS SELECT id FROM customers");

    WITH_CUSTOMER_AS_VARCHAR.promoteOn(connection);

    assertThat(database.value("SELECT pg_typeof(customer) FROM customers LIMIT 1"))
        .isEqualTo("character varying");
    assertThat(CatalogSnapshot.of(database).get("relation customers")).contains("kept");
    assertThat(CatalogSnapshot.of(database).get("column customers.id")).contains("{=r/");
    assertThat(database.value("SELECT count(*) FROM over")).isEqualTo("6");
  }

  @Thorough
  @Test
  void a_dependant_that_does_not_fit_the_new_type_is_named() throws SQLException {
    database.execute("CREATE VIEW upper AS SELECT amount % 2 AS odd FROM mv_orders");

    refused(
        OwnView.ORDERS.with("  amount,\n", "  amount::text,\n"),
        "view public.upper: operator does not exist: text % integer");
  }

  @Test
  void removing_a_view_that_others_read_names_them() throws SQLException {
    database.execute("CREATE VIEW over AS SELECT id FROM mv_orders");

    assertThatThrownBy(() -> database.execute("SELECT wip_view_remove('mv_orders')"))
        .hasMessageContaining("cannot remove mv_orders: view public.over depends on")
        .hasMessageContaining("Drop these first.")
        .hasMessageNotContainingAny("CASCADE");
  }

  @Test
  void what_names_the_row_type_or_uses_such_a_function_is_named() throws SQLException {
    database.execute(
        "CREATE VIEW by_type AS SELECT NULL::mv_orders AS one",
        "CREATE FUNCTION all_orders() RETURNS SETOF mv_orders LANGUAGE sql AS 'SELECT * FROM"
            + " mv_orders'",
        "CREATE VIEW by_function AS SELECT customer FROM all_orders()");

    refused(
        OwnView.ORDERS,
        "view by_type: it cannot be pointed at another relation",
        "view by_function: it uses function all_orders(), which is dropped and created",
        "Nothing was changed.");
  }

  @Thorough
  @Test
  void a_member_of_an_extension_is_named() throws SQLException {
    database.execute("ALTER EXTENSION plpgsql ADD MATERIALIZED VIEW mv_orders");

    refused(OwnView.ORDERS, "extension plpgsql: materialized view mv_orders is a member of it");
  }

  @Test
  void a_temporary_view_of_another_session_is_named() throws SQLException {
    try (Connection other = database.connect();
        Statement statement = other.createStatement()) {
      statement.execute("CREATE TEMP VIEW mine AS SELECT id FROM mv_orders");

      assertThatThrownBy(() -> OwnView.ORDERS.promoteOn(connection))
          .hasMessageContaining(
              ".mine: it is a temporary view of another session, and goes when that session ends");
    }
  }

  /** Where everybody may create, as in public before PostgreSQL 15, it fits the types better. */
  @Test
  void a_query_that_found_something_planted_is_refused() throws SQLException {
    String planter = "planter_" + database.name();
    database.execute(
        "CREATE ROLE " + planter,
        "GRANT CREATE, USAGE ON SCHEMA public TO " + planter,
        "SET ROLE " + planter,
        "CREATE FUNCTION planted(integer, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR > (LEFTARG = integer, RIGHTARG = varchar, FUNCTION = planted)",
        "RESET ROLE");
    try {
      refused(
          OwnView.ORDERS.with("amount > 100", "amount > '100'::varchar"),
          "the query of mv_orders uses what another role may change",
          "operator public.>(integer,character varying), owned by " + planter);
    } finally {
      database.execute("DROP OWNED BY " + planter, "DROP ROLE " + planter);
    }
  }

  @Test
  void a_staging_schema_in_which_others_may_create_is_not_built_in() throws SQLException {
    String planter = "planter_" + database.name();
    database.execute(
        "CREATE ROLE " + planter,
        "CREATE SCHEMA wip_staging_public AUTHORIZATION " + planter,
        "CREATE TABLE wip_staging_public.orders AS SELECT * FROM orders",
        "GRANT ALL ON SCHEMA wip_staging_public TO PUBLIC");
    try {
      refused(
          OwnView.ORDERS,
          "others may create in the schema wip_staging_public, where views are built: PUBLIC, "
              + planter,
          "ALTER SCHEMA wip_staging_public OWNER TO");

      database.execute(
          "ALTER SCHEMA wip_staging_public OWNER TO CURRENT_USER",
          "REVOKE ALL ON SCHEMA wip_staging_public FROM PUBLIC");
      refused(
          OwnView.ORDERS,
          "the query of mv_orders reads what is in the schema where it is built:"
              + " wip_staging_public.orders");
    } finally {
      database.execute("DROP OWNED BY " + planter, "DROP ROLE " + planter);
    }
  }

  @Thorough
  @Test
  void two_dependants_or_indexes_of_one_name_are_named() throws SQLException {
    database.execute(
        "CREATE SCHEMA reports",
        "CREATE MATERIALIZED VIEW twin AS SELECT id FROM mv_orders",
        "CREATE MATERIALIZED VIEW reports.twin AS SELECT id FROM mv_orders",
        "CREATE MATERIALIZED VIEW one AS SELECT id FROM mv_orders",
        "CREATE INDEX same ON one (id)",
        "CREATE MATERIALIZED VIEW reports.two AS SELECT id FROM mv_orders",
        "CREATE INDEX same ON reports.two (id)");

    refused(
        OwnView.ORDERS,
        "materialized view reports.twin: another dependant of the same name gets a successor, too",
        "materialized view reports.two: relation \"same\" already exists");
  }

  @Thorough
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
        "ALTER MATERIALIZED VIEW mv_orders OWNER TO " + deployer);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET ROLE " + stranger);
      statement.execute("CREATE VIEW theirs AS SELECT id FROM mv_orders");
      statement.execute(
          "CREATE FUNCTION also_theirs() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*)"
              + " FROM mv_orders; END");
    }
    try (Connection connection = database.connect(deployer, "secret")) {
      assertThatThrownBy(() -> OwnView.ORDERS.promoteOn(connection))
          .hasMessageContaining(
              "view public.theirs: it belongs to "
                  + stranger
                  + ", of which "
                  + deployer
                  + " is not a member")
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
