package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Counting;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A view is left as it is while nothing that it reads is written. */
class RefreshIfChangedTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static final Duration AGE = Duration.ofDays(1);
  private static final Table<?> MV_TOP = WipViews.view("mv_top");

  private final WipViews views = WipViews.of(database.dataSource());

  /**
   * It reads a table, another registered view, a partitioned table through a view, and a function.
   */
  @BeforeAll
  static void makeViews() throws SQLException {
    database.execute(
        "CREATE TABLE plain (id integer)",
        "CREATE TABLE base (id integer)",
        "CREATE TABLE parts (id integer) PARTITION BY LIST (id)",
        "CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1)",
        "CREATE TABLE hidden (id integer)",
        "CREATE TABLE other (id integer)",
        "CREATE TABLE last (id integer)",
        "CREATE VIEW between AS SELECT id FROM parts",
        "CREATE FUNCTION numbers() RETURNS SETOF integer LANGUAGE sql STABLE"
            + " BEGIN ATOMIC SELECT id FROM hidden; END");
    view("mv_base", "SELECT id FROM base GROUP BY id");
    view(
        "mv_top",
        "SELECT id, count(*) FROM (SELECT id FROM plain UNION ALL SELECT id FROM mv_base UNION ALL"
            + " SELECT id FROM between UNION ALL SELECT n FROM numbers() AS n) AS all_of_them"
            + " GROUP BY id");
  }

  private static void view(String name, String query) throws SQLException {
    new OwnView(name, query, "id").registerIn(database, 1);
  }

  /**
   * Waits until all that was written before is counted, as a row that is written last is, and has
   * the view refreshed.
   */
  private void settle() throws Exception {
    database.execute("INSERT INTO last DEFAULT VALUES");
    Await.until(
        "what was written is counted",
        () ->
            database.value(
                "SELECT pg_stat_get_tuples_inserted('last'::regclass) = (SELECT count(*) FROM"
                    + " last)"),
        "t"::equals);
    views.refreshIfChanged(MV_TOP, AGE);
  }

  private void awaitRefresh() throws Exception {
    Optional<Refresh> refresh =
        Await.until(
            "it was reported", () -> views.refreshIfChanged(MV_TOP, AGE), Optional::isPresent);
    assertThat(refresh).map(Refresh::view).contains("mv_top");
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(
      strings = {
        "INSERT INTO plain VALUES (1)",
        "INSERT INTO base VALUES (2)",
        "INSERT INTO parts VALUES (1)",
        "INSERT INTO hidden VALUES (1)",
        "UPDATE plain SET id = 3",
        "DELETE FROM plain",
        "TRUNCATE plain",
        "CREATE TABLE part_2 PARTITION OF parts FOR VALUES IN (2)",
        "CREATE OR REPLACE VIEW between AS SELECT id FROM parts WHERE id > 0",
        "CREATE OR REPLACE FUNCTION numbers() RETURNS SETOF integer LANGUAGE sql STABLE"
            + " BEGIN ATOMIC SELECT id + 1 FROM hidden; END"
      })
  void what_changes_what_it_shows_has_it_refreshed(String statement) throws Exception {
    database.execute("INSERT INTO plain VALUES (1)");
    settle();

    database.execute(statement);

    awaitRefresh();
  }

  @Test
  void otherwise_it_is_left_alone_and_nothing_is_on_record() throws Exception {
    settle();
    database.execute("INSERT INTO other VALUES (1)", "DELETE FROM other");
    String before = database.value("SELECT count(*) FROM wip_view_refresh");
    List<String> statements = new CopyOnWriteArrayList<>();

    assertThat(
            WipViews.of(Counting.statements(database.dataSource(), statements))
                .refreshIfChanged(MV_TOP, AGE))
        .isEmpty();

    assertThat(statements).hasSize(1);
    assertThat(database.rows("SELECT FROM refresh_wip_view_if_changed('mv_top', '1 day')"))
        .isEmpty();
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh")).isEqualTo(before);
  }

  @Test
  void a_view_that_is_too_old_is_refreshed_in_any_case() throws Exception {
    settle();

    assertThat(views.refreshIfChanged(MV_TOP, Duration.ZERO)).isPresent();
    assertThat(views.refreshIfChanged(MV_TOP, AGE)).isEmpty();
  }

  @Test
  void another_refresh_in_between_does_no_harm() throws Exception {
    settle();
    views.refreshAll();
    database.execute("CALL refresh_wip_views()");

    assertThat(views.refreshIfChanged(MV_TOP, AGE)).isEmpty();
  }

  @Thorough
  @Test
  void a_view_without_rows_is_refreshed() throws Exception {
    settle();
    database.execute("REFRESH MATERIALIZED VIEW mv_top WITH NO DATA");

    assertThat(views.refreshIfChanged(MV_TOP, AGE)).isPresent();
  }

  @Test
  void what_the_callers_transaction_has_written_counts_at_once() throws Exception {
    settle();
    try (Connection connection = database.inTransaction("INSERT INTO plain VALUES (77)")) {
      WipViews joined =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));

      assertThat(joined.refreshIfChanged(MV_TOP, AGE)).isPresent();
      try (Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery("SELECT FROM mv_top WHERE id = 77")) {
        assertThat(row.next()).isTrue();
      }
      connection.rollback();
      assertThat(joined.refreshIfChanged(MV_TOP, AGE).map(Refresh::view))
          .isIn(Optional.empty(), Optional.of("mv_top"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT 1 AS id, now() AS at -> it reads the clock, by now()",
        "SELECT id FROM other WHERE clock_timestamp() > '2020-01-01' -> it reads the clock, by"
            + " clock_timestamp()",
        "SELECT 1 AS id, CURRENT_DATE AS day -> it reads the clock, by CURRENT_DATE",
        "SELECT 1 AS id, LOCALTIMESTAMP(0) AS at -> it reads the clock, by CURRENT_DATE",
        "SELECT 1 AS id, age(timestamp '2020-01-01') AS age -> it reads the clock, by age(timestamp"
            + " without time zone)",
        "SELECT id FROM timed -> it reads the clock, by now()",
        "SELECT id FROM today() AS id -> it reads the clock, by CURRENT_DATE",
        "SELECT 1 AS id, random() AS r -> it calls random(), which is volatile",
        "SELECT 1 AS id WHERE guess(1) = 1 -> it calls public.guess(integer), and what that reads"
            + " is not known",
        "SELECT 1 AS id, (SELECT count(*) FROM pg_class) AS n -> it reads pg_class, in which the"
            + " server counts no rows"
      })
  void a_view_of_which_the_counts_say_nothing_is_refused(String row) throws Exception {
    database.execute(
        "CREATE OR REPLACE VIEW timed AS SELECT id FROM other WHERE now() > '2020-01-01'",
        "CREATE OR REPLACE FUNCTION today() RETURNS integer LANGUAGE sql STABLE"
            + " RETURN extract(day FROM CURRENT_DATE)::integer",
        "CREATE OR REPLACE FUNCTION guess(n integer) RETURNS integer LANGUAGE plpgsql STABLE"
            + " AS 'BEGIN RETURN n; END'",
        "DROP MATERIALIZED VIEW IF EXISTS mv_refused",
        "DELETE FROM wip_view WHERE view_name = 'mv_refused'");
    view("mv_refused", row.split(" -> ")[0]);

    assertThatThrownBy(() -> views.refreshIfChanged(WipViews.view("mv_refused"), AGE))
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining(
            "it cannot be told whether mv_refused has changed: " + row.split(" -> ")[1])
        .satisfies(
            e -> {
              WipViewsException refusal = (WipViewsException) e;
              assertThat(refusal.sqlState()).contains("0A000");
              assertThat(refusal.remedy().orElseThrow()).contains("wip-views refresh --max-age");
            });
    database.execute(
        "DROP MATERIALIZED VIEW mv_refused", "DELETE FROM wip_view WHERE view_name = 'mv_refused'");
  }

  @Test
  void functions_that_are_stable_for_the_time_zone_are_no_clock() throws Exception {
    database.execute("CREATE TABLE stamped (id timestamptz)");
    view(
        "mv_days",
        "SELECT date_trunc('day', id) AS id, to_char(date_trunc('day', id), 'YYYY') AS year,"
            + " extract(hour FROM min(id)) AS first, CURRENT_USER AS role, count(*) AS n"
            + " FROM stamped GROUP BY date_trunc('day', id)");

    assertThat(views.refreshIfChanged(WipViews.view("mv_days"), AGE)).isPresent();
    database.execute(
        "DROP MATERIALIZED VIEW mv_days", "DELETE FROM wip_view WHERE view_name = 'mv_days'");
  }

  @Test
  void an_unknown_view_and_a_missing_one_are_errors_as_ever() throws Exception {
    assertThatThrownBy(() -> views.refreshIfChanged(WipViews.view("mv_tpo"), AGE))
        .isInstanceOf(UnknownViewException.class);
    database.execute(
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_gone', 1, '1 day', '')");
    assertThatThrownBy(() -> views.refreshIfChanged(WipViews.view("mv_gone"), AGE))
        .hasMessageContaining("mv_gone");
    database.execute("DELETE FROM wip_view WHERE view_name = 'mv_gone'");
  }
}
