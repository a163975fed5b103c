package com.f2x.neurohub.wipviews.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.cli.Cli;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A deployed database with a reader, which is healthy before and after each test. */
abstract class DiagnosedDatabase {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  static final String READER = "reader_of_" + database.name();

  final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void a_reader() throws Exception {
    database.execute("CREATE ROLE " + READER + " LOGIN PASSWORD 'secret'");
    WipViewsMigration.of(database.dataSource()).withParameter("readerRole", READER).update();
  }

  @AfterAll
  static void drop_the_reader() throws Exception {
    database.execute("DROP OWNED BY " + READER, "DROP ROLE " + READER);
  }

  @AfterEach
  void all_is_well_again() {
    assertThat(views.diagnose()).isEmpty();
  }

  static WipViews asReader() {
    return WipViews.of(database.dataSource(READER, "secret"));
  }

  /** What is found, once the server's statistics have arrived. */
  Finding theOne(String check, String subject, String what) throws Exception {
    List<Finding> found =
        Await.until(check + " is found", views::diagnose, findings -> !findings.isEmpty());
    assertThat(found).hasSize(1);
    Finding one = found.get(0);
    assertThat(one.check()).isEqualTo(check);
    assertThat(one.severity()).isEqualTo(Severity.PROBLEM);
    assertThat(one.subject()).isEqualTo(subject);
    assertThat(one.what()).contains(what);
    assertThat(one.why()).isNotEmpty();
    assertThat(one.remedy()).isNotEmpty();
    return one;
  }

  /** Until 15, the server's statistics take a moment. */
  void wellAgain() throws Exception {
    Await.until("all is well again", views::diagnose, List::isEmpty);
  }

  static void apply(Finding finding) throws SQLException {
    apply(database, finding);
  }

  static void apply(TestDatabase where, Finding finding) throws SQLException {
    for (String line : finding.remedy()) {
      if (line.endsWith(";")) {
        where.execute(line);
      } else {
        assertThat(line).startsWith("wip-views ");
        Cli.Result result = Cli.on(where).run(words(line.substring("wip-views ".length())));
        assertThat(result.exitCode()).as(result.err()).isZero();
      }
    }
  }

  /** As a shell takes a line apart. */
  static String[] words(String line) {
    List<String> words = new ArrayList<>();
    for (String part : line.split(" (?=([^']*'[^']*')*[^']*$)")) {
      words.add(part.replaceAll("^'|'$", ""));
    }
    return words.toArray(String[]::new);
  }

  static void register(String view, String query) throws SQLException {
    database.execute(
        "CREATE MATERIALIZED VIEW " + view + " WITH (autovacuum_enabled = false) AS " + query,
        "CREATE UNIQUE INDEX ON " + view + " (id)",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('"
            + view
            + "', 9, '1 hour', wip_view_definition('"
            + view
            + "'::regclass))",
        "GRANT SELECT ON " + view + " TO " + READER,
        "SELECT refresh_wip_view('" + view + "')");
  }

  static void unregister(String view) throws SQLException {
    database.execute("SELECT wip_view_remove('" + view + "')");
  }
}
