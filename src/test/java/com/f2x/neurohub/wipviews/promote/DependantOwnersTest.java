package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A promotion fills what others built on a view. What they wrote there runs with their rights, not
 * with those of who deploys, who is a superuser here.
 */
class DependantOwnersTest {

  private final TestDatabase database = TestDatabase.service();
  private final String analyst = "analyst_" + ProcessHandle.current().pid();
  private Connection connection;

  @BeforeEach
  void an_analyst_with_a_schema_of_his_own() throws SQLException {
    database.create();
    connection = database.connect();
    database.execute(
        "CREATE ROLE " + analyst,
        "CREATE SCHEMA analysis AUTHORIZATION " + analyst,
        "GRANT SELECT ON mv_orders, mv_customers, orders TO " + analyst);
  }

  @AfterEach
  void drop() throws SQLException {
    connection.close();
    database.drop();
    TestDatabase.onServer("DROP ROLE " + analyst);
  }

  private void asAnalyst(String... statements) throws SQLException {
    database.execute("SET ROLE " + analyst + "; " + String.join("; ", statements) + "; RESET ROLE");
  }

  @Thorough
  @Test
  void functions_in_a_dependant_and_its_index_run_as_its_owner() throws SQLException {
    asAnalyst(
        "CREATE FUNCTION analysis.runs_as() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN"
            + " current_user; END'",
        "CREATE FUNCTION analysis.only_me(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
            + " IF current_user <> '"
            + analyst
            + "' THEN RAISE 'runs as %', current_user; END IF; RETURN $1; END $$",
        "CREATE MATERIALIZED VIEW analysis.report AS SELECT id, customer, analysis.runs_as() AS who"
            + " FROM public.mv_orders",
        "CREATE INDEX ON analysis.report (analysis.only_me(customer))",
        "CREATE MATERIALIZED VIEW analysis.above AS SELECT who, analysis.runs_as() AS above FROM"
            + " analysis.report");

    OwnView.ORDERS.promoteOn(connection);

    assertThat(database.rows("SELECT DISTINCT who, above FROM analysis.above"))
        .containsExactly(List.of(analyst, analyst));
    assertThat(
            database.value(
                "SELECT relowner::regrole FROM pg_class WHERE oid = 'analysis.report'::regclass"))
        .isEqualTo(analyst);
    assertThat(database.value("SELECT to_regnamespace('wip_staging_public')")).isNull();
  }

  @Test
  void row_security_holds_for_the_owner_of_a_dependant() throws SQLException {
    database.execute(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY open_ones ON orders USING (customer = 'bob')");
    asAnalyst(
        "CREATE MATERIALIZED VIEW analysis.mine AS SELECT orders.customer FROM public.orders,"
            + " (SELECT count(*) FROM public.mv_orders) AS q");

    OwnView.ORDERS.promoteOn(connection);

    assertThat(database.rows("SELECT customer FROM analysis.mine")).containsExactly(List.of("bob"));
  }

  @Test
  void an_owner_who_may_not_read_the_view_stops_the_promotion() throws SQLException {
    asAnalyst("CREATE MATERIALIZED VIEW analysis.once AS SELECT id FROM public.mv_orders");
    database.execute("REVOKE SELECT ON mv_orders FROM " + analyst);

    assertThatThrownBy(() -> OwnView.ORDERS.promoteOn(connection))
        .hasMessageContaining(
            "a refresh of analysis.once by its owner "
                + analyst
                + " fails: permission denied for materialized view mv_orders")
        .hasMessageContaining("GRANT SELECT ON public.mv_orders TO " + analyst);
  }

  @Test
  void a_rebuilt_view_is_its_owners_before_what_is_over_it_fills() throws SQLException {
    asAnalyst(
        "CREATE VIEW analysis.wide AS SELECT * FROM public.mv_orders",
        "CREATE MATERIALIZED VIEW analysis.deep AS SELECT id, customer FROM analysis.wide");

    OwnView.ORDERS.with("  customer,\n", "  customer::varchar,\n").promoteOn(connection);

    assertThat(
            database.rows(
                "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace ="
                    + " 'analysis'::regnamespace AND relkind IN ('v', 'm')"))
        .containsExactly(List.of(analyst));
    assertThat(database.value("SELECT count(*) FROM analysis.deep")).isEqualTo("6");
  }
}
