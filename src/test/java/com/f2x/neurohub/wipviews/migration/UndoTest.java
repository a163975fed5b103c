package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Callers;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.OwnChangelog;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What a promotion replaced is brought back. */
class UndoTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private static final String VIEW = "mv_customers";

  @TempDir private Path folder;

  private final WipViewsMigration library =
      WipViewsMigration.of(database.dataSource()).only("engine");

  @BeforeEach
  void orders() throws SQLException {
    database.execute(
        "DROP VIEW IF EXISTS amounts",
        "SELECT wip_view_remove(view_name) FROM wip_view",
        "DELETE FROM orders",
        "DELETE FROM databasechangelog WHERE author = 'service'",
        "INSERT INTO orders SELECT n, 'c' || n % 10, n FROM generate_series(1, 100) AS n");
  }

  /** A definition that is told by its number. */
  private static OwnView numbered(int number) {
    return new OwnView(
        VIEW,
        "SELECT customer, sum(amount) AS amount, " + number + " AS number FROM orders GROUP BY 1",
        "customer");
  }

  private static String live() throws SQLException {
    return database.value("SELECT max(number) FROM mv_customers");
  }

  @Test
  void it_comes_back_with_its_columns_and_all_that_they_had() throws Exception {
    OwnView.CUSTOMERS.promoteIn(database);
    database.execute(
        "CREATE VIEW amounts AS SELECT customer, amount FROM mv_customers",
        "COMMENT ON COLUMN mv_customers.orders IS 'how many'",
        "GRANT SELECT (orders) ON mv_customers TO pg_monitor",
        "ALTER MATERIALIZED VIEW mv_customers ALTER COLUMN orders SET STATISTICS 7",
        "SELECT wip_view_record_attributes('mv_customers')");
    Map<String, String> before = CatalogSnapshot.of(database);
    numbered(2).promoteIn(database);
    assertThat(database.value("SELECT wip_view_drift()")).isNull();

    library.recreatePrevious(List.of(VIEW));

    assertThat(CatalogSnapshot.differences(CatalogSnapshot.of(database), before)).isEmpty();
    assertThat(database.value("SELECT sum(orders) FROM mv_customers")).isEqualTo("100");
    assertThat(
            database.value(
                "SELECT outcome || ' ' || mode FROM wip_view_refresh ORDER BY refresh_id DESC"))
        .isEqualTo("refreshed rebuild");
  }

  @Thorough
  @Test
  void it_goes_back_step_by_step_and_forward_to_what_was_deployed() throws Exception {
    for (int number = 1; number <= 8; number++) {
      numbered(number).promoteIn(database);
    }
    assertThat(
            database.value(
                "SELECT jsonb_array_length(previous_definitions) FROM wip_view WHERE"
                    + " previous_definitions #>> '{0,replaced_at}' IS NOT NULL"))
        .isEqualTo("5");

    library.recreatePrevious(List.of(VIEW));
    assertThat(live()).isEqualTo("7");
    library.recreatePrevious(List.of(VIEW));
    assertThat(live()).isEqualTo("6");
    library.recreate(List.of(VIEW));
    assertThat(live()).isEqualTo("8");
    library.recreatePrevious(List.of(VIEW));
    assertThat(live()).isEqualTo("6");
    for (int i = 0; i < 3; i++) {
      library.recreatePrevious(List.of(VIEW));
    }
    assertThatThrownBy(() -> library.recreatePrevious(List.of(VIEW)))
        .hasMessage("no earlier definition of mv_customers is on record");
    assertThat(live()).isEqualTo("3");
    assertThat(database.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^wip_'")).isEmpty();
  }

  @Thorough
  @Test
  void a_deploy_leaves_it_says_so_and_replaces_it_by_a_new_file() throws Exception {
    deploy(numbered(1));
    deploy(numbered(2));
    library.recreatePrevious(List.of(VIEW));

    assertThat(deploy(numbered(2)))
        .contains(
            "  mv_customers: an earlier definition is in place, brought back by recreate"
                + " --previous, and not the one that was deployed last; run wip-views recreate"
                + " mv_customers");
    assertThat(live()).isEqualTo("1");
    assertThat(WipViews.of(database.dataSource()).diagnose())
        .filteredOn(finding -> finding.check().equals("drift"))
        .extracting(Finding::subject, Finding::remedy)
        .containsExactly(tuple(VIEW, List.of("wip-views recreate mv_customers")));

    deploy(numbered(3));
    assertThat(live()).isEqualTo("3");
    assertThat(database.value("SELECT wip_view_drift()")).isNull();
    library.recreatePrevious(List.of(VIEW));
    assertThat(live()).isEqualTo("1");
  }

  /** Deploys a changelog of the view alone, and returns what it said. */
  private List<String> deploy(OwnView view) throws Exception {
    List<String> said = new ArrayList<>();
    library
        .withChangelog(OwnChangelog.in(folder).with(view).location())
        .withProgress(said::add)
        .update();
    return said;
  }

  @Thorough
  @Test
  void an_instance_of_the_earlier_version_leaves_it_too() throws Exception {
    promote(1, "1");
    promote(2, "2");
    library.recreatePrevious(List.of(VIEW));
    assertThat(live()).isEqualTo("1");

    promote(0, "1.5");
    assertThat(live()).isEqualTo("1");
    promote(2, "2");
    assertThat(live()).isEqualTo("2");
  }

  private static void promote(int number, String version) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT wip_view_stage('mv_customers')");
      statement.execute(numbered(number).sql());
      statement.execute("SELECT wip_view_promote('mv_customers', version => '" + version + "')");
      connection.commit();
    }
  }

  @Thorough
  @Test
  void one_that_no_longer_suits_the_tables_leaves_the_live_one() throws Exception {
    database.execute("ALTER TABLE orders ADD paid boolean");
    new OwnView(VIEW, "SELECT DISTINCT customer, paid FROM orders", "customer").promoteIn(database);
    numbered(2).promoteIn(database);
    database.execute("ALTER TABLE orders DROP paid");

    assertThatThrownBy(() -> library.recreatePrevious(List.of(VIEW)))
        .hasMessageMatching("column .*paid.* does not exist");

    assertThat(live()).isEqualTo("2");
    assertThatThrownBy(() -> library.recreatePrevious(List.of("mv_unknown")))
        .isInstanceOf(UnknownViewException.class);
  }

  @Thorough
  @Test
  void a_thaw_brings_back_what_was_frozen_undone_or_not() throws Exception {
    numbered(1).promoteIn(database);
    numbered(2).promoteIn(database);
    library.recreatePrevious(List.of(VIEW));
    library.freeze(List.of(VIEW));

    assertThatThrownBy(() -> library.recreatePrevious(List.of(VIEW)))
        .hasMessage("mv_customers is frozen");
    library.thaw(List.of(VIEW));

    assertThat(live()).isEqualTo("1");
    assertThat(database.value("SELECT what FROM wip_view_drift()")).isEqualTo("undone");
    library.recreate(List.of(VIEW));
    assertThat(live()).isEqualTo("2");
    assertThat(database.value("SELECT what FROM wip_view_drift()")).isNull();
  }

  @Thorough
  @Test
  void readers_see_the_one_or_the_other_and_no_error() throws Exception {
    numbered(1).promoteIn(database);
    numbered(2).promoteIn(database);
    database.execute("CREATE VIEW amounts AS SELECT customer, amount FROM mv_customers");
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong reads = new AtomicLong();
    try (Callers callers = new Callers()) {
      List<Future<Long>> reading =
          callers.start(
              3,
              database::connect,
              (number, connection) -> {
                while (!stop.get()) {
                  try (Statement statement = connection.createStatement();
                      ResultSet row =
                          statement.executeQuery(
                              number == 0
                                  ? "SELECT sum(amount) FROM amounts"
                                  : "SELECT sum(amount) FROM mv_customers")) {
                    row.next();
                    assertThat(row.getLong(1)).isEqualTo(5050);
                  }
                  reads.incrementAndGet();
                }
                return reads.get();
              });
      try {
        for (int i = 0; i < 3; i++) {
          long before = reads.get();
          library.recreatePrevious(List.of(VIEW));
          library.recreate(List.of(VIEW));
          Await.until(
              "readers go on",
              () -> reads.get() > before || reading.stream().anyMatch(Future::isDone));
        }
      } finally {
        stop.set(true);
      }
      Callers.results(reading);
    }
    assertThat(live()).isEqualTo("2");
  }
}
