package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a plan says of the rows. */
class CompareTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static String byClock(String view) throws SQLException {
    return database.value(
        "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '"
            + view
            + "'::regclass AND attnum > 0 AND wip_view_reads_clock(attrelid, attname)");
  }

  @Test
  void columns_that_derive_from_the_clock_are_told() throws Exception {
    database.execute(
        "CREATE MATERIALIZED VIEW mv_clocks AS WITH t AS (SELECT CURRENT_DATE AS day, 1 AS one)"
            + " SELECT t.one, t.day - 1 AS yesterday, LOCALTIMESTAMP AS local, 'now()' AS text,"
            + " (SELECT max(amount) FROM orders WHERE id > extract(epoch FROM"
            + " statement_timestamp())) AS late FROM t");
    assertThat(byClock("mv_orders")).isNull();
    assertThat(byClock("mv_customers")).isNull();
    assertThat(byClock("mv_clocks")).isEqualTo("yesterday local late");
  }

  /** Plans a view in the place of another one, and returns what is said of it. */
  private static JsonNode plan(OwnView was, OwnView view) throws SQLException {
    was.promoteIn(database);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT wip_view_stage('" + view.name() + "')");
      statement.execute(view.sql());
      try (ResultSet row = statement.executeQuery("SELECT wip_view_plan('" + view.name() + "')")) {
        row.next();
        return JsonMapper.shared().readTree(row.getString(1));
      }
    } finally {
      database.execute("SELECT wip_view_remove('" + view.name() + "')");
    }
  }

  @Test
  void rows_of_any_type_are_compared() throws Exception {
    String query =
        "SELECT n AS id, n::numeric(6, 2) AS amount, json_build_object('n', n %% %d) AS said,"
            + " point(n, n) AS place, ARRAY[n] AS list, ('v' || n)::varchar(9) AS name, nullif(n,"
            + " 3) AS gap, n::%s AS retyped FROM generate_series(1, 5) AS n WHERE n <> %d";
    JsonNode plan =
        plan(
            new OwnView("mv_types", query.formatted(9, "integer", 1), "id"),
            new OwnView("mv_types", query.formatted(4, "bigint", 2), "id"));

    assertThat(plan.get("refusal")).isNull();
    JsonNode rows = plan.get("rows");
    assertThat(rows.get("problem")).isNull();
    assertThat(rows.get("live").asInt()).isEqualTo(4);
    assertThat(rows.get("added").asInt()).isEqualTo(1);
    assertThat(rows.get("removed").asInt()).isEqualTo(1);
    // 4 and 5, by their json
    assertThat(rows.get("changed").asInt()).isEqualTo(2);
    assertThat(plan.get("columns").findValuesAsString("name")).containsExactly("said", "retyped");
  }

  @Thorough
  @Test
  void rows_without_a_common_key_are_counted() throws Exception {
    JsonNode rows =
        plan(
                new OwnView("mv_keys", "SELECT 1 AS old_id, 'a' AS name", "old_id"),
                new OwnView(
                    "mv_keys", "SELECT n AS id, 'a' AS name FROM generate_series(1, 3) AS n", "id"))
            .get("rows");

    assertThat(rows.get("live").asInt()).isEqualTo(1);
    assertThat(rows.get("built").asInt()).isEqualTo(3);
    assertThat(rows.has("changed")).isFalse();
  }

  @Test
  void what_was_planned_can_only_be_rolled_back() throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT wip_view_stage('mv_one')");
      statement.execute(new OwnView("mv_one", "SELECT 1 AS one", "one").sql());
      statement.execute("SELECT wip_view_plan('mv_one')");
      assertThat(catchThrowable(connection::commit)).hasMessageContaining("a plan is rolled back");
      assertThat(database.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^wip_'"))
          .isEmpty();
    }
  }
}
