package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Who owns what after a deploy: a view that was adopted keeps its owner, who gets the rights that
 * refreshes need or is named; the rest belongs to one role.
 */
@Thorough
class OwnersTest {

  private static final List<String> ROLES = List.of("mes_owner", "mes_deploy", "mes_reader");

  private final TestDatabase database = TestDatabase.mes();

  @BeforeEach
  void create() throws SQLException {
    database.create();
    for (String role : ROLES) {
      database.execute(
          "DROP ROLE IF EXISTS " + role, "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'");
    }
    database.execute(
        "GRANT CREATE, TEMPORARY ON DATABASE " + database.name() + " TO mes_deploy",
        "GRANT USAGE, CREATE ON SCHEMA public TO mes_deploy, mes_owner",
        "GRANT SELECT ON lots, processes, wip_items, wip_process_history TO mes_owner, mes_deploy");
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
    for (String role : ROLES) {
      TestDatabase.onServer("DROP ROLE " + role);
    }
  }

  @Test
  void a_superuser_adopts_views_of_another_role() throws Exception {
    madeByHandBy("mes_owner");

    WipViewsMigration.of(database.dataSource()).update();

    bothAreRefreshedBy(database.dataSource());
    assertThat(owner("mv_process_wip_queue")).isEqualTo("mes_owner");
  }

  @Test
  void the_view_that_both_read_goes_to_the_owner_of_the_registry() throws Exception {
    WipViewsMigration.of(deployer()).update();
    database.execute("ALTER VIEW wip_item_station OWNER TO CURRENT_USER");
    assertThat(WipViews.of(database.dataSource()).diagnose())
        .flatExtracting(finding -> finding.remedy())
        .contains("ALTER TABLE public.wip_item_station OWNER TO mes_deploy;");

    WipViewsMigration.of(database.dataSource()).update();

    assertThat(owner("wip_item_station")).isEqualTo("mes_deploy");
  }

  @Test
  void a_member_of_their_owner_adopts_views() throws Exception {
    madeByHandBy("mes_owner");
    database.execute("GRANT mes_owner TO mes_deploy");

    WipViewsMigration.of(deployer()).update();

    bothAreRefreshedBy(deployer());
    assertThat(owner("mv_process_wip_queue")).isEqualTo("mes_owner");
    assertThat(owner("wip_view")).isEqualTo("mes_deploy");
  }

  @Test
  void an_owner_who_may_not_read_is_named_before_the_swap() throws Exception {
    madeByHandBy("mes_owner");
    database.execute("REVOKE SELECT ON wip_process_history FROM mes_owner");

    assertThatThrownBy(WipViewsMigration.of(database.dataSource())::update)
        .hasMessage(
            "mv_process_wip_queue could not be refreshed: its owner, mes_owner, lacks SELECT on"
                + " public.wip_process_history")
        .extracting(e -> ((WipViewsException) e).remedy())
        .isEqualTo(Optional.of("GRANT SELECT ON TABLE public.wip_process_history TO mes_owner;"));

    database.execute("SELECT refresh_all_wip_views()");
    database.execute("GRANT SELECT ON TABLE public.wip_process_history TO mes_owner");
    WipViewsMigration.of(database.dataSource()).update();
    bothAreRefreshedBy(database.dataSource());
  }

  @Test
  void a_refresh_names_the_owner_and_the_right_it_lost() throws Exception {
    madeByHandBy("mes_owner");
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource());
    migration.update();
    database.execute("REVOKE SELECT ON processes FROM mes_owner");

    WipViews views = WipViews.of(database.dataSource());
    assertThatThrownBy(() -> views.refresh(MV_PROCESS_WIP_QUEUE))
        .hasMessageContaining("its owner, mes_owner, lacks SELECT on public.processes")
        .extracting(e -> ((WipViewsException) e).remedy())
        .isEqualTo(Optional.of("GRANT SELECT ON TABLE public.processes TO mes_owner;"));
    assertThat(missing()).containsExactly("GRANT SELECT ON TABLE public.processes TO mes_owner");
    assertThatThrownBy(migration::update)
        .hasMessageContaining(
            "missing: what refreshes of mv_process_wip_queue need (GRANT SELECT ON TABLE"
                + " public.processes TO mes_owner)");

