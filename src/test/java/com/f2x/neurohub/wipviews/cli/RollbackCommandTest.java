package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class RollbackCommandTest {

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

  @Test
  void rollback_without_yes_says_what_would_go_and_takes_nothing() throws SQLException {
    use(TestDatabase.deployed());
    Map<String, String> before = CatalogSnapshot.of(database);

    Cli.Result result = cli.run("rollback");

    assertThat(result.exitCode()).isZero();
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
    assertThat(result.out())
        .contains("This would be removed", "rollback --yes")
        .containsPattern("materialized view +public.mv_process_wip_queue +\\d+ kB")
        .containsPattern("procedure +public.refresh_wip_views\\(");
    assertThat(CatalogSnapshot.difference(before, CatalogSnapshot.of(database))).isEmpty();
  }

  @Thorough
  @Test
  void rollback_takes_exactly_what_it_listed_and_not_the_mes() throws SQLException {
    use(TestDatabase.mes());
    // of the indexes that the views read by, one is missing here, so that the deploy makes it
    for (String index : indexesOn("wip_items", "lot_id")) {
      database.execute("DROP INDEX " + index);
    }
    TreeSet<String> before = objects();
    assertThat(cli.run("update", "--with", "db-scheduler").exitCode()).isZero();
    TreeSet<String> deployed = objects();
    deployed.removeAll(before);

    JsonNode listed = cli.run("rollback", "--format", "json").json();
    Cli.Result result = cli.run("rollback", "--yes");

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).startsWith("Removed;");
    assertThat(
            StreamSupport.stream(listed.spliterator(), false)
                .map(object -> object.get("name").asString()))
        .containsExactlyInAnyOrderElementsOf(deployed);
    assertThat(objects()).isEqualTo(before);
  }

  @Thorough
  @Test
  void rollback_lists_nothing_that_is_only_named_like_ours() throws SQLException {
    use(TestDatabase.deployed());
    database.execute(
        "CREATE FUNCTION wip_view_of_mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX wip_views_of_mine ON lots (production_date)");

    assertThat(cli.run("rollback").out()).contains("wip_view_run").doesNotContain("of_mine");
    assertThat(cli.run("rollback", "--yes").out())
        .contains("wip_view_run")
        .doesNotContain("of_mine");
    assertThat(database.value("SELECT wip_view_of_mine()")).isEqualTo("1");
  }

  @Thorough
  @Test
  void rollback_without_yes_names_what_would_stop_it() throws SQLException {
    use(TestDatabase.deployed());
    database.execute("CREATE VIEW theirs AS SELECT process_code FROM mv_process_wip_queue");

    Cli.Result preview = cli.run("rollback");
    Cli.Result result = cli.run("rollback", "--yes");

    assertThat(preview.exitCode()).isZero();
    assertThat(preview.outLines()).allMatch(line -> line.length() <= 80);
    assertThat(preview.out().replaceAll("\\s+", " "))
        .endsWith(
            "But it would be refused: view public.theirs depends on public.mv_process_wip_queue."
                + " Drop or change these first. ");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.errLines())
        .containsExactly(
            "wip-views: cannot roll back: view public.theirs depends on"
                + " public.mv_process_wip_queue. Drop or change these first.");
  }

  @Test
  void rollback_of_nothing_says_so() throws SQLException {
    use(TestDatabase.mes());
    Cli.Result result = cli.run("rollback", "--yes");

    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains("Nothing is deployed here");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rollback", "rollback --yes"})
  void rollback_of_a_schema_that_is_not_there_is_refused(String command) throws SQLException {
    use(TestDatabase.mes());

    Cli.Result result = cli.run((command + " --schema zzz").split(" "));

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.errLines())
        .containsExactly("wip-views: schema \"zzz\" does not exist. Check the schema's name.");
  }

  private List<String> indexesOn(String table, String column) throws SQLException {
    return database
        .rows(
            "SELECT i.indexrelid::regclass::text FROM pg_index AS i JOIN pg_attribute AS a ON"
                + " a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = '"
                + table
                + "'::regclass AND NOT i.indisunique AND a.attname = '"
                + column
                + "'")
        .stream()
        .map(row -> row.get(0))
        .toList();
  }

  /** Everything in the schema but Liquibase's tables and what goes with its table. */
  private TreeSet<String> objects() throws SQLException {
    TreeSet<String> objects = new TreeSet<>();
    database
        .rows(
            """
            SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public'
              AND c.relname NOT LIKE 'databasechangelog%'
              AND (c.relkind IN ('r', 'v', 'm')
                OR c.relkind = 'i'
                  AND EXISTS (
                    SELECT
                    FROM pg_index AS i
                    WHERE i.indexrelid = c.oid
                      AND i.indrelid IN ('wip_items'::regclass, 'wip_process_history'::regclass)))
            UNION ALL
            -- types as a session prints them that has nothing on its search_path
            SELECT format('%I.%I(%s)', 'public', p.proname,
              regexp_replace(pg_get_function_identity_arguments(p.oid), ' wip_view_refresh', ' public.wip_view_refresh'))
            FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace
            """)
        .forEach(row -> objects.add(row.get(0)));
    return objects;
  }
}
