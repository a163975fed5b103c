package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.jooq.Table;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every column of both views against a plain Java computation from the raw rows, for random
 * factories. {@code -Dwip-views.test.seed=} repeats a run that failed.
 */
class FiguresTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final long SEED = Long.getLong("wip-views.test.seed", System.nanoTime());
  private static final int ROUNDS = 20;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void prints_the_seed() {
    System.out.println("FiguresTest: -Dwip-views.test.seed=" + SEED);
  }

  static LongStream seeds() {
    return LongStream.range(SEED, SEED + ROUNDS);
  }

  @Thorough
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void are_right_for_a_small_random_factory(long seed) throws Exception {
    compare(seed, new RandomFactory(new Random(seed), 25, 12, 40));
  }

  @Thorough
  @Test
  void are_right_for_a_factory_of_tens_of_thousands_of_rows() throws Exception {
    compare(SEED, new RandomFactory(new Random(SEED), 150, 100, 600));
  }

  @Test
  void are_right_for_a_factory_without_lots() throws Exception {
    compare(SEED, new RandomFactory(new Random(SEED), 0, 1, 0));
  }

  @Test
  void are_right_for_a_factory_where_no_lot_has_items_yet() throws Exception {
    compare(SEED, new RandomFactory(new Random(SEED), 8, 0, 0));
  }

  private void compare(long seed, RandomFactory factory) throws Exception {
    try (Connection connection = database.connect()) {
      factory.load(connection);
      ExpectedFigures expected = ExpectedFigures.of(connection);

      views.refresh(MV_PROCESS_WIP_QUEUE);
      views.refresh(MV_WIP_STATUS_DASHBOARD);
      assertRows(
          seed,
          read(connection, MV_PROCESS_WIP_QUEUE, "process_id"),
          expected.processQueue(refreshedAt(connection, MV_PROCESS_WIP_QUEUE)));
      assertRows(
          seed,
          read(connection, MV_WIP_STATUS_DASHBOARD, "lot_id"),
          expected.statusDashboard(refreshedAt(connection, MV_WIP_STATUS_DASHBOARD)));

      // at the moment whose last hour begins among the rows
      String moment = "timestamptz '" + factory.now() + "'";
      assertRows(
          seed,
          HeldClock.rows(connection, MV_PROCESS_WIP_QUEUE.getName(), "process_id", moment),
          expected.processQueue(factory.now()));
      if (factory.rowsAtTheEdge() > 0) {
        assertThat(expected.hasRowsOnBothSidesOfTheHour(factory.now()))
            .as("rows on both sides of the edge of the last hour")
            .isTrue();
      }
    }
  }

  private static void assertRows(
      long seed, List<Map<String, Object>> actual, List<Map<String, Object>> expected) {
    assertThat(actual).as("number of rows, seed %d", seed).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i)).as("seed %d", seed).containsExactlyEntriesOf(expected.get(i));
    }
  }

  private static Instant refreshedAt(Connection connection, Table<?> view) throws Exception {
    List<Map<String, Object>> times =
        ExpectedFigures.rows(
            connection, "SELECT DISTINCT last_refreshed_at FROM " + view.getName());
    assertThat(times).as("one time on every row").hasSizeLessThanOrEqualTo(1);
    return times.isEmpty() ? null : (Instant) times.get(0).get("last_refreshed_at");
  }

  private static List<Map<String, Object>> read(Connection connection, Table<?> view, String by)
      throws Exception {
    return ExpectedFigures.rows(connection, "SELECT * FROM " + view.getName() + " ORDER BY " + by);
  }
}
