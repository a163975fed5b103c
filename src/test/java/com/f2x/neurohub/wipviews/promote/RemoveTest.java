package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.demo.Readers;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A view is taken away, unless something depends on it. */
class RemoveTest {

  private static final String REMOVE = "SELECT wip_view_remove('mv_notes')";

  private static final String WAITING =
      "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
          + " AND classid = 'wip_view'::regclass";

  private final TestDatabase database = TestDatabase.service();

  @BeforeEach
  void a_view() throws SQLException {
    database.create();
    database.execute("CREATE TABLE notes (id integer)", "INSERT INTO notes VALUES (1)");
    new OwnView("mv_notes", "SELECT id FROM notes", "id").promoteIn(database);
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void a_view_goes_and_its_history_stays() throws Exception {
    database.execute("SELECT refresh_wip_view('mv_notes')", REMOVE, REMOVE);

    assertThat(database.value("SELECT to_regclass('mv_notes')")).isNull();
    assertThat(database.value("SELECT count(*) FROM wip_view WHERE view_name = 'mv_notes'"))
        .isEqualTo("0");
    assertThat(database.value("SELECT count(*) FROM wip_view_history WHERE view_name = 'mv_notes'"))
        .isEqualTo("2");
    database.execute("CALL refresh_wip_views()");
  }

  @Test
  void what_depends_on_it_stops_the_removal_by_name() throws Exception {
    database.execute("CREATE VIEW over_notes AS SELECT id FROM mv_notes");
    Map<String, String> before = CatalogSnapshot.of(database);

    assertThatThrownBy(() -> database.execute(REMOVE))
        .hasMessageContaining("cannot remove mv_notes: ")
        .hasMessageContaining("over_notes");

    assertThat(CatalogSnapshot.of(database)).isEqualTo(before);
    assertThat(database.value("SELECT count(*) FROM wip_view WHERE view_name = 'mv_notes'"))
        .isEqualTo("1");
  }

  /** Its turn first: a refresh writes into the registry before it locks the view. */
  @Test
  void a_removal_waits_for_the_refresh_that_has_begun() throws Exception {
    try (Callers callers = new Callers();
        Connection refreshing = database.connect();
        Statement statement = refreshing.createStatement()) {
      refreshing.setAutoCommit(false);
      statement.execute(
          "SELECT pg_advisory_xact_lock('wip_view'::regclass::oid::integer, hashtext('mv_notes'))");
      statement.execute("SELECT wip_view_count('mv_notes', NULL)");
      List<Future<Boolean>> removal =
          callers.start(
              1,
              database::connect,
              (number, connection) -> {
                try (Statement remove = connection.createStatement()) {
                  return remove.execute(REMOVE);
                }
              });
      Await.until("the removal waits", () -> database.value(WAITING), "1"::equals);
      statement.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY mv_notes");
      refreshing.commit();

      assertThat(Callers.results(removal)).containsExactly(true);
    }
    assertThat(database.value("SELECT to_regclass('mv_notes')")).isNull();
  }

  @Test
  void who_waits_to_refresh_it_is_told_that_it_is_gone() throws Exception {
    try (Callers callers = new Callers();
        Connection removing = database.connect();
        Statement statement = removing.createStatement()) {
      removing.setAutoCommit(false);
      statement.execute(REMOVE);
      List<Future<Boolean>> calls =
          callers.start(
              2,
              database::connect,
              (number, connection) -> {
                try (Statement refresh = connection.createStatement()) {
                  return refresh.execute("SELECT refresh_wip_view('mv_notes')");
                }
              });
      Await.until("both wait", () -> database.value(WAITING), "2"::equals);
      removing.commit();

      for (Future<Boolean> call : calls) {
        assertThatThrownBy(() -> Await.result(call))
            .rootCause()
            .hasMessageContaining("view \"mv_notes\" is no longer registered");
      }
    }
  }

  @Test
  void readers_of_the_other_views_notice_nothing() throws Exception {
    Readers readers = Readers.start(database.dataSource(), 2, "SELECT * FROM mv_orders");
    database.execute(REMOVE);

    Readers.Result result = readers.stop();
    assertThat(result.errors()).as(result.firstError()).isZero();
  }
}
