package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A day of production on every form of the MES: the views agree with an independent count from the
 * raw rows, and with the floor. {@code -Dwip-views.test.seed=} repeats a run that failed.
 */
class MesFormsTest {

  private static final long SEED = Long.getLong("wip-views.test.seed", System.nanoTime());
  private static final int LOTS = 6;

  private final TestDatabase database = TestDatabase.empty();

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Thorough
  @ParameterizedTest
  @EnumSource
  void a_day_is_counted_right_at_every_moment(MesForm form) throws Exception {
    System.out.println("MesFormsTest: -Dwip-views.test.seed=" + SEED);
    form.install(database);
    migrate(form);
    WipViewsMigration.of(database.dataSource()).update();
    try (Connection mes = database.connect()) {
      Instant morning = Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(Duration.ofHours(24));
      SimulatedDay day = new SimulatedDay(form, mes, new Random(SEED), LOTS, 20);
      day.begin(morning);
      day.until(morning.plus(Duration.ofHours(2)));
      compare(mes, day);
      day.switchOff(3);
      compare(mes, day);
      day.until(morning.plus(Duration.ofHours(5)));
      compare(mes, day);
      day.switchOff(0);
      day.close(1);
      day.close(LOTS);
      compare(mes, day);
      day.until(morning.plus(Duration.ofHours(9)));
      compare(mes, day);
      day.until(morning.plus(Duration.ofHours(24)));
      compare(mes, day);
    }
  }

  /** The columns that the migration adds which preflight has asked for. */
  private void migrate(MesForm form) throws Exception {
    if (form == MesForm.MIGRATED) {
      database.execute(
          "ALTER TABLE wip_items ADD COLUMN serial_id bigint, ADD COLUMN converted_at timestamptz");
    }
  }

  private static void compare(Connection mes, SimulatedDay day) throws Exception {
    String moment = "timestamptz '" + day.now() + "'";
    ExpectedFigures expected = ExpectedFigures.of(mes);
    List<Map<String, Object>> stations =
        HeldClock.rows(mes, "mv_process_wip_queue", "process_id", moment);
    List<Map<String, Object>> lots =
        HeldClock.rows(mes, "mv_wip_status_dashboard", "lot_id", moment);

    assertRows(stations, expected.processQueue(day.now()));
    assertRows(lots, expected.statusDashboard(day.now()));
    assertThat(counts(stations)).as("units at stations").isEqualTo(day.atStations());
  }

  private static void assertRows(
      List<Map<String, Object>> actual, List<Map<String, Object>> expected) {
    assertThat(actual).as("number of rows, seed %d", SEED).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i)).as("seed %d", SEED).containsExactlyEntriesOf(expected.get(i));
    }
  }

  /** Items by station, without the idle ones. */
  private static Map<Integer, Long> counts(List<Map<String, Object>> stations) {
    return stations.stream()
        .filter(station -> (long) station.get("wip_count_at_process") > 0)
        .collect(
            Collectors.toMap(
                station -> (Integer) station.get("process_number"),
                station -> (Long) station.get("wip_count_at_process"),
                Long::sum,
                TreeMap::new));
  }

  @Test
  void columns_that_no_migration_has_added_are_named() throws Exception {
    MesForm.MIGRATED.install(database);

    assertThatThrownBy(WipViewsMigration.of(database.dataSource())::update)
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining(
            "missing: column(s) serial_id, converted_at of table public.wip_items");
  }
}
