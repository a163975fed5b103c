package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.Future;
import org.jooq.SQLDialect;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever became of the registry, the history and its sequence: a caller gets its refresh. */
class BookkeepingTest {

  private static final int CALLERS = 12;
  private static final String NUMBERS = "'wip_view_refresh_refresh_id_seq'";

  /** What became of the bookkeeping. */
  enum Damage {
    NUMBERED_FROM_1_AGAIN("TRUNCATE wip_view_refresh RESTART IDENTITY"),
    EMPTIED("TRUNCATE wip_view_refresh"),
    RESTORED_WITHOUT_ITS_SEQUENCE("SELECT setval(" + NUMBERS + ", 1, false)"),
    PRUNED_AND_RESTORED_WITHOUT_ITS_SEQUENCE(
        "DELETE FROM wip_view_refresh WHERE refresh_id NOT IN"
            + " (SELECT last_refresh_id FROM wip_view WHERE last_refresh_id IS NOT NULL);"
            + " SELECT setval("
            + NUMBERS
            + ", 1, false)"),
    SEQUENCE_SET_FORWARD("SELECT setval(" + NUMBERS + ", nextval(" + NUMBERS + ") + 1000000)"),
    REGISTRY_EMPTIED("UPDATE wip_view SET last_refresh_id = NULL, refresh_no = 0"),
    REGISTRY_AHEAD("UPDATE wip_view SET last_refresh_id = 999999999, refresh_no = 999999999"),
    REGISTERED_AGAIN(
        "CREATE TEMP TABLE kept AS SELECT * FROM wip_view; DELETE FROM wip_view; INSERT INTO"
            + " wip_view (view_name, refresh_order, freshness_target, definition) SELECT"
            + " view_name, refresh_order, freshness_target, definition FROM kept"),
    RUNNING_ROWS_RESTORED(
        "INSERT INTO wip_view_refresh (view_name, served_from) SELECT view_name, 1 FROM wip_view;"
            + " INSERT INTO wip_view_refresh (view_name) SELECT view_name FROM wip_view");

    private final String sql;

    Damage(String sql) {
      this.sql = sql;
    }
  }

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static Probe probe;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void makeProbe() throws SQLException {
    probe = Probe.in(database);
  }

  @BeforeEach
  void some_refreshes_are_on_record() throws Exception {
    probe.reset();
    database.execute("SELECT refresh_all_wip_views()", "SELECT refresh_all_wip_views()");
  }

  @Thorough
  @ParameterizedTest
  @EnumSource
  void a_refresh_afterwards_really_refreshes(Damage damage) throws Exception {
    database.execute(damage.sql);

    for (int call = 1; call <= 2; call++) {
      database.execute("INSERT INTO probe VALUES (" + (10 * call) + ", 'function')");
      database.execute("SELECT refresh_all_wip_views()");
      assertThat(rows()).isEqualTo(3 * call - 1);

      database.execute("INSERT INTO probe VALUES (" + (10 * call + 1) + ", 'procedure')");
      database.execute("CALL refresh_wip_views()");
      assertThat(rows()).isEqualTo(3 * call);

      database.execute("INSERT INTO probe VALUES (" + (10 * call + 2) + ", 'java')");
      assertThat(views.refresh(Probe.MV_PROBE).outcome()).isEqualTo(Refresh.Outcome.REFRESHED);
      assertThat(rows()).isEqualTo(3 * call + 1);
    }
    assertThat(views.freshness(Probe.MV_PROBE))
        .returns(Refresh.Outcome.REFRESHED, freshness -> freshness.lastOutcome())
        .returns(3 * 2 + 1L, freshness -> freshness.rows());
  }

  private static int rows() throws SQLException {
    return Integer.parseInt(database.value("SELECT count(*) FROM mv_probe"));
  }

  @Thorough
  @ParameterizedTest
  @EnumSource
  void callers_afterwards_still_share_two_refreshes(Damage damage) throws Exception {
    database.execute(damage.sql);

    List<Probe.CallerResult> answers;
    try (Callers callers = new Callers()) {
      List<Future<Probe.CallerResult>> calls;
      try (Probe.Gate gate = probe.shut()) {
        calls = callers.start(CALLERS, database::connect, Probe::writeThenRefresh);
        gate.awaitRefresh();
        probe.awaitWaiters(CALLERS - 1);
      }
      answers = Callers.results(calls);
    }

    assertThat(answers).allMatch(Probe.CallerResult::readItsOwn);
    assertThat(answers)
        .filteredOn(answer -> answer.row().get("outcome").equals("refreshed"))
        .hasSizeBetween(1, 2);
  }

