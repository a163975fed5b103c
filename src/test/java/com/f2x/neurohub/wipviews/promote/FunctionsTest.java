package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions that know a view, by the catalog or by its name alone, work after its promotion. */
class FunctionsTest {

  private static final OwnView WITHOUT_CUSTOMER = OwnView.ORDERS.with("  customer,\n", "");

  private final TestDatabase database = TestDatabase.service();
  private Connection connection;

  @BeforeEach
  void create() throws SQLException {
    database.create();
    connection = database.connect();
    database.execute(
        "CREATE FUNCTION atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM"
            + " mv_orders; END",
        "CREATE FUNCTION all_orders() RETURNS SETOF mv_orders LANGUAGE sql AS 'SELECT * FROM"
            + " mv_orders'",
        "CREATE FUNCTION atomic_orders() RETURNS SETOF mv_orders LANGUAGE sql BEGIN ATOMIC SELECT *"
            + " FROM mv_orders; END",
        "CREATE FUNCTION returned() RETURNS SETOF mv_orders LANGUAGE plpgsql AS 'BEGIN RETURN QUERY"
            + " SELECT * FROM mv_orders; END'");
  }

  @AfterEach
  void drop() throws SQLException {
    connection.close();
    database.drop();
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT atomic()",
        "SELECT count(*) FROM all_orders()",
        "SELECT count(*) FROM atomic_orders()",
        "SELECT count(*) FROM returned()"
      })
  void a_call_that_waits_for_the_swap_gets_its_rows(String query) throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT wip_view_stage('mv_orders')");
      statement.execute(OwnView.ORDERS.sql());
      statement.execute("SELECT wip_view_promote('mv_orders')");
      Future<String> call = thread.submit(() -> database.value(query));
      Await.until(
          "the call waits for the swap to be committed",
          () ->
              !database
                  .rows("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
                  .isEmpty());

      connection.commit();

      assertThat(call.get()).isEqualTo("6");
    } finally {
      thread.shutdownNow();
    }
    tidied();
  }

  @Test
  void a_transaction_that_began_before_the_swap_can_call_after_it() throws SQLException {
    try (Connection open = database.connect();
        Statement statement = open.createStatement()) {
      value(statement, "SELECT atomic()");
      open.setAutoCommit(false);
      value(statement, "SELECT 1");
      swap();

      assertThat(value(statement, "SELECT atomic()")).isEqualTo("6");
      open.commit();
      assertThat(value(statement, "SELECT atomic()")).isEqualTo("6");
    }
    tidied();
  }

  private void swap() throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SELECT wip_view_stage('mv_orders')");
      statement.execute(OwnView.ORDERS.sql());
      statement.execute("SELECT wip_view_promote('mv_orders')");
    }
    connection.commit();
  }

  private void tidied() throws SQLException {
    assertThat(
            database.value(
                "SELECT count(*) FROM pg_class WHERE relname ~ '^retired_' AND relkind = 'm'"))
        .isEqualTo("1");
    database.execute("SELECT wip_view_drop_retired()");
    assertThat(database.value("SELECT to_regnamespace('wip_staging_public')")).isNull();
    assertThat(database.value("SELECT count(*) FROM all_orders()")).isEqualTo("6");
  }

  @Test
  void a_dependant_that_the_functions_hide_still_stops_the_swap() throws SQLException {
    database.execute("CREATE TABLE archive (row mv_orders)");

    assertThatThrownBy(() -> OwnView.ORDERS.promoteOn(connection))
        .hasMessageContaining("column row of table archive");
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(
      strings = {
        "CREATE FUNCTION reads() RETURNS text LANGUAGE sql AS 'SELECT customer FROM mv_orders LIMIT"
            + " 1'",
        "CREATE FUNCTION reads() RETURNS text LANGUAGE sql SET search_path = public AS 'SELECT"
            + " customer FROM mv_orders LIMIT 1'",
        "CREATE FUNCTION reads() RETURNS text LANGUAGE plpgsql AS 'DECLARE who"
            + " mv_orders.customer%TYPE; BEGIN RETURN who; END'"
      })
  void one_whose_body_no_longer_fits_is_named(String function) throws SQLException {
    database.execute(
        "DROP FUNCTION atomic(), all_orders(), atomic_orders(), returned()",
        function,
        "CREATE FUNCTION broken() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "SET check_function_bodies = off; CREATE OR REPLACE FUNCTION broken() RETURNS integer"
            + " LANGUAGE sql AS 'SELECT nothing FROM mv_orders'");

    assertThatThrownBy(() -> WITHOUT_CUSTOMER.promoteOn(connection))
        // 14 says of a type that is not there: syntax error at or near "%"
        .hasMessageContaining("would fail when they are called: function reads(): ")
        .hasMessageNotContaining("broken()");
    assertThat(database.value("SELECT count(customer) FROM mv_orders")).isEqualTo("6");

    database.execute("DROP FUNCTION reads()");
    WITHOUT_CUSTOMER.promoteOn(connection);
  }

  @Test
  void a_policy_a_rule_and_a_function_that_do_not_fit_are_named() throws SQLException {
    database.execute(
        "CREATE TABLE notes (n integer)",
        "CREATE POLICY numbered ON notes USING (n IN (SELECT amount FROM mv_orders))",
        "CREATE RULE also AS ON UPDATE TO notes DO ALSO DELETE FROM notes WHERE n IN (SELECT amount"
            + " FROM mv_orders)",
        "CREATE FUNCTION odd() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT amount % 2 FROM"
            + " mv_orders; END");

    assertThatThrownBy(
            () -> OwnView.ORDERS.with("  amount,\n", "  amount::text,\n").promoteOn(connection))
        .hasMessageContaining(
            "policy numbered on table notes: operator does not exist: integer = text")
        .hasMessageContaining("rule also on table notes: operator does not exist: integer = text")
        .hasMessageContaining("function odd(): operator does not exist: text % integer");
  }

  private static String value(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }
}
