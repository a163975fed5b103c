package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What hangs on a view is the same after its promotion as before, whatever it is. */
class KeptDependantsTest {

  private static final long FIRST = Long.getLong("promote.seed", 1);

  /** How many; CI asks for more. */
  private static final long TREES = Long.getLong("promote.trees", 10);

  static LongStream seeds() {
    System.out.println("random dependants: seeds " + FIRST + " to " + (FIRST + TREES - 1));
    return LongStream.range(FIRST, FIRST + TREES);
  }

  @BeforeAll
  static void roles() throws SQLException {
    TestDatabase database = TestDatabase.empty().create();
    for (String role : RandomDependants.ROLES) {
      if (database.rows("SELECT 1 FROM pg_roles WHERE rolname = '" + role + "'").isEmpty()) {
        database.execute("CREATE ROLE " + RandomDependants.quoted(role));
      }
    }
    database.drop();
  }

  @Thorough
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void a_random_tree_of_dependants_is_the_same_after_a_promotion(long seed) throws SQLException {
    List<String> tree = RandomDependants.of(seed);
    TestDatabase database = TestDatabase.service().create();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      for (String sql : tree) {
        try {
          statement.execute(sql);
        } catch (SQLException e) {
          throw new SQLException(e.getMessage() + "\nin: " + sql, e);
        }
      }
      Map<String, String> before = CatalogSnapshot.of(database);

      OwnView.ORDERS.promoteOn(connection);
      OwnView.CUSTOMERS.promoteOn(connection);

      assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database)))
          .as("seed %s, made by %s", seed, String.join(";\n", tree))
          .isEmpty();
    } finally {
      database.drop();
    }
  }

  @Test
  void check_options_and_grants_that_were_passed_on_are_the_same() throws SQLException {
    TestDatabase database = TestDatabase.service().create();
    try (Connection connection = database.connect()) {
      database.execute(
          "CREATE SCHEMA reports",
          "GRANT USAGE, CREATE ON SCHEMA reports TO \"Kept Ünïcode Röle\"",
          "CREATE VIEW amounts AS SELECT id, amount AS n FROM mv_orders",
          "CREATE VIEW reports.checked WITH (security_barrier) AS SELECT n, id FROM public.amounts"
              + " WHERE n > 3 WITH CASCADED CHECK OPTION",
          "CREATE VIEW reports.local AS SELECT id FROM public.amounts WHERE id > 1 WITH LOCAL CHECK"
              + " OPTION",
          "CREATE MATERIALIZED VIEW deep AS SELECT q.*, c.n FROM reports.checked c JOIN mv_orders q"
              + " USING (id)",
          "CREATE UNIQUE INDEX deep_idx ON deep (id) INCLUDE (n) WITH (fillfactor = 60)",
          "CREATE VIEW deepest AS SELECT count(*) FROM deep",
          "GRANT SELECT ON mv_orders TO \"kept-reader\" WITH GRANT OPTION",
          "SET ROLE \"kept-reader\"; GRANT SELECT ON mv_orders TO \"kept\"\"quote\";"
              + " RESET ROLE",
          "ALTER VIEW reports.local OWNER TO \"Kept Ünïcode Röle\"");
      Map<String, String> before = CatalogSnapshot.of(database);

      OwnView.ORDERS.promoteOn(connection);

      assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
      assertThat(database.value("SELECT count FROM deepest")).isEqualTo("6");
    } finally {
      database.drop();
    }
  }

  @Thorough
  @Test
  void grants_that_were_given_round_about_are_the_same() throws SQLException {
    TestDatabase database = TestDatabase.service().create();
    try (Connection connection = database.connect()) {
      database.execute(
          "GRANT SELECT ON mv_orders TO kept_plain WITH GRANT OPTION",
          "GRANT SELECT ON mv_orders TO \"kept-reader\" WITH GRANT OPTION",
          "SET ROLE \"kept-reader\"; GRANT SELECT ON mv_orders TO kept_plain WITH GRANT OPTION;"
              + " RESET ROLE",
          "SET ROLE kept_plain; GRANT SELECT ON mv_orders TO \"kept\"\"quote\"; RESET ROLE",
          // what is left of the grant option of the second comes after what was given by it
          "REVOKE SELECT ON mv_orders FROM kept_plain CASCADE",
          "SET ROLE kept_plain; GRANT SELECT ON mv_orders TO \"kept\"\"quote\"; RESET ROLE");
      Map<String, String> before = CatalogSnapshot.of(database);

      OwnView.ORDERS.promoteOn(connection);

      assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
    } finally {
      database.drop();
    }
  }

  @Thorough
  @Test
  void a_role_that_deploys_by_set_role_stays_that_role() throws SQLException {
    TestDatabase database = TestDatabase.service().create();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      database.execute(
          "CREATE ROLE deploys_" + database.name() + " SUPERUSER",
          "GRANT SELECT ON mv_orders TO \"kept-reader\" WITH GRANT OPTION",
          "SET ROLE \"kept-reader\"; GRANT SELECT ON mv_orders TO PUBLIC; RESET ROLE");
      statement.execute("SET ROLE deploys_" + database.name());
      connection.setAutoCommit(false);
      statement.execute("SELECT wip_view_stage('mv_orders')");
      statement.execute(OwnView.ORDERS.sql());
      statement.execute("SELECT wip_view_promote('mv_orders')");

      assertThat(value(statement, "SELECT current_user")).isEqualTo("deploys_" + database.name());
      connection.commit();
      assertThat(value(statement, "SELECT current_user")).isEqualTo("deploys_" + database.name());
    } finally {
      database.drop();
      TestDatabase.onServer("DROP ROLE deploys_" + database.name());
    }
  }

  @Thorough
  @Test
  void a_tablespace_is_the_same(@TempDir Path directory) throws SQLException {
    TestDatabase database = TestDatabase.service().create();
    String tablespace = "fast_" + database.name();
    try (Connection connection = database.connect()) {
      try {
        database.execute("CREATE TABLESPACE " + tablespace + " LOCATION '" + directory + "'");
      } catch (SQLException e) {
        assumeThat(e.getMessage())
            .as("a tablespace on a server that may use a folder here")
            .isNull();
      }
      database.execute(
          "ALTER MATERIALIZED VIEW mv_orders SET TABLESPACE " + tablespace,
          "ALTER INDEX mv_orders_id_idx SET TABLESPACE " + tablespace,
          "CREATE MATERIALIZED VIEW above TABLESPACE " + tablespace + " AS SELECT * FROM mv_orders",
          "CREATE INDEX above_idx ON above (id) TABLESPACE " + tablespace);
      Map<String, String> before = CatalogSnapshot.of(database);

      OwnView.ORDERS.promoteOn(connection);

      assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
    } finally {
      database.drop();
      TestDatabase.onServer("DROP TABLESPACE IF EXISTS " + tablespace);
    }
  }

  private static String value(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }
}
