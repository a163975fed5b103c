package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.DirectoryResourceAccessor;
import liquibase.resource.ResourceAccessor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The file of a view is plain SQL: what psql makes of it, Liquibase makes of it too. */
class ViewFilesTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String NASTY =
      """
      -- it's a "comment"; with a ? and an unbalanced (
      /* a /* nested */ comment; isn't it? */
      CREATE MATERIALIZED VIEW mv_nasty AS
      SELECT
        1 AS id,
        '{"a": 1}'::jsonb ? 'a' AS has,
        '{"a": 1}'::jsonb ?| ARRAY['a'] AS any_of,
        '{"a": 1}'::jsonb ?& ARRAY['a'] AS all_of,
        '{"a": 1}'::jsonb @? '$.a' AS path,
        E'tab\\there\\'s; ?' AS escaped,
        $$a; 'b' ${unknown} ?$$ AS dollar_quoted,
        $q$ $$ ; -- no comment $q$ AS tagged,
        'semi;colon -- no comment /* nor this' AS semicolon,
        '
      GO
      /
      ' AS delimiters,
        '한글 ✓' AS "스테이션"
      ;
      CREATE UNIQUE INDEX ON mv_nasty (id);
      COMMENT ON MATERIALIZED VIEW mv_nasty IS 'it''s; ? $1 ${unknown}';
      """;

  private static final String MADE =
      "SELECT md5(concat(pg_get_viewdef('mv_nasty'::regclass),"
          + " obj_description('mv_nasty'::regclass), (SELECT v::text FROM mv_nasty AS v)))";

  @TempDir Path folder;

  @BeforeEach
  void no_view_of_that_name() throws Exception {
    database.execute("SELECT wip_view_remove('mv_nasty')");
  }

  @Thorough
  @Test
  void liquibase_makes_of_it_what_psql_makes_of_it() throws Exception {
    Psql.assumeInstalled();
    Psql.run(database, NASTY);
    String byPsql = database.value(MADE);
    database.execute("DROP MATERIALIZED VIEW mv_nasty");

    deploy(NASTY);

    assertThat(database.value(MADE)).isEqualTo(byPsql);
    assertThat(WipViews.of(database.dataSource()).refreshAll()).hasSize(3);
  }

  @Thorough
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          BEGIN; %s COMMIT;                  | COMMIT before mv_nasty was promoted
          %s END;                            | COMMIT before mv_nasty was promoted
          %s PREPARE TRANSACTION 'x';        | PREPARE
          %s ROLLBACK;                       | ROLLBACK before mv_nasty was promoted
          %s \\echo done                      | "\\"
          """)
  void what_would_end_the_transaction_is_refused_by_name(String file, String refusal)
      throws Exception {
    assertThatThrownBy(() -> deploy(file.formatted(NASTY))).hasStackTraceContaining(refusal);

    assertThat(database.objects())
        .noneMatch(object -> object.contains("wip_staging") || object.contains("mv_nasty"));
    deploy(NASTY);
  }

  @Test
  void a_script_run_statement_by_statement_leaves_nothing() throws Exception {
    Psql.assumeInstalled();

    assertThatThrownBy(
            () ->
                Psql.run(
                    database,
                    "SELECT wip_view_stage('mv_nasty');\n"
                        + NASTY
                        + "SELECT wip_view_promote('mv_nasty');"))
        .hasMessageContaining("COMMIT before mv_nasty was promoted");

    assertThat(database.objects()).noneMatch(object -> object.contains("wip_staging"));
  }

  @Test
  void our_views_are_vacuumed_without_delay_or_truncation() throws Exception {
    assertThat(
            database.rows(
                "SELECT relname FROM pg_class WHERE relname IN ('mv_process_wip_queue',"
                    + " 'mv_wip_status_dashboard') AND reloptions @>"
                    + " '{autovacuum_vacuum_cost_delay=0,vacuum_truncate=false}' ORDER BY 1"))
        .containsExactly(List.of("mv_process_wip_queue"), List.of("mv_wip_status_dashboard"));
  }

  /** A plan counts them apart: they differ between any two builds. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mv_wip_status_dashboard | avg_cycle_time_seconds last_refreshed_at
          mv_process_wip_queue    | avg_wait_time_seconds max_wait_time_seconds \
          completed_last_hour passed_last_hour failed_last_hour pass_rate_last_hour_pct \
          avg_process_duration_last_hour_seconds has_stuck_wip last_refreshed_at
          """)
  void columns_of_our_views_that_derive_from_the_clock(String view, String columns)
      throws Exception {
    assertThat(
            database.value(
                "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid"
                    + " = '"
                    + view
                    + "'::regclass AND attnum > 0 AND wip_view_reads_clock(attrelid, attname)"))
        .isEqualTo(columns);
  }

  /** As a service does, from a changelog of its own. */
  private void deploy(String file) throws Exception {
    Files.writeString(folder.resolve("mv_nasty.sql"), file);
    Files.writeString(
        folder.resolve("views.yaml"),
        """
        databaseChangeLog:
          - changeSet:
              id: mv_nasty
              author: service
              runAlways: true
              changes:
                - sql: {sql: SELECT wip_view_stage('mv_nasty')}
                - createView: {viewName: mv_nasty, path: mv_nasty.sql, relativeToChangelogFile: true, fullDefinition: true}
                - sql: {sql: SELECT wip_view_promote('mv_nasty')}
        """);
    ResourceAccessor files = new DirectoryResourceAccessor(folder);
    try (Connection connection = database.connect()) {
      Database target =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      Scope.child(
          Map.of("liquibase.analytics.enabled", "false", Scope.Attr.resourceAccessor.name(), files),
          () ->
              new CommandScope("update")
                  .setOutput(OutputStream.nullOutputStream())
                  .addArgumentValue("database", target)
                  .addArgumentValue("changelogFile", "views.yaml")
                  .execute());
    }
  }
}
