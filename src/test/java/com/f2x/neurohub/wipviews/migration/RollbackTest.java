package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.RandomFactory;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Everything that a deploy made can be taken away again, and nothing else goes with it. */
class RollbackTest {

  private static final List<String> MES =
      List.of("lots", "processes", "wip_items", "wip_process_history");

  private static final TestDatabase DEPLOYED = TestDatabase.mes();
  private static List<String> objects;
  private static List<String> rows;

  private final TestDatabase database = TestDatabase.copyOf(DEPLOYED);
  private final WipViewsMigration migration = WipViewsMigration.of(database.dataSource());

  @BeforeAll
  static void a_factory_with_the_views() throws Exception {
    DEPLOYED.create();
    try (Connection connection = DEPLOYED.connect()) {
      new RandomFactory(new Random(1), 10, 10, 0).load(connection);
    }
    DEPLOYED.execute("DROP INDEX idx_wip_items_status");
    objects = DEPLOYED.objects();
    rows = rows(DEPLOYED);
    WipViewsMigration.of(DEPLOYED.dataSource()).update();
  }

  @AfterAll
  static void drop() throws Exception {
    DEPLOYED.drop();
  }

  @BeforeEach
  void create() throws Exception {
    database.create();
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void leaves_no_object_of_ours_and_the_mes_as_it_was() throws Exception {
    WipViews.of(database.dataSource()).refreshAll();
    assertThat(database.objects()).containsAll(objects).hasSizeGreaterThan(objects.size());

    migration.rollback();

    assertThat(database.objects()).isEqualTo(objects);
    assertThat(rows(database)).isEqualTo(rows);
  }

  @Thorough
  @Test
  void is_followed_by_another_deploy_as_if_nothing_had_been() throws Exception {
    List<String> deployed = database.objects();
    migration.rollback();

    migration.update();

    assertThat(database.objects()).isEqualTo(deployed);
    WipViews views = WipViews.of(database.dataSource());
    assertThat(views.refreshAll()).hasSameSizeAs(ChangelogFiles.viewNames());
    assertThat(views.rows(MV_WIP_STATUS_DASHBOARD)).isNotEmpty();
    assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).isNotEmpty();
  }

  @Thorough
  @Test
  void works_after_a_recovery_too() throws Exception {
    migration.recreate(List.of());

    migration.rollback();

    assertThat(database.objects()).isEqualTo(objects);
  }

  @Thorough
  @Test
  void works_after_a_recovery_of_one_view() throws Exception {
    migration.recreate(List.of("mv_process_wip_queue"));

    migration.rollback();

    assertThat(database.objects()).isEqualTo(objects);
    assertThat(database.rows("SELECT id FROM databasechangelog WHERE author = 'wip-views'"))
        .isEmpty();
  }

  @Thorough
  @Test
  void works_after_an_upgrade_that_changed_the_functions_alone() throws Exception {
    database.execute("UPDATE databasechangelog SET md5sum = '9:0' WHERE id = 'promote'");
    List<String> ran = new ArrayList<>();
    migration.withProgress(ran::add).update();
    assertThat(ran).contains("promote").doesNotContain("mv_process_wip_queue");

    migration.rollback();

    assertThat(database.objects()).isEqualTo(objects);
  }

  @Test
  void works_when_a_view_is_gone_already() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    migration.rollback();

    assertThat(database.objects()).isEqualTo(objects);
  }

  @Thorough
  @Test
  void takes_its_indexes_and_leaves_those_of_the_mes() throws Exception {
    assertThat(database.objects()).contains("relation i public.wip_views_wip_items_status_idx");

    migration.rollback();

    assertThat(database.objects()).isEqualTo(objects);
  }

  @Thorough
  @Test
  void stops_before_the_first_where_others_depend_on_ours() throws Exception {
    database.execute(
        "CREATE VIEW theirs AS SELECT process_code FROM mv_process_wip_queue",
        "CREATE MATERIALIZED VIEW their_attempts AS SELECT count(*) FROM wip_view_refresh",
        "CREATE FUNCTION their_queue() RETURNS SETOF mv_process_wip_queue LANGUAGE sql"
            + " AS 'SELECT * FROM mv_process_wip_queue'",
        "CREATE TABLE their_notes (view_name text REFERENCES wip_view)",
        // these go with ours
        "CREATE INDEX theirs_too ON mv_process_wip_queue (process_code)",
        "CREATE STATISTICS counted ON view_name, outcome FROM wip_view_refresh");
    Map<String, String> before = CatalogSnapshot.of(database);

    assertThatThrownBy(migration::rollback)
        .isInstanceOf(WipViewsException.class)
        .hasMessage(
            "cannot roll back: materialized view public.their_attempts depends on"
                + " public.wip_view_refresh; table public.their_notes depends on public.wip_view;"
                + " function public.their_queue() depends on public.mv_process_wip_queue; view"
                + " public.theirs depends on public.mv_process_wip_queue")
        .extracting(e -> ((WipViewsException) e).remedy())
        .isEqualTo(Optional.of("Drop or change these first."));

    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
    database.execute(
        "DROP VIEW theirs",
        "DROP MATERIALIZED VIEW their_attempts",
        "DROP FUNCTION their_queue()",
        "DROP TABLE their_notes");
    migration.rollback();
  }

  @Thorough
  @Test
  void makes_nothing_where_nothing_is_deployed() throws Exception {
    migration.rollback();
    database.execute("DROP TABLE databasechangelog");
    Map<String, String> before = CatalogSnapshot.of(database);

    migration.rollback();

    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  private static List<String> rows(TestDatabase database) throws Exception {
    List<String> rows = new ArrayList<>();
    for (String table : MES) {
      rows.add(
          table
              + ": "
              + database.value(
                  "SELECT count(*) || ' rows, md5 ' || md5(string_agg(t::text, ',' ORDER BY id))"
                      + " FROM "
                      + table
                      + " AS t"));
    }
    return rows;
  }
}
