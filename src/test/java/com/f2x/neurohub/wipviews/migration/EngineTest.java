package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The engine alone, on a database without an MES, keeps a service's view as it keeps ours. */
class EngineTest {

  /** What no name in the engine may say. */
  private static final String OF_THE_MES =
      "(?i).*(wip_item|lots?\\b|station|process_|dashboard|queue|stuck|bottleneck).*";

  private final TestDatabase database = TestDatabase.engine();
  private final WipViewsMigration engine =
      WipViewsMigration.of(database.dataSource()).only("engine");
  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void create() throws SQLException {
    database.create();
    database.execute("INSERT INTO orders VALUES (1, 'ann', 70), (2, 'ann', 50), (3, 'bob', 20)");
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void it_has_nothing_of_the_mes() throws SQLException {
    assertThat(database.objects()).noneMatch(object -> object.matches(OF_THE_MES));
    assertThat(
            database.rows(
                "SELECT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
                    + " WHERE c.relname ~ '^wip_view' AND a.attnum > 0"))
        .noneMatch(column -> column.get(0).matches(OF_THE_MES));
  }

  @Test
  void a_second_update_changes_nothing() {
    List<String> ran = new ArrayList<>();

    engine.withProgress(ran::add).update();

    assertThat(ran).containsExactly("engine-preflight", "settings", "access", "drift");
  }

  @Test
  void its_views_are_refreshed_in_order_and_are_fresh() throws SQLException {
    OwnView.CUSTOMERS.promoteIn(database);
    OwnView.BIG_CUSTOMERS.promoteIn(database);
    database.execute("UPDATE orders SET amount = 200 WHERE customer = 'bob'");

    assertThat(views.refreshAll())
        .extracting(Refresh::view, Refresh::mode)
        .containsExactly(
            tuple("mv_customers", Refresh.Mode.CONCURRENT),
            tuple("mv_big_customers", Refresh.Mode.CONCURRENT));

    assertThat(database.value("SELECT count(*) FROM mv_big_customers")).isEqualTo("2");
    assertThat(views.freshness())
        .extracting(Freshness::state)
        .containsExactly(Freshness.State.FRESH, Freshness.State.FRESH);
    assertThat(database.rows("SELECT view_name, refresh_order FROM wip_view ORDER BY 2"))
        .containsExactly(List.of("mv_customers", "1"), List.of("mv_big_customers", "2"));
  }

  @Thorough
  @Test
  void a_caller_refreshes_all_in_its_own_transaction() throws SQLException {
    OwnView.CUSTOMERS.promoteIn(database);
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      WipViews own = WipViews.of(DSL.using(connection, SQLDialect.POSTGRES).configuration());

      assertThat(own.refreshAll())
          .extracting(Refresh::outcome)
          .containsExactly(Refresh.Outcome.REFRESHED);
    }
    database.execute("SELECT refresh_all_wip_views()", "CALL refresh_wip_views()");
  }

  @Thorough
  @Test
  void doctor_asks_for_nothing_of_the_mes() throws SQLException {
    OwnView.CUSTOMERS.promoteIn(database);
    assertThat(views.diagnose()).isEmpty();

    database.execute("DROP VIEW wip_view_daily", "DROP MATERIALIZED VIEW mv_customers");

    assertThat(views.diagnose())
        .extracting(Finding::check)
        .containsExactly("incomplete", "view-state");
  }

  @Thorough
  @Test
  void recreate_brings_back_views_and_functions() throws SQLException {
    OwnView.CUSTOMERS.promoteIn(database);
    OwnView.BIG_CUSTOMERS.promoteIn(database);
    database.execute(
        "DROP MATERIALIZED VIEW mv_big_customers",
        "DROP MATERIALIZED VIEW mv_customers",
        // which is not the order in which they can be made
        "UPDATE wip_view SET refresh_order = 9 WHERE view_name = 'mv_customers'",
        "DROP FUNCTION refresh_all_wip_views()",
        "DROP VIEW wip_view_daily");

    assertThat(WipViewsMigration.of(database.dataSource()).recreate(List.of()))
        .containsExactly("mv_big_customers", "mv_customers");

    assertThat(views.diagnose()).isEmpty();
    assertThat(views.refreshAll()).hasSize(2);
  }

  @Thorough
  @Test
  void an_update_makes_again_what_was_dropped() throws SQLException {
    database.execute("DROP FUNCTION refresh_all_wip_views()", "DROP VIEW wip_view_daily");

    engine.update();

    assertThat(database.value("SELECT to_regclass('wip_view_daily')")).isEqualTo("wip_view_daily");
    assertThat(database.value("SELECT to_regproc('refresh_all_wip_views')"))
        .isEqualTo("refresh_all_wip_views");
  }

  @Thorough
  @Test
  void a_rollback_stops_for_its_views_and_then_takes_all() throws SQLException {
    OwnView.CUSTOMERS.promoteIn(database);
    for (WipViewsMigration migration :
        List.of(engine, WipViewsMigration.of(database.dataSource()))) {
      assertThatThrownBy(migration::rollback)
          .hasMessage("cannot roll back: another changelog registered mv_customers");
    }
    database.execute("SELECT wip_view_remove('mv_customers')");

    engine.rollback();

    assertThat(database.objects())
        .containsExactly(
            "relation i public.orders_pkey", "relation r public.orders", "schema public");
    engine.update();
    assertThat(views.freshness()).isEmpty();
  }

  @Thorough
  @Test
  void the_wip_part_is_deployed_onto_it_and_goes_with_it() throws SQLException {
    List<String> before = database.objects();
    WipViewsMigration root = WipViewsMigration.of(database.dataSource());
    root.installMinimalMes();
    root.update();
    assertThat(views.refreshAll()).hasSize(2);
    assertThat(views.diagnose()).isEmpty();

    assertThatThrownBy(engine::rollback)
        .hasMessage("cannot roll back: the WIP part is deployed on the engine");
    root.rollback();

    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
    assertThat(before).anyMatch(object -> object.contains("wip_view"));
  }

  @Test
  void without_an_mes_an_update_says_how_to_deploy_it() throws SQLException {
    TestDatabase empty = TestDatabase.empty().create();
    try {
      assertThatThrownBy(WipViewsMigration.of(empty.dataSource())::update)
          .hasMessageContaining("missing: table public.lots; table public.processes;")
          .extracting(e -> ((WipViewsException) e).remedy())
          .isEqualTo(
              Optional.of(
                  "Where there is no MES, deploy the engine alone: wip-views update --only"
                      + " engine."));
      assertThat(empty.objects()).containsExactly("schema public");
    } finally {
      empty.drop();
    }
  }

  @Thorough
  @Test
  void readers_may_read_a_first_view_as_soon_as_it_is_there() throws SQLException {
    String reader = "reader_of_" + database.name();
    database.execute("CREATE ROLE " + reader);
    engine.withParameter("readerRole", reader).update();

    OwnView.CUSTOMERS.promoteIn(database);

    assertThat(
            database.value(
                "SELECT has_table_privilege('" + reader + "', 'mv_customers', 'SELECT')"))
        .isEqualTo("t");
    database.execute("DROP OWNED BY " + reader, "DROP ROLE " + reader);
  }

  @Thorough
  @Test
  void the_schedule_has_its_table_there() throws SQLException {
    engine.with("db-scheduler").update();

    assertThat(database.value("SELECT count(*) FROM wip_view_schedule")).isEqualTo("0");
    engine.rollback();
    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
  }
}
