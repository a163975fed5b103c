package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.BoundedPool;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.jooq.Table;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who asks for a view gets what that one reads refreshed along with it, by the same rule. */
class RefreshSourcesTest {

  private static final int CALLERS = 64;
  private static final Table<?> LEAF = WipViews.view("mv_leaf");
  private static final String REFRESH = "SELECT * FROM refresh_wip_view('mv_leaf')";

  /** Refreshes by outcome, in the order in which they were asked for. */
  private static final String HISTORY =
      "SELECT view_name || ' ' || outcome FROM wip_view_history ORDER BY refresh_id";

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static Probe probe;

  private final WipViews views = WipViews.of(database.dataSource());

  /** A diamond: the leaf reads two views over the probe, and the probe itself. */
  @BeforeAll
  static void makeViews() throws SQLException {
    probe = Probe.in(database);
    view("mv_left", "SELECT id, note FROM mv_probe");
    view("mv_right", "SELECT id FROM mv_probe");
    view(
        "mv_leaf",
        "SELECT l.id, p.note FROM mv_left AS l JOIN mv_right AS r USING (id)"
            + " JOIN mv_probe AS p USING (id)");
  }

  /** Its registered order is wrong: before all that it reads. */
  private static void view(String name, String query) throws SQLException {
    new OwnView(name, query, "id").registerIn(database, 1);
  }

  @BeforeEach
  void reset() throws SQLException {
    probe.reset();
    database.execute("CALL refresh_wip_views()", "TRUNCATE wip_view_refresh");
  }

  private static List<String> history() throws SQLException {
    return database.rows(HISTORY).stream().map(row -> row.get(0)).toList();
  }

