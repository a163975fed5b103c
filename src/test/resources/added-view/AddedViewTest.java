package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_EQUIPMENT_WIP_LOAD;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.jooq.tables.records.MvEquipmentWipLoadRecord;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Runs in a copy of the project to which a third view was added: AddAViewTest makes it. */
class AddedViewTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.mes();

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void deploy() {
    WipViewsMigration.of(database.dataSource()).update();
  }

  @Test
  void isRefreshedInItsOrderFreshTypedRecreatedAndDiagnosed() throws Exception {
    database.execute(
        """
        INSERT INTO lots (lot_number, product_model_id, production_date, target_quantity, status)
        VALUES ('KR01PSA251101', 1, current_date, 1, 'IN_PROGRESS');
        INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status, current_process_id)
        SELECT 'WIP-KR01PSA251101-001', l.id, 1, 'IN_PROGRESS', 1 FROM lots l;
        INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, equipment_id, result, started_at)
        SELECT i.id, 1, 1, 77, 'PASS', now() FROM wip_items i
        """);

    assertThat(views.refreshAll())
        .extracting(Refresh::view)
        .containsExactly(
            "mv_wip_status_dashboard", "mv_process_wip_queue", "mv_equipment_wip_load");
    assertThat(views.freshness(MV_EQUIPMENT_WIP_LOAD).state()).isEqualTo(Freshness.State.FRESH);
    List<MvEquipmentWipLoadRecord> rows = views.rows(MV_EQUIPMENT_WIP_LOAD);
    assertThat(rows).hasSize(1);
    assertThat(rows.get(0).getEquipmentId()).isEqualTo(77);
    assertThat(rows.get(0).getRunningCount()).isEqualTo(1);

    database.execute("DROP INDEX mv_equipment_wip_load_equipment_id_idx");
    assertThat(views.diagnose())
        .extracting(Finding::subject)
        .contains(MV_EQUIPMENT_WIP_LOAD.getName());
    database.execute("DROP MATERIALIZED VIEW mv_equipment_wip_load");
    assertThat(views.freshness(MV_EQUIPMENT_WIP_LOAD).state()).isEqualTo(Freshness.State.MISSING);

    views.recreate(MV_EQUIPMENT_WIP_LOAD);

    assertThat(views.freshness(MV_EQUIPMENT_WIP_LOAD).state()).isEqualTo(Freshness.State.FRESH);
    assertThat(views.rows(MV_EQUIPMENT_WIP_LOAD)).hasSize(1);
    assertThat(views.diagnose())
        .extracting(Finding::subject)
        .doesNotContain(MV_EQUIPMENT_WIP_LOAD.getName());
  }
}
