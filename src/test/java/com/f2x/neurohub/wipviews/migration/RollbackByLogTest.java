package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A rollback takes all that is there, or nothing: Liquibase's log alone does not decide. */
@Thorough
class RollbackByLogTest {

  private static final TestDatabase DEPLOYED = TestDatabase.mes();
  private static List<String> before;

  private final TestDatabase database = TestDatabase.copyOf(DEPLOYED);
  private final WipViewsMigration migration = WipViewsMigration.of(database.dataSource());

  @BeforeAll
  static void deploy() throws SQLException {
    DEPLOYED.create();
    before = DEPLOYED.objects();
    WipViewsMigration.of(DEPLOYED.dataSource()).with("db-scheduler").update();
  }

  @AfterAll
  static void drop_what_was_copied() throws SQLException {
    DEPLOYED.drop();
  }

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void a_log_in_another_schema_is_found() throws SQLException {
    database.execute("CREATE SCHEMA log", "ALTER TABLE databasechangelog SET SCHEMA log");

    migration.update();
    migration.rollback();

    assertThat(database.objects()).containsExactlyElementsOf(with(before, "schema log"));
    assertThat(logged("log.databasechangelog")).isEqualTo("0");
  }

  @Test
  void a_log_of_another_name_is_found() throws SQLException {
    database.execute("ALTER TABLE databasechangelog RENAME TO what_ran");

    migration.rollback();

    assertThat(database.objects())
        .containsAll(before)
        .noneMatch(object -> object.contains("wip_view"));
    assertThat(logged("what_ran")).isEqualTo("0");
  }

  @Test
  void the_log_of_a_deploy_in_another_schema_is_left_alone() throws SQLException {
    database.execute(
        "CREATE SCHEMA other",
        "CREATE TABLE other.wip_view ()",
        "ALTER TABLE databasechangelog SET SCHEMA other");

    assertThatThrownBy(migration::rollback)
        .isInstanceOf(WipViewsException.class)
        .hasMessageStartingWith(
            "cannot roll back: Liquibase's log, public.databasechangelog, does not know of");
  }

  @Test
  void several_logs_that_may_be_meant_are_named() throws SQLException {
    database.execute(
        "CREATE SCHEMA one",
        "CREATE SCHEMA two",
        "CREATE TABLE one.databasechangelog AS TABLE databasechangelog",
        "ALTER TABLE databasechangelog SET SCHEMA two");

    assertThatThrownBy(migration::rollback)
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining("one.databasechangelog, two.databasechangelog")
        .extracting(e -> ((WipViewsException) e).remedy().orElseThrow())
        .asString()
        .contains("LIQUIBASE_LIQUIBASE_SCHEMA_NAME");
  }

  @Test
  void without_its_log_it_takes_nothing_and_says_what_to_do() throws SQLException {
    database.execute("DROP TABLE databasechangelog");
    Map<String, String> deployed = CatalogSnapshot.of(database);

    assertThatThrownBy(migration::rollback)
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining("does not know of")
        .extracting(e -> ((WipViewsException) e).remedy())
        .isEqualTo(
            Optional.of("Put it on record, then roll back: wip-views update --with db-scheduler"));
    assertThat(CatalogSnapshot.difference(deployed, CatalogSnapshot.of(database))).isEmpty();

    migration.with("db-scheduler").update();
    migration.rollback();
    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void what_it_needs_itself_and_is_gone_stops_it_before_the_first() throws SQLException {
    database.execute("DROP FUNCTION wip_view_promote");
    Map<String, String> deployed = CatalogSnapshot.of(database);

    assertThatThrownBy(migration::rollback)
        .isInstanceOf(WipViewsException.class)
        .hasMessage("cannot roll back: what it needs is missing: wip_view_promote");
    assertThat(CatalogSnapshot.difference(deployed, CatalogSnapshot.of(database))).isEmpty();

    migration.update();
    migration.rollback();
    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void a_log_of_what_is_not_there_is_cleared() throws SQLException {
    database.execute("CREATE TABLE kept AS TABLE databasechangelog");
    migration.rollback();
    database.execute("INSERT INTO databasechangelog SELECT * FROM kept", "DROP TABLE kept");

    migration.rollback();

    assertThat(database.rows("SELECT id FROM databasechangelog")).isEmpty();
    migration.update();
    assertThat(WipViews.of(database.dataSource()).freshness()).isNotEmpty();
  }

  @Test
  void views_that_another_changelog_registered_stop_it_by_name() throws SQLException {
    for (String view : List.of("mv_lower", "mv_upper")) {
      database.execute(
          ("DO $$ BEGIN PERFORM wip_view_stage('%1$s');"
                  + " CREATE MATERIALIZED VIEW %1$s AS SELECT id FROM %2$s;"
                  + " CREATE UNIQUE INDEX %1$s_id ON %1$s (id);"
                  + " PERFORM wip_view_promote('%1$s', 9, interval '1 hour'); END $$")
              .formatted(view, view.equals("mv_lower") ? "lots" : "mv_lower"));
    }
    Map<String, String> deployed = CatalogSnapshot.of(database);

    assertThatThrownBy(migration::rollback)
        .isInstanceOf(WipViewsException.class)
        .hasMessage("cannot roll back: another changelog registered mv_upper, mv_lower")
        .extracting(e -> ((WipViewsException) e).remedy())
        .isEqualTo(
            Optional.of(
                "Roll that one back first, or remove each by hand:"
                    + " SELECT public.wip_view_remove('mv_upper');"
                    + " SELECT public.wip_view_remove('mv_lower');"));
    assertThat(CatalogSnapshot.difference(deployed, CatalogSnapshot.of(database))).isEmpty();

    database.execute(
        "SELECT public.wip_view_remove('mv_upper')", "SELECT public.wip_view_remove('mv_lower')");
    migration.rollback();
    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void nothing_can_be_refreshed_where_no_view_is_registered() throws SQLException {
    database.execute("DELETE FROM wip_view");

    assertThatThrownBy(WipViews.of(database.dataSource())::refreshAll)
        .isInstanceOf(NotDeployedException.class)
        .hasMessage("there is nothing to refresh: no view is registered");
  }

  private String logged(String table) throws SQLException {
    return database.value("SELECT count(*) FROM " + table + " WHERE author = 'wip-views'");
  }

  private static List<String> with(List<String> objects, String object) {
    return Stream.concat(objects.stream(), Stream.of(object)).sorted().toList();
  }
}
