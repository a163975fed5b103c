package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a factory gets wrong in its data, and the figures then show. */
class MesDataTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void an_open_and_a_closed_lot_with_an_item_each() throws Exception {
    database.execute(
        "TRUNCATE lots, wip_items, wip_process_history",
        "INSERT INTO lots (id, lot_number, product_model_id, production_date, status) VALUES"
            + " (1, 'KR01PSA260301', 1, '2026-03-08', 'IN_PROGRESS'),"
            + " (2, 'KR01PSA260302', 1, '2026-03-08', 'CLOSED')",
        "INSERT INTO wip_items (id, wip_id, lot_id, sequence_in_lot, status) VALUES"
            + " (1, 'WIP-1', 1, 1, 'IN_PROGRESS'), (2, 'WIP-2', 2, 1, 'IN_PROGRESS')");
  }

  @Test
  void a_factory_in_order_has_no_findings() throws Exception {
    execution(1, 2, "now() - interval '1 minute'");
    execution(2, 6, "now() - interval '1 hour'");

    assertThat(views.diagnose()).isEmpty();
  }

  @Test
  void an_item_forgotten_in_a_closed_lot_is_found_and_listed() throws Exception {
    execution(1, 2, "now() - interval '3 days'");
    execution(2, 2, "now() - interval '3 days'");

    Finding found = theOne("forgotten-items", null, "1 items of 1 closed lots");

    assertThat(listed(found)).extracting(row -> row.get(0)).containsExactly("KR01PSA260302");
  }

  @Test
  void an_execution_of_the_future_is_found_and_listed() throws Exception {
    execution(2, 2, "now() + interval '9 hours'");
    execution(2, 3, "now() - interval '1 hour'");

    assertThat(views.diagnose())
        .extracting(Finding::check, Finding::subject)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("future-rows", "wip_process_history"),
            org.assertj.core.groups.Tuple.tuple("future-rows", "wip_item_station"));
    for (Finding found : views.diagnose()) {
      assertThat(listed(found)).hasSize(1);
    }
  }

  @Test
  void an_item_at_a_process_that_is_no_station_is_found_and_listed() throws Exception {
    execution(1, 7, "now() - interval '1 minute'");

    Finding found = theOne("no-station", "LABEL_PRINTING", "1 items that are not done");

    assertThat(listed(found)).extracting(row -> row.get(1)).containsExactly("WIP-1");
  }

  @Test
  void an_item_that_has_only_passed_the_last_station_is_in_order() throws Exception {
    execution(1, 6, "now() - interval '1 minute'");

    assertThat(views.diagnose()).isEmpty();
  }

  @Test
  void who_may_not_read_the_mes_is_not_told_of_its_data() throws Exception {
    String watcher = "watcher_of_" + database.name();
    execution(1, 7, "now() - interval '1 minute'");
    database.execute("CREATE ROLE " + watcher + " LOGIN PASSWORD 'secret'");
    try {
      database.execute(
          "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + watcher,
          "REVOKE SELECT ON lots, processes, wip_items, wip_process_history FROM " + watcher,
          "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO " + watcher);

      assertThat(WipViews.of(database.dataSource(watcher, "secret")).diagnose()).isEmpty();
    } finally {
      database.execute("DROP OWNED BY " + watcher, "DROP ROLE " + watcher);
    }
  }

  private static void execution(long item, int process, String completed) throws Exception {
    database.execute(
        "INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, result, started_at,"
            + " completed_at) SELECT "
            + item
            + ", id, 1, 'PASS', "
            + completed
            + " - interval '1 minute', "
            + completed
            + " FROM processes WHERE process_number = "
            + process);
  }

  private Finding theOne(String check, String subject, String what) {
    List<Finding> found = views.diagnose();
    assertThat(found).hasSize(1);
    assertThat(found.get(0).check()).isEqualTo(check);
    assertThat(found.get(0).subject()).isEqualTo(subject);
    assertThat(found.get(0).what()).contains(what);
    assertThat(found.get(0).safe()).isFalse();
    return found.get(0);
  }

  /** What the query that a finding gives lists. */
  private static List<List<String>> listed(Finding found) throws Exception {
    return database.rows(found.remedy().get(0));
  }
}
