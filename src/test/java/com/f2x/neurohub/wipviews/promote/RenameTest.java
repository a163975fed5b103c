package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Readers;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** A view gets another name, and nothing that hangs on it is lost. */
class RenameTest {

  private static final OwnView OLD =
      new OwnView(
          "mv_old",
          "CREATE MATERIALIZED VIEW mv_old AS SELECT id, note FROM notes;"
              + " CREATE UNIQUE INDEX mv_old_id_idx ON mv_old (id);"
              + " COMMENT ON MATERIALIZED VIEW mv_old IS 'What people noted'");

  private static final OwnView TOP = new OwnView("mv_top", "SELECT mv_old.id FROM mv_old", "id");

  private static final String RENAME = "SELECT wip_view_rename('mv_old', 'mv_new')";

  @RegisterExtension static final TestDatabase original = TestDatabase.engine();

  private final TestDatabase database = TestDatabase.copyOf(original);

  @BeforeAll
  static void a_view_on_which_something_hangs() throws SQLException {
    original.execute(
        "CREATE TABLE notes (id integer, note text)", "INSERT INTO notes VALUES (1, 'first')");
    OLD.promoteIn(original);
    TOP.promoteIn(original);
    original.execute(
        "CREATE VIEW over_it AS SELECT id, note FROM mv_old",
        "CREATE INDEX by_hand_idx ON mv_old (note)",
        "GRANT SELECT ON mv_old, over_it TO pg_monitor",
        "GRANT SELECT (id) ON mv_old TO pg_read_all_stats WITH GRANT OPTION",
        "UPDATE wip_view SET freshness_target = '7 minutes' WHERE view_name = 'mv_old'",
        "CALL refresh_wip_views()");
  }

  @BeforeEach
  void copy() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  /** All that there is, as if the view had always had the new name. */
  private Map<String, String> snapshot() throws SQLException {
    Map<String, String> snapshot = new TreeMap<>();
    CatalogSnapshot.of(database)
        .forEach((name, what) -> snapshot.put(renamed(name), renamed(what)));
    return snapshot;
  }

  private static String renamed(String text) {
    return text.replaceAll("mv_old(?!_id_idx)", "mv_new");
  }

  private List<List<String>> registered() throws SQLException {
    return database.rows(
        "SELECT replace(view_name, 'mv_old', 'mv_new'), refresh_order, freshness_target,"
            + " last_refresh_id, refresh_no, replace(source_refresh_no::text, 'mv_old', 'mv_new')"
            + " FROM wip_view ORDER BY 1");
  }

  @Test
  void all_that_hangs_on_a_view_stays_when_it_is_renamed() throws Exception {
    Map<String, String> before = snapshot();
    List<List<String>> registeredBefore = registered();

    database.execute(RENAME);

    assertThat(snapshot()).isEqualTo(before);
    assertThat(registered()).isEqualTo(registeredBefore);
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
    assertThat(database.rows("SELECT view_name, count(*) FROM wip_view_refresh GROUP BY 1"))
        .containsExactlyInAnyOrder(List.of("mv_new", "2"), List.of("mv_top", "2"));
    assertThat(database.value("SELECT reads FROM wip_view_order WHERE view_name = 'mv_top'"))
        .isEqualTo("{mv_new}");
    assertThat(WipViews.of(database.dataSource()).freshness())
        .extracting(view -> view.view() + " " + view.state())
        .containsExactly("mv_new FRESH", "mv_top FRESH");
  }

  @Thorough
  @Test
  void both_are_recreated_from_the_registry_under_the_new_name() throws Exception {
    database.execute(
        RENAME,
        "DROP MATERIALIZED VIEW mv_top",
        "DROP VIEW over_it",
        "DROP MATERIALIZED VIEW mv_new",
        "SELECT wip_view_recreate('mv_new')",
        "SELECT wip_view_recreate('mv_top')");

    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
    assertThat(database.value("SELECT count(*) FROM mv_top JOIN mv_new USING (id)")).isEqualTo("1");
  }

