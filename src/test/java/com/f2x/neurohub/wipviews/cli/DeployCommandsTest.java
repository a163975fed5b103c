package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class DeployCommandsTest {

  private TestDatabase database;
  private Cli cli;

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private void use(TestDatabase wanted) throws SQLException {
    database = wanted.create();
    cli = Cli.on(database);
  }

  @Thorough
  @Test
  void update_deploys_and_says_what() throws SQLException {
    use(TestDatabase.mes());
    Cli.Result result = cli.run("update");

    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
    assertThat(result.out().replace('\n', ' '))
        .contains("mv_process_wip_queue: built, 6 rows")
        .contains("Deployed to schema public of database " + database.name() + ": preflight")
        .contains("mv_wip_status_dashboard", "freshness");
    assertThat(cli.run("freshness", "--fail-if-stale").exitCode()).isZero();
  }

  @Thorough
  @Test
  void update_does_nothing_the_second_time() throws SQLException {
    use(TestDatabase.deployed());

    Cli.Result result = cli.run("update");

    assertThat(result.exitCode()).isZero();
    assertThat(String.join(" ", result.outLines()))
        .isEqualTo("No changes to deploy to schema public of database " + database.name() + ".");
  }

  @Thorough
  @Test
  void update_names_views_that_are_not_materialized_any_more() throws SQLException {
    use(TestDatabase.deployed());
    database.execute(
        "DROP MATERIALIZED VIEW mv_wip_status_dashboard, mv_process_wip_queue",
        "CREATE VIEW mv_process_wip_queue AS SELECT 1 AS process_id");

    Cli.Result result = cli.run("update");

    assertThat(String.join(" ", result.outLines()).replaceAll(" +", " "))
        .contains(
            "mv_wip_status_dashboard: the view is missing: it was dropped or renamed; run"
                + " wip-views recreate mv_wip_status_dashboard",
            "mv_process_wip_queue: the view is missing: something else has its name; run"
                + " wip-views recreate mv_process_wip_queue")
        .doesNotContain("up to date");
  }

  @ParameterizedTest
  @ValueSource(strings = {"o'brien", "We\"ird", "back\\slash", "a$b"})
  void a_schema_whose_name_cannot_be_quoted_is_refused(String schema) throws SQLException {
    use(TestDatabase.mes());
    String inQuotes = schema.replace("\"", "\"\"");
    database.execute("CREATE SCHEMA \"" + inQuotes + "\"");
    String message =
        "cannot deploy to schema " + schema + ": a name with any of ' \" \\ $ is not supported";

    for (String[] command :
        new String[][] {{"update"}, {"update", "--sql"}, {"recreate"}, {"rollback", "--yes"}}) {
      Cli.Result result = cli.with("WIP_VIEWS_SCHEMA", schema).run(command);

      assertThat(result.exitCode()).isEqualTo(2);
      assertThat(result.err()).contains(message);
    }
    database.execute(
        "ALTER DATABASE " + database.name() + " SET search_path = \"" + inQuotes + "\"");
    assertThat(cli.run("update").err()).contains(message);
  }

  @Thorough
  @Test
  void update_sets_parameters() throws SQLException {
    use(TestDatabase.deployed());

    Cli.Result result =
        cli.run("update", "--param", "bottleneckAbove=7", "--param=stuckAfter=2 hours");

    assertThat(result.out()).contains("Deployed to", "settings");
    assertThat(database.rows("SELECT bottleneck_above, stuck_after FROM wip_view_settings"))
        .containsExactly(List.of("7", "02:00:00"));
  }

  @Thorough
  @Test
  void an_update_without_parameters_changes_nothing_and_says_so() throws SQLException {
    use(TestDatabase.deployed());
    cli.run("update", "--param", "bottleneckAbove=7");

    assertThat(cli.run("update").out()).startsWith("No changes to deploy");
    assertThat(cli.run("update", "--param", "bottleneckAbove=7").out())
        .startsWith("No changes to deploy");
    assertThat(cli.run("update", "--param", "bottleneckAbove=8").out().replaceAll("\\s+", " "))
        .startsWith("Deployed to schema public of database " + database.name() + ": settings.");
  }

  @Thorough
  @Test
  void a_role_that_may_only_read_is_told_why_and_gets_the_script() throws SQLException {
    use(TestDatabase.deployed());
    String role = "reader_of_" + database.name();
    database.execute(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'");
    Cli reader = cli.with("WIP_VIEWS_USERNAME", role).with("WIP_VIEWS_PASSWORD", "secret");
    try {
      for (String command : List.of("update", "recreate")) {
        assertThat(reader.run(command).errLines())
            .singleElement()
            .asString()
            .contains("missing: the right to create in schema public", "to read table public.lots");
      }
      assertThat(reader.run("rollback").out()).contains("public.mv_process_wip_queue");
      assertThat(reader.run("rollback", "--yes").errLines())
          .containsExactly(
              "wip-views: cannot roll back: the objects belong to "
                  + database.user()
                  + ". Connect as their owner.");

      assertThat(reader.run("update", "--sql").errLines())
          .containsExactly(
              "wip-views: cannot tell what is deployed already. Have its owner run GRANT SELECT ON"
                  + " public.databasechangelog TO "
                  + role
                  + ";");
      database.execute("GRANT SELECT ON databasechangelog TO " + role);
      isTheScript(reader.run("update", "--sql"));
    } finally {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
  }

  @Thorough
  @Test
  void update_sql_of_a_read_only_database_prints_the_script() throws SQLException {
    use(TestDatabase.mes());
    database.execute(
        "ALTER DATABASE " + database.name() + " SET default_transaction_read_only = on");

    Cli.Result result = cli.run("update", "--sql");

    isTheScript(result);
    assertThat(result.out()).contains("CREATE MATERIALIZED VIEW mv_process_wip_queue");
  }

  private static void isTheScript(Cli.Result result) {
    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains("wip-views cannot be deployed to schema");
  }

  @Thorough
  @Test
  void update_sql_without_an_mes_names_what_is_missing() throws SQLException {
    use(TestDatabase.empty());

    Cli.Result result = cli.run("update", "--sql");

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.errLines())
        .singleElement()
        .asString()
        .contains("relation \"public.wip_items\" does not exist");
  }

  @Thorough
  @Test
  void update_sql_prints_a_script_and_changes_nothing() throws SQLException {
    use(TestDatabase.mes());
    Map<String, String> before = CatalogSnapshot.of(database);

    Cli.Result result = cli.run("update", "--sql");

    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.out())
        .contains("CREATE MATERIALIZED VIEW mv_process_wip_queue")
        .doesNotContain("No changes", "Deployed to");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @Thorough
  @Test
  void update_deploys_to_another_schema() throws SQLException {
    use(TestDatabase.mes());
    database.execute("ALTER SCHEMA public RENAME TO \"MES\"", "CREATE SCHEMA public");

    Cli.Result update = cli.run("update", "--schema", "MES");

    assertThat(update.err()).isEmpty();
    assertThat(update.out()).contains("Deployed to schema \"MES\"");
    assertThat(cli.run("refresh", "--schema", "MES").exitCode()).isZero();
    assertThat(cli.with("WIP_VIEWS_SCHEMA", "MES").run("freshness").exitCode()).isZero();
    assertThat(cli.run("rollback", "--schema", "MES").out()).contains("\"MES\".wip_view_refresh");
  }

  @Test
  void update_without_an_mes_names_what_is_missing_on_one_line() throws SQLException {
    use(TestDatabase.empty());

    Cli.Result result = cli.run("update");

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.errLines())
        .singleElement()
        .asString()
        .contains("table public.lots", "table public.wip_items");
  }

  @Test
  void update_of_a_read_only_database_is_refused() throws SQLException {
    use(TestDatabase.mes());
    database.execute(
        "ALTER DATABASE " + database.name() + " SET default_transaction_read_only = on");

    Cli.Result result = cli.run("update");

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.errLines()).singleElement().asString().contains("read-only");
  }

  @Thorough
  @Test
  void update_with_pg_cron_where_there_is_none_says_what_to_do() throws SQLException {
    use(TestDatabase.mes());

    Cli.Result result = cli.run("update", "--with", "pg-cron");

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.errLines())
        .singleElement()
        .asString()
        .startsWith("wip-views: pg_cron is not installed on this server. Install it (")
        .contains(
            "shared_preload_libraries = 'pg_cron'",
            "cron.database_name = '" + database.name() + "'",
            "restart the server",
            "or schedule by wip-views schedule or system cron instead.");
    assertThat(cli.run("freshness", "--fail-if-stale").exitCode()).isZero();
    assertThat(cli.run("rollback", "--yes").exitCode()).isZero();
  }

  @Thorough
  @Test
  void recreate_brings_back_a_view_that_was_dropped() throws SQLException {
    use(TestDatabase.deployed());
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");
    assertThat(cli.run("freshness", "--fail-if-stale").exitCode()).isEqualTo(3);

    Cli.Result result = cli.run("recreate");

    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
    assertThat(result.out())
        .containsPattern("mv_wip_status_dashboard +refreshed +rebuild +\\d+ ms +0")
        .containsPattern("mv_process_wip_queue +refreshed +rebuild +\\d+ ms +6");
    assertThat(cli.run("freshness", "--fail-if-stale").exitCode()).isZero();
  }

  @Thorough
  @Test
  void recreate_of_one_view_leaves_the_other_alone() throws SQLException {
    use(TestDatabase.deployed());
    String query = "SELECT 'mv_wip_status_dashboard'::regclass::oid";
    String before = database.value(query);

    JsonNode made = cli.run("recreate", "mv_process_wip_queue", "--format", "json").json();

    assertThat(made).hasSize(1);
    assertThat(made.get(0).get("view_name").asString()).isEqualTo("mv_process_wip_queue");
    assertThat(made.get(0).get("mode").asString()).isEqualTo("rebuild");
    assertThat(database.value(query)).isEqualTo(before);
  }

  @Thorough
  @Test
  void recreate_works_without_views_functions_and_freshness() throws SQLException {
    use(TestDatabase.deployed());
    database.execute(
        "DROP VIEW wip_view_freshness",
        "DROP MATERIALIZED VIEW mv_process_wip_queue",
        "DROP MATERIALIZED VIEW mv_wip_status_dashboard",
        "DROP FUNCTION refresh_wip_view(text) CASCADE");

    Cli.Result result = cli.run("recreate");

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(cli.run("refresh").exitCode()).isZero();
  }

  @Thorough
  @Test
  void recreate_takes_parameters() throws SQLException {
    use(TestDatabase.deployed());

    assertThat(cli.run("recreate", "--param", "bottleneckAbove=7").exitCode()).isZero();

    assertThat(database.value("SELECT bottleneck_above FROM wip_view_settings")).isEqualTo("7");
  }

  @Test
  void recreate_of_an_unknown_view_names_the_registered_ones() throws SQLException {
    use(TestDatabase.deployed());
    Map<String, String> before = CatalogSnapshot.of(database);

    Cli.Result result = cli.run("recreate", "mv_nope");

    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err())
        .contains("unknown view \"mv_nope\"", "mv_wip_status_dashboard, mv_process_wip_queue");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }
}
