package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * From every state that a schema can get into, what each command says to do leads out: it is run as
 * it is printed, and then what the doctor prints, until all is well.
 */
@Thorough
class RemediesTest {

  /** As many remedies one after the other as anybody will put up with. */
  private static final int STEPS = 3;

  private static final String STRANGER = "stranger_" + ProcessHandle.current().pid();

  /** A command line or a statement, as people find it in a sentence. */
  private static final Pattern REMEDY =
      Pattern.compile(
          "wip-views [a-z]+(?: (?:--?[\\w-]+|'[^']+'|mv_\\w+|[a-z]+-[a-z]+))*"
              + "|(?:GRANT|ALTER|INSERT INTO|SELECT [\\w.]+\\() ?[^;]+;");

  private static final String VIEWS = "mv_wip_status_dashboard, mv_process_wip_queue";

  enum State {
    nothing_is_deployed(TestDatabase::mes),
    the_changelog_was_marked_as_run(TestDatabase::mes) {
      @Override
      void make(TestDatabase database) throws Exception {
        liquibase(database, "changelogSync");
      }
    },
    the_first_deploy_failed_half_way(TestDatabase::mes) {
      @Override
      void make(TestDatabase database) throws Exception {
        database.execute("CREATE TABLE mv_process_wip_queue ()");
        assertThat(Cli.on(database).run("update").exitCode()).isEqualTo(1);
        database.execute("DROP TABLE mv_process_wip_queue");
      }
    },
    a_table_is_in_the_way_of_the_first_deploy(TestDatabase::mes) {
      @Override
      void make(TestDatabase database) throws Exception {
        database.execute("CREATE TABLE mv_process_wip_queue ()");
        assertThat(Cli.on(database).run("update").exitCode()).isEqualTo(1);
      }
    },
    the_schema_was_restored_without_data(
        "TRUNCATE wip_view, wip_view_refresh, wip_view_role, wip_view_settings, databasechangelog",
        "REFRESH MATERIALIZED VIEW mv_wip_status_dashboard WITH NO DATA",
        "REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA"),
    the_rows_are_gone_and_the_log_is_not(
        "TRUNCATE wip_view, wip_view_refresh, wip_view_role, wip_view_settings"),
    the_log_is_there_and_the_objects_are_not {
      @Override
      void make(TestDatabase database) throws Exception {
        database.execute("CREATE TABLE kept AS TABLE databasechangelog");
        assertThat(Cli.on(database).run("rollback", "--yes").exitCode()).isZero();
        database.execute(
            "TRUNCATE databasechangelog",
            "INSERT INTO databasechangelog TABLE kept",
            "DROP TABLE kept");
      }
    },
    the_log_is_gone("DROP TABLE databasechangelog"),
    the_helper_functions_are_gone(
        "DROP FUNCTION wip_view_acquire_exclusive(text, text), wip_view_promote,"
            + " wip_view_snapshot_objects, wip_view_stage(text), wip_view_stage(text, text)"),
    the_refresh_functions_are_gone(
        "DROP FUNCTION refresh_wip_view, wip_view_request", "DROP PROCEDURE refresh_wip_views"),
    what_doctor_asks_is_gone("DROP VIEW wip_view_freshness, wip_view_rights, wip_view_blockers"),
    every_table_is_gone(
        "DROP MATERIALIZED VIEW " + VIEWS,
        "DROP TABLE wip_view, wip_view_refresh, wip_view_role, wip_view_settings CASCADE"),
    a_row_of_the_registry_is_gone("DELETE FROM wip_view WHERE view_name = 'mv_process_wip_queue'"),
    the_registry_is_empty("DELETE FROM wip_view"),
    the_settings_are_gone("DELETE FROM wip_view_settings"),
    a_view_is_dropped("DROP MATERIALIZED VIEW mv_process_wip_queue"),
    both_views_are_dropped("DROP MATERIALIZED VIEW " + VIEWS),
    a_view_is_renamed_away("ALTER MATERIALIZED VIEW mv_process_wip_queue RENAME TO mv_old"),
    a_view_is_unpopulated("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA"),
    a_view_in_its_place(
        "DROP MATERIALIZED VIEW mv_process_wip_queue",
        "CREATE VIEW mv_process_wip_queue AS SELECT 1 AS process_id"),
    a_table_in_its_place(
        "DROP MATERIALIZED VIEW mv_process_wip_queue",
        "CREATE TABLE mv_process_wip_queue (process_id integer)"),
    a_view_of_another_changelog_is_dropped(
        register("mv_of_a_service"), "DROP MATERIALIZED VIEW mv_of_a_service"),
    a_view_of_another_changelog_is_edited(
        register("mv_of_a_service"),
        "DROP MATERIALIZED VIEW mv_of_a_service",
        "CREATE MATERIALIZED VIEW mv_of_a_service AS SELECT 1 AS id, 2 AS by_hand"),
    a_view_whose_name_has_a_space_is_dropped(
        register("mv of a service"), "DROP MATERIALIZED VIEW \"mv of a service\""),
    a_view_whose_definition_fails(
        "INSERT INTO wip_view_refresh (view_name, outcome, sqlstate, error)"
            + " SELECT 'mv_process_wip_queue', 'failed', '42883', 'no such function'"
            + " FROM generate_series(1, 3)"),
    the_log_is_in_another_schema(
        "CREATE SCHEMA log",
        "ALTER TABLE databasechangelog SET SCHEMA log",
        "DELETE FROM wip_view"),
    the_functions_are_anothers("CALL give('FUNCTION')"),
    a_view_is_anothers("ALTER MATERIALIZED VIEW mv_process_wip_queue OWNER TO " + STRANGER);

