package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A view is refreshed after the views that it reads, and is no fresher than they are. */
class RefreshOrderTest {

  private final TestDatabase database = TestDatabase.engine();
  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
    database.execute("CREATE TABLE source (id integer)", "INSERT INTO source VALUES (1)");
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  /** Makes a view that is registered, with an order that is wrong wherever it can be. */
  private void view(String name, int order, String query) throws SQLException {
    database.execute(
        "CREATE MATERIALIZED VIEW " + name + " AS " + query,
        "CREATE UNIQUE INDEX ON " + name + " (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('"
            + name
            + "', "
            + order
            + ", '1 day', wip_view_definition('"
            + name
            + "'::regclass))");
  }

  private List<String> order() throws SQLException {
    return database.rows("SELECT view_name FROM wip_view_order ORDER BY position").stream()
        .map(row -> row.get(0))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"SELECT refresh_all_wip_views()", "CALL refresh_wip_views()", "java"})
  void a_chain_and_a_diamond_are_refreshed_once_each(String call) throws Exception {
    view("mv_base", 9, "SELECT id FROM source");
    view("mv_left", 8, "SELECT id FROM mv_base");
    view("mv_right", 7, "SELECT id FROM mv_base");
    view("mv_top", 1, "SELECT l.id FROM mv_left AS l JOIN mv_right AS r ON r.id = l.id");
    view("mv_alone", 5, "SELECT 1 AS id");
    assertThat(order()).containsExactly("mv_base", "mv_right", "mv_left", "mv_top", "mv_alone");
    database.execute("INSERT INTO source VALUES (2)");

    if (call.equals("java")) {
      views.refreshAll();
    } else {
      database.execute(call);
    }

    assertThat(database.value("SELECT count(*) FROM mv_top")).isEqualTo("2");
    assertThat(database.rows("SELECT view_name, outcome FROM wip_view_history ORDER BY started_at"))
        .extracting(row -> String.join(" ", row))
        .containsExactly(
            "mv_base refreshed",
            "mv_right refreshed",
            "mv_left refreshed",
            "mv_top refreshed",
            "mv_alone refreshed");
    assertThat(views.freshness()).extracting(Freshness::view).isEqualTo(order());
  }

  @Thorough
  @Test
  void the_registered_order_decides_among_views_that_read_no_other() throws Exception {
    view("mv_c", 1, "SELECT 1 AS id");
    view("mv_b", 2, "SELECT 1 AS id");
    view("mv_a", 2, "SELECT 1 AS id");

    assertThat(order()).containsExactly("mv_c", "mv_a", "mv_b");
  }

  @Test
  void what_lies_between_two_registered_views_does_not_hide_one() throws Exception {
    view("mv_base", 9, "SELECT id FROM source");
    database.execute(
        "CREATE MATERIALIZED VIEW between_1 AS SELECT id FROM mv_base",
        "CREATE VIEW between_2 AS SELECT id FROM between_1",
        "CREATE FUNCTION between_3() RETURNS SETOF integer LANGUAGE sql STABLE"
            + " BEGIN ATOMIC SELECT id FROM between_2; END");
    view("mv_top", 1, "SELECT b AS id FROM between_3() AS b");

    assertThat(order()).containsExactly("mv_base", "mv_top");
    assertThat(database.value("SELECT reads FROM wip_view_order WHERE view_name = 'mv_top'"))
        .isEqualTo("{mv_base}");
  }

  @Test
  void a_view_that_is_missing_keeps_its_place_in_the_order() throws Exception {
    view("mv_a", 1, "SELECT 1 AS id");
    view("mv_b", 2, "SELECT 1 AS id");
    database.execute("DROP MATERIALIZED VIEW mv_a");

    assertThat(order()).containsExactly("mv_a", "mv_b");
  }

  @Thorough
  @Test
  void a_view_is_no_fresher_than_the_rows_that_it_read() throws Exception {
    view("mv_base", 1, "SELECT id FROM source");
    view("mv_middle", 2, "SELECT id FROM mv_base");
    view("mv_top", 3, "SELECT id FROM mv_middle");
    views.refreshAll();
    Instant first = refreshedAt("mv_base");
    assertThat(refreshedAt("mv_middle")).isEqualTo(first);

    // its own refresh alone makes it no fresher
    refreshAlone("mv_top");
    assertThat(refreshedAt("mv_top")).isEqualTo(first);

    // nor does one of what it reads, which it does not show
    views.refresh(WipViews.view("mv_base"));
    assertThat(refreshedAt("mv_base")).isAfter(first);
    assertThat(refreshedAt("mv_top")).isEqualTo(first);
    refreshAlone("mv_top");
    assertThat(refreshedAt("mv_top")).isEqualTo(first);

    views.refreshAll();
    assertThat(refreshedAt("mv_top")).isEqualTo(refreshedAt("mv_base")).isAfter(first);
  }

  @Thorough
  @Test
  void a_view_over_rows_of_unknown_age_is_not_called_fresh() throws Exception {
    view("mv_base", 1, "SELECT id FROM source");
    view("mv_top", 2, "SELECT id FROM mv_base");

    refreshAlone("mv_top");

    assertThat(views.freshness(WipViews.view("mv_top")))
        .returns(Freshness.State.STALE, Freshness::state)
        .returns(null, Freshness::age);
  }

  /** What a promotion has filled may wait long for its place, while what it read is refreshed. */
  @Thorough
  @Test
  void a_promoted_view_is_no_fresher_than_what_it_read() throws Exception {
    view("mv_base", 1, "SELECT id FROM source");
    view("mv_top", 2, "SELECT id FROM mv_base");
    views.refreshAll();
    Instant first = refreshedAt("mv_base");
    try (Callers callers = new Callers();
        Connection reader = database.inTransaction("SELECT FROM mv_top")) {
      Future<Boolean> promotion =
          callers
              .start(
                  1,
                  database::connect,
                  (number, connection) -> {
                    try (Statement statement = connection.createStatement()) {
                      return statement.execute("SELECT wip_view_recreate('mv_top')");
                    }
                  })
              .get(0);
      Await.until(
          "the promotion has its turn",
          () -> database.value("SELECT since IS NOT NULL FROM wip_view_running"),
          "t"::equals);
      views.refresh(WipViews.view("mv_base"));
      reader.rollback();
      Await.result(promotion);
    }

    assertThat(refreshedAt("mv_base")).isAfter(first);
    assertThat(refreshedAt("mv_top")).isEqualTo(first);
  }

  private void refreshAlone(String view) throws SQLException {
    database.execute("SELECT wip_view_run(wip_view_request('" + view + "'))");
  }

  private Instant refreshedAt(String view) {
    return views.freshness(WipViews.view(view)).lastRefreshedAt();
  }
}
