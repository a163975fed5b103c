package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A plan builds the materialized views that a promotion would rebuild. */
class PlannedDependantsTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  @BeforeAll
  static void dependants() throws SQLException {
    database.execute(
        "CREATE MATERIALIZED VIEW shares AS SELECT customer, 1000 / amount AS share FROM"
            + " mv_customers",
        "CREATE VIEW above AS SELECT customer FROM shares",
        "CREATE MATERIALIZED VIEW waiting AS SELECT 1 / amount AS one FROM mv_customers"
            + " WITH NO DATA");
  }

  private static JsonNode plan(OwnView view) throws SQLException {
    try (Connection connection = database.inTransaction("SELECT wip_view_stage('mv_customers')");
        Statement statement = connection.createStatement()) {
      statement.execute(view.sql());
      try (ResultSet row = statement.executeQuery("SELECT wip_view_plan('mv_customers')")) {
        row.next();
        return JsonMapper.shared().readTree(row.getString(1));
      }
    }
  }

  @Test
  void a_query_that_fails_on_the_new_rows_is_found() throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);
    OwnView zero =
        OwnView.CUSTOMERS.with("sum(amount)", "sum(CASE customer WHEN 'bob' THEN 0 ELSE 1 END)");

    JsonNode plan = plan(zero);

    assertThat(plan.get("refusal").asString())
        .contains("a refresh of public.shares by its owner", "division by zero");
    assertThat(plan.get("dependants").findValuesAsString("fate")).contains("rebuilt", "replaced");
    assertThatThrownBy(() -> zero.promoteIn(database))
        .hasMessageContaining(plan.get("refusal").asString());
    assertThat(CatalogSnapshot.of(database)).isEqualTo(before);
  }

  @Test
  void one_that_suits_them_is_not_refused_and_stays_as_it_was() throws SQLException {
    Map<String, String> before = CatalogSnapshot.of(database);

    JsonNode plan = plan(OwnView.CUSTOMERS.with("sum(amount)", "sum(amount) + 1"));

    assertThat(plan.get("refusal")).isNull();
    assertThat(CatalogSnapshot.of(database)).isEqualTo(before);
    assertThat(database.value("SELECT count(*) FROM shares")).isEqualTo("4");
  }
}