    private final Supplier<TestDatabase> template;
    private final String[] statements;

    State(Supplier<TestDatabase> template, String... statements) {
      this.template = template;
      this.statements = statements;
    }

    State(String... statements) {
      this(TestDatabase::deployed, statements);
    }

    void make(TestDatabase database) throws Exception {
      database.execute(
          "CREATE PROCEDURE give(kind text) LANGUAGE plpgsql AS $$ DECLARE f record; BEGIN"
              + " FOR f IN SELECT oid::regprocedure AS name FROM pg_proc"
              + " WHERE pronamespace = 'public'::regnamespace AND prosecdef LOOP"
              + " EXECUTE format('ALTER %s %s OWNER TO "
              + STRANGER
              + "', kind, f.name); END LOOP; END $$");
      database.execute(statements);
      database.execute("DROP PROCEDURE give");
    }

    private static String register(String view) {
      return ("DO $$ BEGIN PERFORM wip_view_stage('%1$s');"
              + " CREATE MATERIALIZED VIEW \"%1$s\" AS SELECT id, lot_number FROM lots;"
              + " CREATE UNIQUE INDEX \"%1$s_id\" ON \"%1$s\" (id);"
              + " PERFORM wip_view_promote('%1$s', 9, interval '1 hour'); END $$")
          .formatted(view);
    }
  }

  /** A role that owns what it should not. */
  @BeforeAll
  static void a_stranger() throws SQLException {
    TestDatabase.onServer("CREATE ROLE " + STRANGER);
  }

  @AfterAll
  static void drop_the_stranger() throws SQLException {
    TestDatabase.onServer("DROP ROLE " + STRANGER);
  }

  @ParameterizedTest
  @EnumSource
  void every_remedy_leads_out(State state) throws Exception {
    Set<List<String>> followed = new HashSet<>();
    for (String command : List.of("doctor", "refresh", "freshness --fail-if-stale", "update")) {
      TestDatabase database = state.template.get().create();
      try {
        state.make(database);
        List<String> told = new ArrayList<>();
        Cli.Result said = run(database, command, told);
        if (followed.add(remedies(said))) {
          assertThat(leadsOut(said, database, told)).as(String.join("\n", told)).isTrue();
          assertThat(database.value("SELECT count(*) FROM mv_process_wip_queue")).isEqualTo("6");
        }
      } finally {
        database.drop();
      }
    }
  }

  private static boolean leadsOut(Cli.Result first, TestDatabase database, List<String> told) {
    Cli.Result said = first;
    for (int step = 0; step <= STEPS; step++) {
      for (String remedy : remedies(said)) {
        said = apply(database, remedy, told);
      }
      if (remedies(said).isEmpty()) {
        said = run(database, "doctor", told);
      }
      if (said.exitCode() == 0) {
        said = run(database, "refresh", told);
        if (said.exitCode() == 0 && said.out().contains("mv_process_wip_queue")) {
          return run(database, "doctor", told).exitCode() == 0;
        }
      }
    }
    return false;
  }

  private static List<String> remedies(Cli.Result said) {
    List<String> lines =
        said.outLines().stream()
            .filter(line -> line.matches(" {4}\\S.*"))
            .map(String::strip)
            .toList();
    return lines.isEmpty()
        ? REMEDY
            .matcher((said.err() + said.out()).replaceAll("\\s+", " "))
            .results()
            .map(MatchResult::group)
            .toList()
        : lines;
  }

  private static Cli.Result apply(TestDatabase database, String remedy, List<String> told) {
    if (remedy.startsWith("wip-views ")) {
      return run(database, remedy.substring("wip-views ".length()), told);
    }
    told.add("=> " + remedy);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(remedy);
      return new Cli.Result(0, "", "");
    } catch (SQLException e) {
      told.add(e.getMessage());
      return new Cli.Result(1, "", e.getMessage());
    }
  }

  private static Cli.Result run(TestDatabase database, String command, List<String> told) {
    List<String> words =
        Pattern.compile("'([^']*)'|(\\S+)")
            .matcher(command)
            .results()
            .map(word -> word.group(1) == null ? word.group(2) : word.group(1))
            .toList();
    Cli.Result said = Cli.on(database).run(words.toArray(String[]::new));
    told.add("=> wip-views " + command + "\n" + said.err() + said.out());
    return said;
  }

  private static void liquibase(TestDatabase database, String command) throws Exception {
    try (Connection connection = database.connect()) {
      Scope.child(
          Map.of("liquibase.analytics.enabled", "false"),
          () -> {
            Database target =
                DatabaseFactory.getInstance()
                    .findCorrectDatabaseImplementation(new JdbcConnection(connection));
            new CommandScope(command)
                .addArgumentValue("database", target)
                .addArgumentValue(
                    "changelogFile", "com/f2x/neurohub/wipviews/changelog/db.changelog-root.yaml")
                .execute();
          });
    }
  }
}
