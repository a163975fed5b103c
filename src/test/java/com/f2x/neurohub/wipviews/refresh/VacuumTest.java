package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A view whose rows all change with every refresh is vacuumed from Java. */
@Thorough
class VacuumTest {

  private static final int ROWS = 500;

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void makeView() throws SQLException {
    database.execute(
        "CREATE MATERIALIZED VIEW mv_all_new WITH (autovacuum_enabled = false) AS"
            + " SELECT id, clock_timestamp() AS last_refreshed_at, repeat('x', 100) AS filler"
            + " FROM generate_series(1, "
            + ROWS
            + ") AS id",
        "CREATE UNIQUE INDEX mv_all_new_id_idx ON mv_all_new (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_all_new', 9, '1 day', '')");
  }

  @AfterEach
  void dropView() throws SQLException {
    database.execute("SELECT wip_view_remove('mv_all_new')");
  }

  /** Refreshes it by the function, which does not vacuum. */
  private static void refreshBySql(int times) throws SQLException {
    database.execute(
        Collections.nCopies(times, "SELECT refresh_wip_view('mv_all_new')").toArray(String[]::new));
  }

  /** Leaves more dead rows behind than are worth a vacuum, and waits until the server knows. */
  private static void makeDeadRows() throws Exception {
    refreshBySql(6);
    Await.until("the dead rows are counted", VacuumTest::deadRows, rows -> rows >= 6 * ROWS);
  }

  private static int deadRows() throws SQLException {
    return number("SELECT pg_stat_get_dead_tuples('mv_all_new'::regclass)");
  }

  private static int vacuums() throws SQLException {
    return number("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'mv_all_new'");
  }

  private static int bytes() throws SQLException {
    return number("SELECT pg_total_relation_size('mv_all_new'::regclass)");
  }

  private static int number(String query) throws SQLException {
    return Integer.parseInt(database.value(query));
  }

  private Refresh refresh() {
    return views.refresh(WipViews.view("mv_all_new"));
  }

  @Test
  void a_refresh_clears_the_dead_rows_of_those_before() throws Exception {
    makeDeadRows();

    // a machine that is busy may give up a vacuum; what a refresh adds is counted a moment later
    Await.until(
        "a refresh clears the dead rows",
        () -> {
          refresh();
          return deadRows();
        },
        rows -> rows <= ROWS);

    int size = bytes();
    refreshBySql(4);
    assertThat(bytes()).as("bytes, since new rows take the place of the dead").isEqualTo(size);
  }

  @Test
  void a_role_that_may_not_vacuum_refreshes_without() throws Exception {
    String role = "visitor_" + ProcessHandle.current().pid();
    makeDeadRows();
    database.execute(
        "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO " + role,
        "GRANT USAGE ON SCHEMA public TO " + role,
        "GRANT SELECT ON wip_view TO " + role);
    try {
      WipViews visitor = WipViews.of(database.dataSource(role, "secret"));

      assertThat(visitor.refresh(WipViews.view("mv_all_new")).mode())
          .isEqualTo(Refresh.Mode.CONCURRENT);

      assertThat(vacuums()).isZero();
    } finally {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
  }

  @Test
  void a_reader_that_holds_up_the_vacuum_delays_no_refresh() throws Exception {
    makeDeadRows();
    try (Connection reader = database.connect();
        Statement statement = reader.createStatement()) {
      reader.setAutoCommit(false);
      statement.execute("SET enable_seqscan = off; SET enable_bitmapscan = off");
      // an index-only scan stays on its page of the index
      statement.execute("DECLARE c CURSOR FOR SELECT id FROM mv_all_new ORDER BY id; FETCH c");

      // not held up: it returns though the reader stays where it is
      Refresh refresh = assertTimeoutPreemptively(Duration.ofMinutes(5), this::refresh);

      assertThat(refresh.outcome()).isEqualTo(Refresh.Outcome.REFRESHED);
      assertThat(
              database.rows(
                  "SELECT query FROM pg_stat_activity WHERE state = 'active' AND query LIKE"
                      + " 'VACUUM%'"))
          .isEmpty();
      assertThat(vacuums()).isZero();
      assertThat(reader.isClosed()).isFalse();
    }
  }
}