  @Thorough
  @Test
  void readers_through_a_dependant_notice_nothing() throws Exception {
    Readers readers = Readers.start(database.dataSource(), 3, "SELECT * FROM over_it");
    for (int i = 0; i < 5; i++) {
      database.execute(RENAME, "SELECT wip_view_rename('mv_new', 'mv_old')");
    }

    Readers.Result result = readers.stop();
    assertThat(result.errors()).as(result.firstError()).isZero();
    assertThat(result.reads()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"transaction", "java", "procedure"})
  void who_waits_for_the_old_name_gets_the_new_one_refreshed(String how) throws Exception {
    try (Callers callers = new Callers();
        Connection first = database.connect();
        Statement statement = first.createStatement()) {
      first.setAutoCommit(false);
      statement.execute(
          "SELECT pg_advisory_xact_lock('wip_view'::regclass::oid::integer, hashtext('mv_old'))");
      List<Future<Boolean>> calls =
          callers.start(
              5,
              database::connect,
              (number, connection) -> {
                try (Statement caller = connection.createStatement()) {
                  return switch (how) {
                    case "java" ->
                        WipViews.of(database.dataSource()).refresh(WipViews.view("mv_old")).rows()
                            == 2;
                    case "procedure" -> !caller.execute("CALL refresh_wip_views()");
                    default -> caller.execute("SELECT refresh_wip_view('mv_old')");
                  };
                }
              });
      Await.until(
          "all wait",
          () ->
              database.value(
                  "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
                      + " AND classid = 'wip_view'::regclass"),
          "5"::equals);
      database.execute("INSERT INTO notes VALUES (2, 'meanwhile')");
      statement.execute(RENAME);
      first.commit();
      assertThat(Callers.results(calls)).containsOnly(true);
    }

    assertThat(database.value("SELECT count(*) FROM mv_new")).isEqualTo("2");
    assertThat(
            database.rows(
                "SELECT outcome <> 'running', count(*) FROM wip_view_refresh"
                    + " WHERE view_name = 'mv_new' GROUP BY 1"))
        .containsExactly(List.of("t", "7"));
    assertThat(database.value("SELECT count(*) FROM wip_view_history WHERE outcome = 'failed'"))
        .isEqualTo("0");
  }

  @Test
  void callers_and_listeners_that_know_the_old_name_are_served() throws Exception {
    database.execute(RENAME, "INSERT INTO notes VALUES (2, 'second')");
    try (Connection listener = database.connect();
        Statement statement = listener.createStatement()) {
      statement.execute("LISTEN wip_view_refreshed");

      Refresh refresh = WipViews.of(database.dataSource()).refresh(WipViews.view("mv_old"));

      assertThat(refresh).returns("mv_new", Refresh::view).returns(2L, Refresh::rows);
      PGNotification[] told = listener.unwrap(PGConnection.class).getNotifications(60_000);
      assertThat(Stream.of(told).map(PGNotification::getParameter))
          .anyMatch(payload -> payload.contains("\"mv_new\""))
          .anyMatch(payload -> payload.contains("\"mv_old\""));
    }
  }

  @Thorough
  @Test
  void the_entry_of_the_new_name_takes_over_what_was_renamed() throws Exception {
    database.execute(RENAME);
    new OwnView("mv_new", renamed(OLD.sql()).replace("mv_old_id_idx", "mv_new_id_idx"))
        .with("id, note", "id, note, length(note) AS size")
        .promoteIn(database);

    assertThat(database.rows("SELECT indexname FROM pg_indexes WHERE tablename = 'mv_new'"))
        .containsExactlyInAnyOrder(List.of("mv_new_id_idx"), List.of("by_hand_idx"));
    assertThat(
            database.value(
                "SELECT has_table_privilege('pg_monitor', 'mv_new', 'SELECT') AND"
                    + " has_column_privilege('pg_read_all_stats', 'mv_new', 'id', 'SELECT')"))
        .isEqualTo("t");
    assertThat(database.value("SELECT count(*) FROM over_it JOIN mv_top USING (id)"))
        .isEqualTo("1");
    assertThat(database.value("SELECT former_names FROM wip_view WHERE view_name = 'mv_new'"))
        .isEqualTo("{mv_old}");

    // somebody else's from now on
    OLD.promoteIn(database);
    assertThat(database.rows("SELECT view_name, former_names FROM wip_view ORDER BY 1"))
        .containsExactly(List.of("mv_new", "{}"), List.of("mv_old", "{}"), List.of("mv_top", "{}"));
  }

  @Test
  void there_and_back_leaves_everything_as_it_was() throws Exception {
    Map<String, String> before = CatalogSnapshot.of(database);

    database.execute(RENAME, "SELECT wip_view_rename('mv_new', 'mv_old')");

    assertThat(CatalogSnapshot.of(database)).isEqualTo(before);
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
  }

  @Test
  void where_the_old_name_is_unknown_there_is_nothing_to_do() throws Exception {
    database.execute(RENAME, RENAME, "SELECT wip_view_rename('mv_none', 'mv_nothing')");

    assertThat(database.rows("SELECT view_name FROM wip_view ORDER BY 1"))
        .containsExactly(List.of("mv_new"), List.of("mv_top"));
  }

  @Test
  void a_name_that_is_taken_or_too_long_is_refused() throws Exception {
    for (String name : List.of("mv_top", "over_it", "notes", "wip_view", "x".repeat(64), "")) {
      assertThatThrownBy(() -> database.execute("SELECT wip_view_rename('mv_old', '" + name + "')"))
          .hasMessageContaining("cannot rename mv_old to ");
    }
    assertThat(database.value("SELECT former_names FROM wip_view WHERE view_name = 'mv_old'"))
        .isEqualTo("{}");
  }

  @Test
  void functions_that_name_the_view_in_their_bodies_are_named() throws Exception {
    database.execute(
        "CREATE FUNCTION reads_it() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM mv_old'");
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(RENAME);

      assertThat(statement.getWarnings().getMessage()).contains("reads_it()");
    }
  }
}