  private static void assertTwoRefreshesOfEachAtMost() throws SQLException {
    assertThat(
            database.rows(
                "SELECT view_name, count(*) FROM wip_view_refresh WHERE outcome = 'refreshed'"
                    + " GROUP BY view_name"))
        .hasSize(4)
        .allMatch(row -> Integer.parseInt(row.get(1)) <= 2, "refreshed twice at most");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sql", "java", "transaction"})
  void a_leaf_comes_after_all_that_it_reads_each_once(String how) throws Exception {
    database.execute("INSERT INTO probe VALUES (2, 'new')");
    if (how.equals("java")) {
      assertThat(views.refresh(LEAF)).returns("mv_leaf", Refresh::view);
    } else {
      try (Connection connection = database.connect()) {
        connection.setAutoCommit(how.equals("sql"));
        assertThat(Probe.rows(connection, REFRESH))
            .singleElement()
            .satisfies(row -> assertThat(row).containsEntry("view_name", "mv_leaf"));
        if (how.equals("transaction")) {
          connection.commit();
        }
      }
    }

    assertThat(database.value("SELECT count(*) FROM mv_leaf")).isEqualTo("2");
    assertThat(history())
        .containsExactly(
            "mv_probe refreshed", "mv_left refreshed", "mv_right refreshed", "mv_leaf refreshed");
    assertThat(database.value("SELECT count(DISTINCT call_id) FROM wip_view_refresh"))
        .isEqualTo("1");
  }

  @Thorough
  @Test
  void many_callers_of_a_leaf_cost_two_refreshes_of_each_view() throws Exception {
    List<Future<Boolean>> calls;
    try (Callers callers = new Callers()) {
      try (Probe.Gate gate = probe.shut()) {
        calls =
            callers.start(CALLERS, database::connect, RefreshSourcesTest::writesAndReadsInTheLeaf);
        gate.awaitRefresh();
        probe.awaitWaiters(CALLERS - 1);
      }
      assertThat(Callers.results(calls)).containsOnly(true);
    }
    assertTwoRefreshesOfEachAtMost();
  }

  private static boolean writesAndReadsInTheLeaf(int number, Connection connection)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO probe VALUES (" + (100 + number) + ", 'of a caller')");
    }
    Probe.rows(connection, REFRESH);
    return Probe.rows(connection, "SELECT FROM mv_leaf WHERE id = " + (100 + number)).size() == 1;
  }

  @Thorough
  @Test
  void callers_of_one_jvm_share_the_leaf_with_all_that_it_reads() throws Exception {
    SharingCallers callers = new SharingCallers();
    BoundedPool pool = new BoundedPool(database.dataSource(), 5, Duration.ofMinutes(3));
    try {
      List<SharingCallers.Caller<Refresh>> calls = new ArrayList<>();
      try (Probe.Gate gate = probe.shut()) {
        calls.add(callers.start(() -> WipViews.of(pool).refresh(LEAF)));
        gate.awaitRefresh();
        database.execute("INSERT INTO probe VALUES (2, 'after the first began')");
        for (int i = 1; i < CALLERS; i++) {
          calls.add(callers.start(() -> WipViews.of(pool).refresh(LEAF)));
        }
        callers.awaitWaiting(CALLERS - 1);
        assertThat(pool.inUse()).isEqualTo(1);
      }
      for (SharingCallers.Caller<Refresh> call : calls.subList(1, CALLERS)) {
        assertThat(call.result().rows()).isEqualTo(2);
      }
    } finally {
      callers.close();
      pool.close();
    }
    assertTwoRefreshesOfEachAtMost();
  }

  /** It started after the other one asked, and still shows rows from before. */
  @ParameterizedTest
  @ValueSource(strings = {REFRESH, "SELECT refresh_all_wip_views()", "CALL refresh_wip_views()"})
  void a_leaf_made_from_rows_before_the_call_does_not_serve_it(String call) throws Exception {
    try (Callers callers = new Callers();
        Connection first = database.connect();
        Statement statement = first.createStatement()) {
      first.setAutoCommit(false);
      statement.execute(Probe.REFRESH);
      List<Future<Boolean>> second =
          callers.start(
              1,
              database::connect,
              (number, connection) -> {
                try (Statement own = connection.createStatement()) {
                  own.execute("INSERT INTO probe VALUES (2, 'after the first refreshed')");
                  return own.execute(call);
                }
              });
      probe.awaitWaiters(1);
      for (String view : List.of("mv_left", "mv_right", "mv_leaf")) {
        statement.execute("SELECT wip_view_run(wip_view_request('" + view + "'))");
      }
      first.commit();
      Callers.results(second);
    }

    assertThat(database.value("SELECT count(*) FROM mv_leaf")).isEqualTo("2");
  }

  @Thorough
  @Test
  void callers_of_the_leaf_and_of_all_views_never_deadlock() throws Exception {
    for (String base : List.of("concurrent", "plain")) {
      if (base.equals("plain")) {
        database.execute("DROP INDEX mv_probe_id_idx");
      }
      try (Callers callers = new Callers()) {
        List<Future<Boolean>> calls =
            callers.start(
                9,
                database::connect,
                (number, connection) -> {
                  try (Statement statement = connection.createStatement()) {
                    for (int round = 0; round < 2; round++) {
                      statement.execute(
                          List.of(REFRESH, "SELECT refresh_all_wip_views()", Probe.REFRESH)
                              .get((number + round) % 3));
                    }
                    return true;
                  }
                });
        assertThat(Callers.results(calls)).containsOnly(true);
      }
    }
    assertThat(database.value("SELECT count(*) FROM wip_view_history WHERE outcome = 'failed'"))
        .isEqualTo("0");
  }

  /** One transaction keeps to itself what it has refreshed plainly, and goes on to the leaf. */
  @Test
  void a_leaf_waits_for_a_plain_refresh_before_it_has_its_turn() throws Exception {
    database.execute("DROP INDEX mv_probe_id_idx");
    String alone = "SELECT wip_view_run(wip_view_request('mv_leaf'))";
    try (Callers callers = new Callers();
        Connection first = database.connect();
        Statement statement = first.createStatement()) {
      first.setAutoCommit(false);
      statement.execute(Probe.REFRESH);
      List<Future<Boolean>> second =
          callers.start(
              1,
              database::connect,
              (number, connection) -> {
                try (Statement own = connection.createStatement()) {
                  return own.execute(alone);
                }
              });
      Await.until(
          "it waits for the view that it reads",
          () ->
              database.value(
                  "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation ="
                      + " (SELECT oid FROM pg_class WHERE relname = 'mv_probe')"),
          "1"::equals);
      statement.execute(alone);
      first.commit();

      assertThat(Callers.results(second)).containsExactly(true);
    }
  }

  @Test
  void a_leaf_whose_source_fails_is_not_refreshed_and_says_why() throws Exception {
    database.execute("INSERT INTO probe VALUES (2, 'twice'), (2, 'twice')");
    String why = "mv_probe, which it reads, could not be refreshed: ";

    RefreshFailedException failure =
        catchThrowableOfType(RefreshFailedException.class, () -> views.refresh(LEAF));

    assertThat(failure).hasMessageStartingWith("mv_leaf: " + why);
    assertThat(failure.view()).contains("mv_leaf");
    assertThat(failure.refreshes())
        .singleElement()
        .returns("mv_leaf", Refresh::view)
        .returns(Outcome.FAILED, Refresh::outcome)
        .satisfies(leaf -> assertThat(leaf.error()).startsWith(why));
    assertThat(history())
        .containsExactly("mv_probe failed", "mv_left failed", "mv_right failed", "mv_leaf failed");
    assertThat(database.value("SELECT error FROM wip_view_refresh WHERE view_name = 'mv_probe'"))
        .doesNotContain(why);
    assertThat(database.value("SELECT count(*) FROM mv_leaf")).isEqualTo("1");

    assertThatThrownBy(() -> database.execute(REFRESH))
        .hasMessageContaining("mv_probe, which mv_leaf reads, could not be refreshed: ");
    // all that can be is refreshed all the same, where all was asked for
    assertThatThrownBy(() -> database.execute("CALL refresh_wip_views()"))
        .hasMessageContaining("mv_probe: ");
    assertThat(history().subList(4, 8))
        .containsExactly(
            "mv_probe failed", "mv_left refreshed", "mv_right refreshed", "mv_leaf refreshed");
  }

  @Thorough
  @Test
  void a_source_that_is_young_enough_is_left_alone() throws Exception {
    views.refreshAll();
    database.execute(
        "UPDATE wip_view_refresh SET rows_as_of = rows_as_of - interval '1 hour'"
            + " WHERE view_name IN ('mv_right', 'mv_leaf')");
    int before = history().size();

    assertThat(views.refreshIfOlderThan(LEAF, Duration.ofMinutes(30))).isPresent();

    assertThat(history().subList(before, before + 2))
        .containsExactly("mv_right refreshed", "mv_leaf refreshed");
    assertThat(history()).hasSize(before + 2);
    assertThat(views.refreshIfOlderThan(LEAF, Duration.ofMinutes(30))).isEmpty();
  }

  @Test
  void a_repeatable_read_caller_refreshes_the_leaf_and_what_it_reads() throws Exception {
    try (Connection connection = database.connect()) {
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("INSERT INTO probe VALUES (2, 'own')");
      }
      Map<String, String> row = Probe.rows(connection, REFRESH).get(0);
      assertThat(row).containsEntry("outcome", "refreshed").containsEntry("rows", "2");
      connection.commit();
    }
  }
}