    database.execute(missing().get(0));
    migration.update();
    bothAreRefreshedBy(database.dataSource());
  }

  @Test
  void a_view_given_away_is_refreshed_after_an_update() throws Exception {
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource());
    migration.update();
    database.execute("ALTER MATERIALIZED VIEW mv_process_wip_queue OWNER TO mes_owner");

    assertThatThrownBy(() -> WipViews.of(database.dataSource()).refresh(MV_PROCESS_WIP_QUEUE))
        .hasMessageContaining("its owner, mes_owner, lacks SELECT on public.wip_item_station,")
        .hasMessageContaining("SELECT on public.wip_view_settings");
    migration.update();

    bothAreRefreshedBy(database.dataSource());
    assertThat(owner("mv_process_wip_queue")).isEqualTo("mes_owner");
    migration.recreate(List.of());
    bothAreRefreshedBy(database.dataSource());
    assertThat(owner("mv_process_wip_queue")).isEqualTo("mes_owner");
  }

  @Test
  void the_refreshing_role_must_be_a_member_of_the_owner() throws Exception {
    madeByHandBy("mes_owner");
    database.execute("GRANT mes_owner TO mes_deploy");
    WipViewsMigration.of(deployer()).update();
    database.execute("REVOKE mes_owner FROM mes_deploy");

    assertThatThrownBy(() -> WipViews.of(deployer()).refresh(MV_PROCESS_WIP_QUEUE))
        .hasMessageContaining("mes_deploy")
        .hasMessageContaining("mes_owner")
        .extracting(e -> ((WipViewsException) e).remedy())
        .isEqualTo(Optional.of("GRANT mes_owner TO mes_deploy;"));
    assertThat(missing()).containsExactly("GRANT mes_owner TO mes_deploy");

    database.execute("GRANT mes_owner TO mes_deploy");
    bothAreRefreshedBy(deployer());
  }

  @Test
  void what_a_superuser_deploys_later_belongs_to_the_first() throws Exception {
    WipViewsMigration.of(deployer()).update();
    WipViewsMigration later = WipViewsMigration.of(database.dataSource());
    database.execute(
        "DROP FUNCTION refresh_all_wip_views()",
        "DROP VIEW wip_view_daily",
        "DROP MATERIALIZED VIEW mv_process_wip_queue");

    later.recreate(List.of());

    assertThat(
            database.rows(
                """
                SELECT DISTINCT relowner::regrole FROM pg_class
                WHERE relname ~ '^(wip_view|mv_)' AND relkind IN ('r', 'v', 'm')
                UNION ALL
                SELECT DISTINCT proowner::regrole FROM pg_proc WHERE proname ~ '^(wip_view|refresh_)'
                """))
        .containsExactly(List.of("mes_deploy"), List.of("mes_deploy"));
    bothAreRefreshedBy(deployer());
  }

  @Test
  void what_a_stranger_made_under_such_a_name_stays_his() throws Exception {
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource());
    migration.update();
    database.execute(
        "CREATE FUNCTION wip_view_theirs() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT"
            + " current_user::text'",
        "ALTER FUNCTION wip_view_theirs() OWNER TO mes_owner");

    migration.update();
    migration.recreate(List.of());

    assertThat(database.value("SELECT wip_view_theirs()")).isEqualTo("mes_owner");
  }

  @Test
  void readers_may_read_a_view_as_soon_as_it_is_promoted() throws Exception {
    WipViewsMigration.of(deployer()).withParameter("readerRole", "mes_reader").update();

    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT wip_view_stage('mv_lots')");
      statement.execute("CREATE MATERIALIZED VIEW mv_lots AS SELECT id, lot_number FROM lots");
      statement.execute("CREATE UNIQUE INDEX ON mv_lots (id)");
      statement.execute("SELECT wip_view_promote('mv_lots', 3, interval '1 hour')");
      connection.commit();
    }

    assertThat(database.value("SELECT has_table_privilege('mes_reader', 'mv_lots', 'SELECT')"))
        .isEqualTo("t");
    assertThat(owner("mv_lots")).isEqualTo("mes_deploy");
    assertThat(WipViews.of(deployer()).refreshAll()).hasSize(3);
    database.execute("REVOKE SELECT ON mv_lots FROM mes_reader");
    WipViewsMigration.of(deployer()).update();
    assertThat(database.value("SELECT has_table_privilege('mes_reader', 'mv_lots', 'SELECT')"))
        .isEqualTo("t");
  }

  private DataSource deployer() {
    return database.dataSource("mes_deploy", "secret");
  }

  private void madeByHandBy(String role) throws SQLException {
    HandMade.in(database);
    for (String view : List.of("mv_wip_status_dashboard", "mv_process_wip_queue")) {
      database.execute("ALTER MATERIALIZED VIEW " + view + " OWNER TO " + role);
    }
    for (String function :
        List.of(
            "refresh_wip_status_dashboard", "refresh_process_wip_queue", "refresh_all_wip_views")) {
      database.execute("ALTER FUNCTION " + function + "() OWNER TO " + role);
    }
  }

  private String owner(String relation) throws SQLException {
    return database.value(
        "SELECT relowner::regrole FROM pg_class WHERE oid = '" + relation + "'::regclass");
  }

  private List<String> missing() throws SQLException {
    return database.rows("SELECT statement FROM wip_view_rights WHERE NOT held").stream()
        .map(row -> row.get(0))
        .toList();
  }

  private void bothAreRefreshedBy(DataSource caller) throws SQLException {
    assertThat(missing()).isEmpty();
    assertThat(WipViews.of(caller).refreshAll())
        .extracting(Refresh::outcome)
        .containsExactly(Refresh.Outcome.REFRESHED, Refresh.Outcome.REFRESHED);
  }
}
