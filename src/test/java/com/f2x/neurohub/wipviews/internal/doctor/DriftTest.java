package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What somebody edited by hand is found. */
@Thorough
class DriftTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final WipViews views = WipViews.of(database.dataSource());

  @Test
  void the_view_that_both_read_is_compared_as_well() throws Exception {
    assertThat(drift()).isEmpty();
    database.execute(
        "DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW wip_item_station AS '"
            + " || rtrim(pg_get_viewdef('wip_item_station'::regclass), ';') || ' LIMIT 1'; END $$");

    Finding found = drift().get(0);

    assertThat(found.subject()).isEqualTo("wip_item_station");
    assertThat(found.remedy())
        .containsExactly(
            "SELECT pg_get_viewdef('public.wip_item_station'::regclass);", "wip-views recreate");
    List<String> told = new ArrayList<>();
    WipViewsMigration.of(database.dataSource()).withProgress(told::add).update();
    assertThat(told)
        .contains(
            "  wip_item_station: its query is not the one that was deployed: somebody changed it;"
                + " run wip-views recreate");
    views.recreate();
    assertThat(drift()).isEmpty();
  }

  private List<Finding> drift() {
    return views.diagnose().stream().filter(finding -> finding.check().equals("drift")).toList();
  }
}
