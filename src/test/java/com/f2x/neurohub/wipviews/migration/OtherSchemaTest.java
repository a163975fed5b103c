package com.f2x.neurohub.wipviews.migration;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvProcessWipQueueRecord;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** A schema other than public, of a name that needs quoting, and a second one beside it. */
@Thorough
class OtherSchemaTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.empty();

  private static final String ODD = "Odd Schema";

  private final WipViews odd = WipViews.of(database.dataSource()).withSchema(ODD);

  @BeforeAll
  static void two_factories_and_nothing_in_public() throws Exception {
    for (String schema : List.of(ODD, "second")) {
      database.execute("CREATE SCHEMA \"" + schema + "\"");
      WipViewsMigration migration = WipViewsMigration.of(database.dataSource()).withSchema(schema);
      migration.installMinimalMes();
      migration.update();
    }
    database.execute(
        "UPDATE second.processes SET is_active = false WHERE process_number > 2",
        "INSERT INTO \"Odd Schema\".lots (id, lot_number, product_model_id, production_date)"
            + " VALUES (1, 'KR01PSA251101', 1, current_date)",
        "INSERT INTO \"Odd Schema\".wip_items (wip_id, lot_id, sequence_in_lot, status,"
            + " current_process_id) VALUES ('WIP-1', 1, 1, 'IN_PROGRESS', 3)");
  }

  @Test
  void nothing_is_made_in_public() throws Exception {
    assertThat(database.objects()).filteredOn(object -> object.contains(" public.")).isEmpty();
    assertThat(database.value("SELECT to_regclass('public.databasechangelog')")).isNull();
  }

  @Test
  void the_views_are_refreshed_and_read_typed() {
    assertThat(odd.refreshAll())
        .hasSameSizeAs(ChangelogFiles.viewNames())
        .extracting(Refresh::mode)
        .containsOnly(Refresh.Mode.CONCURRENT);

    List<MvProcessWipQueueRecord> queue = odd.rows(MV_PROCESS_WIP_QUEUE);
    assertThat(queue).hasSize(6);
    assertThat(queue)
        .filteredOn(station -> station.getProcessNumber() == 3)
        .extracting(MvProcessWipQueueRecord::getWipCountAtProcess)
        .containsExactly(1L);
    assertThat(odd.rows(MV_WIP_STATUS_DASHBOARD)).hasSize(1);
  }

  @Test
  void freshness_and_history_are_its_own() {
    Refresh refresh = odd.refresh(MV_PROCESS_WIP_QUEUE);

    assertThat(odd.freshness(MV_PROCESS_WIP_QUEUE).lastRefreshedAt())
        .isEqualTo(refresh.startedAt());
    assertThat(odd.history(MV_PROCESS_WIP_QUEUE, 1)).containsExactly(refresh);
    assertThat(WipViews.of(database.dataSource()).withSchema("second").history(null, 100))
        .extracting(Refresh::mode)
        .containsOnly(Refresh.Mode.REBUILD);
    assertThat(odd.refreshIfOlderThan(MV_PROCESS_WIP_QUEUE, Duration.ofMinutes(5))).isEmpty();
  }

  @Test
  void the_functions_work_with_any_search_path_and_with_none() throws Exception {
    database.execute(
        "SET search_path = 'Odd Schema'",
        "SELECT refresh_all_wip_views()",
        "SET search_path = ''",
        "SELECT \"Odd Schema\".refresh_all_wip_views()",
        "CALL \"Odd Schema\".refresh_wip_views()");
  }

  @Test
  void each_schema_reads_its_own_mes() throws Exception {
    assertThat(database.value("SELECT count(*) FROM second.mv_process_wip_queue")).isEqualTo("6");
    WipViews.of(database.dataSource()).withSchema("second").refreshAll();
    odd.refreshAll();

    assertThat(database.value("SELECT count(*) FROM second.mv_process_wip_queue")).isEqualTo("2");
    assertThat(database.value("SELECT count(*) FROM \"Odd Schema\".mv_process_wip_queue"))
        .isEqualTo("6");
  }

  @Test
  void without_the_name_of_the_schema_nothing_is_found() {
    assertThatThrownBy(() -> WipViews.of(database.dataSource()).freshness())
        .isInstanceOf(NotDeployedException.class);
  }

  @Test
  void the_first_schema_of_the_search_path_is_the_default() {
    PGSimpleDataSource dataSource = (PGSimpleDataSource) database.dataSource();
    dataSource.setCurrentSchema("\"Odd Schema\"");

    assertThat(WipViews.of(dataSource).refreshAll()).hasSameSizeAs(ChangelogFiles.viewNames());
    assertThat(WipViews.of(dataSource).rows(MV_WIP_STATUS_DASHBOARD)).hasSize(1);
  }

  @Test
  void another_update_and_a_recovery_find_it_deployed() {
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource()).withSchema(ODD);
    migration.update();
    migration.recreate(List.of());

    assertThat(odd.freshness()).extracting(Freshness::state).containsOnly(Freshness.State.FRESH);
  }

  @Test
  void the_script_names_the_schema_everywhere() {
    StringWriter script = new StringWriter();
    WipViewsMigration.of(database.dataSource()).withSchema(ODD).updateSql(script);

    assertThat(script.toString()).contains("\"Odd Schema\".").doesNotContain("public.");
  }
}
