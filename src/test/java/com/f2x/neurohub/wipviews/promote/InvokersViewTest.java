package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A view that reads with the rights of its reader, while what it reads is promoted or frozen. */
class InvokersViewTest {

  private static final String READER = "rest_reads";

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  /** A registered view over an ordinary one of the changelog, and a view of a reader over each. */
  @BeforeAll
  static void views() throws SQLException {
    assumeTrue(
        Integer.parseInt(database.value("SHOW server_version_num")) >= 150000,
        "security_invoker is new in PostgreSQL 15");
    database.execute("INSERT INTO orders VALUES (1, 'ann', 50), (2, 'bob', 500)");
    supporting("paid", "CREATE OR REPLACE VIEW paid AS SELECT * FROM orders WHERE amount > 0");
    new OwnView("mv_paid", "SELECT id, customer FROM paid", "id").promoteIn(database);
    database.execute(
        "CREATE ROLE " + READER,
        "CREATE VIEW seen WITH (security_invoker = on) AS SELECT customer FROM mv_paid",
        "CREATE VIEW seen_paid WITH (security_invoker = on) AS SELECT customer FROM paid",
        "GRANT SELECT ON mv_paid, paid, seen, seen_paid TO " + READER);
  }

  @AfterAll
  static void dropTheRole() throws SQLException {
    database.drop();
    TestDatabase.onServer("DROP ROLE IF EXISTS " + READER);
  }

  private static void supporting(String name, String file) throws SQLException {
    try (Connection connection =
            database.inTransaction("SELECT wip_view_stage_supporting('" + name + "')");
        Statement statement = connection.createStatement()) {
      statement.execute(file);
      statement.execute("SELECT wip_view_promote_supporting('" + name + "')");
      connection.commit();
    }
  }

  private static void assertThatBothServe() throws SQLException {
    for (String view : List.of("seen", "seen_paid")) {
      assertThat(
              database.value(
                  "SELECT reloptions FROM pg_class WHERE oid = '" + view + "'::regclass"))
          .isEqualTo("{security_invoker=on}");
      try (Connection connection = database.inTransaction("SET LOCAL ROLE " + READER);
          Statement statement = connection.createStatement()) {
        statement.execute("SELECT FROM " + view);
        assertThat(statement.getResultSet().next()).as(view).isTrue();
      }
    }
  }

  @Test
  void it_serves_its_readers_while_what_it_reads_is_frozen() throws SQLException {
    assertThatBothServe();
    database.execute("SELECT wip_view_freeze('mv_paid')", "SELECT wip_view_freeze('paid')");
    assertThatBothServe();
    database.execute("SELECT wip_view_thaw('paid')", "SELECT wip_view_thaw('mv_paid')");
    assertThatBothServe();
  }

  /** The rights on a copy would not be those on the tables, nor would its rows be their rows. */
  @Test
  void an_ordinary_one_is_not_frozen_and_is_named_instead() throws SQLException {
    database.execute(
        "ALTER VIEW paid SET (security_invoker = on)",
        "GRANT SELECT ON orders TO " + READER,
        "SELECT wip_view_freeze('mv_paid')");
    try {
      assertThat(database.rows("SELECT wip_view_freezable()")).isEmpty();
      assertThat(database.rows("SELECT object, table_name FROM wip_view_column_users()"))
          .containsExactly(List.of("view public.paid", "public.orders"));
      assertThatThrownBy(() -> database.execute("SELECT wip_view_freeze('paid')"))
          .hasMessageContainingAll(
              "cannot freeze paid: it reads with the rights of its readers",
              "ALTER VIEW public.paid RESET (security_invoker)");
      assertThatBothServe();
    } finally {
      database.execute(
          "SELECT wip_view_thaw('mv_paid')", "ALTER VIEW paid RESET (security_invoker)");
    }
  }
}