  @Thorough
  @ParameterizedTest
  @EnumSource(names = {"RESTORED_WITHOUT_ITS_SEQUENCE", "SEQUENCE_SET_FORWARD"})
  void a_refresh_under_way_serves_nobody_whatever_the_sequence_says(Damage damage)
      throws Exception {
    try (Callers callers = new Callers()) {
      List<Future<Probe.CallerResult>> calls;
      try (Probe.Gate gate = probe.shut()) {
        callers.start(1, database::connect, (n, c) -> Probe.rows(c, Probe.REFRESH));
        gate.awaitRefresh();
        database.execute(damage.sql);
        calls = callers.start(CALLERS, database::connect, Probe::writeThenRefresh);
        // all of them, and the refresh at the gate
        Await.until(
            "all wait",
            () -> database.value("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"),
            String.valueOf(CALLERS + 1)::equals);
        // the other way round, while they wait
        database.execute("SELECT setval(" + NUMBERS + ", 5000000)");
      }

      assertThat(Callers.results(calls)).allMatch(Probe.CallerResult::readItsOwn);
    }
  }

  @Test
  void attempts_after_a_restore_are_numbered_above_the_restored() throws Exception {
    long newest = Long.parseLong(database.value("SELECT max(refresh_id) FROM wip_view_refresh"));
    database.execute(Damage.RESTORED_WITHOUT_ITS_SEQUENCE.sql);

    try (Callers callers = new Callers()) {
      List<Future<Probe.CallerResult>> calls =
          callers.start(CALLERS, database::connect, Probe::writeThenRefresh);
      Callers.results(calls);
    }

    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE refresh_id > " + newest))
        .isEqualTo(String.valueOf(CALLERS));
  }

  @Thorough
  @Test
  void freshness_never_shows_an_attempt_that_took_over_a_number() throws Exception {
    OwnView.CUSTOMERS.promoteIn(database);
    String last =
        database.value("SELECT last_refresh_id FROM wip_view WHERE view_name = 'mv_probe'");
    database.execute(
        "TRUNCATE wip_view_refresh",
        "SELECT setval(" + NUMBERS + ", " + last + ", false)",
        // of another view
        "SELECT refresh_wip_view('mv_customers')");

    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE refresh_id = " + last))
        .isEqualTo("1");
    assertThat(views.freshness(Probe.MV_PROBE))
        .returns(null, freshness -> freshness.lastRefreshedAt())
        .returns(null, freshness -> freshness.rows());
  }

  @Thorough
  @Test
  void a_registry_without_views_is_an_error_that_says_what_to_do() throws Exception {
    database.execute("CREATE TABLE kept AS SELECT * FROM wip_view", "DELETE FROM wip_view");
    try {
      for (String call : List.of("SELECT refresh_all_wip_views()", "CALL refresh_wip_views()")) {
        assertThatThrownBy(() -> database.execute(call))
            .hasMessageContaining(
                "there is nothing to refresh: no view is registered in public.wip_view")
            .hasMessageContaining("Register the views: wip-views recreate");
      }
      assertThatThrownBy(views::refreshAll)
          .isInstanceOf(NotDeployedException.class)
          .hasMessageContaining("no view is registered");
      try (Connection connection = database.connect()) {
        connection.setAutoCommit(false);
        WipViews joined =
            WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));
        assertThatThrownBy(joined::refreshAll).isInstanceOf(NotDeployedException.class);
      }
      assertThat(views.freshness()).isEmpty();
    } finally {
      database.execute("INSERT INTO wip_view SELECT * FROM kept", "DROP TABLE kept");
    }
  }

  @Test
  void a_table_in_the_place_of_a_view_is_named_as_what_it_is() throws Exception {
    database.execute(
        "ALTER MATERIALIZED VIEW mv_probe RENAME TO mv_away",
        "CREATE TABLE mv_probe AS SELECT * FROM mv_away");
    try {
      assertThatThrownBy(() -> database.execute(Probe.REFRESH))
          .hasMessageContaining("\"mv_probe\" in schema \"public\" is not a materialized view")
          .hasMessageContaining("Rename it, then bring the view back");
    } finally {
      database.execute("DROP TABLE mv_probe", "ALTER MATERIALIZED VIEW mv_away RENAME TO mv_probe");
    }
  }

  @Thorough
  @Test
  void a_view_put_in_place_by_hand_is_not_as_fresh_as_the_last_one() throws Exception {
    database.execute(
        "ALTER MATERIALIZED VIEW mv_probe RENAME TO mv_kept",
        "CREATE MATERIALIZED VIEW mv_probe AS SELECT * FROM mv_kept",
        "CREATE UNIQUE INDEX ON mv_probe (id)",
        Probe.REFRESH);
    try {
      assertThat(views.freshness(Probe.MV_PROBE).state()).isEqualTo(Freshness.State.FRESH);

      // the old one again, with rows of before
      database.execute(
          "DROP MATERIALIZED VIEW mv_probe", "ALTER MATERIALIZED VIEW mv_kept RENAME TO mv_probe");

      assertThat(views.freshness(Probe.MV_PROBE))
          .returns(Freshness.State.STALE, Freshness::state)
          .returns(null, Freshness::age);
    } finally {
      database.execute(Probe.REFRESH);
    }
    assertThat(views.freshness(Probe.MV_PROBE).state()).isEqualTo(Freshness.State.FRESH);
  }
}
