package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.sql.DataSource;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What stops a deploy, with one line that names all of it, before anything is made. */
class PreflightTest {

  private final TestDatabase database = TestDatabase.mes();
  private final String role = "deployer_of_" + database.name();

  private boolean hasDeployer;

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    if (hasDeployer) {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
    database.drop();
  }

  private WipViewsMigration migration() {
    return WipViewsMigration.of(database.dataSource());
  }

  @Thorough
  @Test
  void an_mes_with_all_that_the_views_read_passes() {
    assertThatCode(migration()::update).doesNotThrowAnyException();
  }

  @Test
  void a_missing_table_is_named() throws Exception {
    database.execute("DROP TABLE wip_process_history");

    refuses(migration()::update, "missing: table public.wip_process_history");
  }

  @Test
  void several_missing_tables_are_named_at_once() throws Exception {
    database.execute("DROP TABLE wip_process_history, wip_items, processes, lots");

    refuses(
        migration()::update,
        "missing: table public.lots; table public.processes; table public.wip_items; table"
            + " public.wip_process_history");
  }

  @Test
  void missing_columns_of_several_tables_are_named_at_once() throws Exception {
    database.execute(
        "ALTER TABLE lots DROP COLUMN production_date",
        "ALTER TABLE processes RENAME COLUMN process_name_ko TO name_ko",
        "ALTER TABLE processes RENAME COLUMN is_active TO active",
        "ALTER TABLE wip_process_history DROP COLUMN completed_at");

    refuses(
        migration()::update,
        "missing: column(s) production_date of table public.lots; column(s) process_name_ko,"
            + " is_active of table public.processes; column(s) completed_at of table"
            + " public.wip_process_history");
  }

  @Test
  void tables_and_columns_are_named_together() throws Exception {
    database.execute(
        "DROP TABLE wip_process_history", "ALTER TABLE wip_items RENAME COLUMN lot_id TO lot");

    refuses(
        migration()::update,
        "missing: column(s) lot_id of table public.wip_items; table public.wip_process_history");
  }

  @Thorough
  @Test
  void a_column_that_the_views_do_not_read_may_be_missing() throws Exception {
    database.execute(
        "ALTER TABLE wip_items DROP COLUMN notes",
        "ALTER TABLE wip_process_history DROP COLUMN measurements");

    assertThatCode(migration()::update).doesNotThrowAnyException();
  }

  @Test
  void a_schema_without_the_mes_is_named_with_each_table() throws Exception {
    database.execute("CREATE SCHEMA elsewhere");
    List<String> before = database.objects();

    assertThatThrownBy(() -> migration().withSchema("elsewhere").update())
        .isInstanceOf(WipViewsException.class)
        .hasMessage(
            "wip-views cannot be deployed to schema \"elsewhere\" of database \"%s\"; missing:"
                + " table elsewhere.lots; table elsewhere.processes; table elsewhere.wip_items;"
                + " table elsewhere.wip_process_history",
            database.name());
    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void an_unknown_schema_is_named_and_not_made() throws Exception {
    List<String> before = database.objects();

    assertThatThrownBy(() -> migration().withSchema("nowhere").update())
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining(
            "missing: schema nowhere (name the schema to deploy to with the parameter schema)");
    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void the_check_itself_names_an_unknown_schema() throws Exception {
    assertThatThrownBy(() -> database.execute(preflight("nowhere")))
        .hasMessageContaining(
            "missing: schema nowhere (name the schema to deploy to with the parameter schema)");
  }

  @Test
  void server_13_is_refused() throws Exception {
    // No server 13 is at hand: the very text of the check, with another answer to its question.
    String check = preflight("public");
    String on13 =
        check
            .replace("current_setting('server_version_num')", "'130014'")
            .replace("current_setting('server_version')", "'13.14'");
    assertThat(on13).isNotEqualTo(check);

    assertThatCode(() -> database.execute(check)).doesNotThrowAnyException();
    assertThatThrownBy(() -> database.execute(on13))
        .hasMessageContaining("missing: PostgreSQL 14 or later (this server is 13.14)");
  }

  @Test
  void server_13_is_named_together_with_what_else_is_missing() throws Exception {
    database.execute("DROP TABLE wip_process_history");
    String on13 = preflight("public").replace("current_setting('server_version_num')", "'130014'");

    assertThatThrownBy(() -> database.execute(on13))
        .hasMessageContaining("missing: PostgreSQL 14 or later")
        .hasMessageContaining("; table public.wip_process_history");
  }

  @Test
  void a_role_that_may_not_create_in_the_schema_is_refused() throws Exception {
    deployer();
    database.execute(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM " + role);
    List<String> before = database.objects();

    assertThatThrownBy(WipViewsMigration.of(asDeployer())::update)
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining("schema public")
        .message()
        .doesNotContain("\n");
    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void a_missing_right_in_the_schema_comes_with_its_grant() throws Exception {
    deployer();
    database.execute(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM " + role);

    assertThatThrownBy(() -> database.execute("SET ROLE " + role, preflight("public")))
        .hasMessageContaining(
            "missing: the right to create in schema public (GRANT USAGE, CREATE ON SCHEMA public"
                + " TO %s)",
            role);
  }

  @Test
  void a_missing_right_in_the_database_comes_with_two_ways_out() throws Exception {
    deployer();
    database.execute("REVOKE CREATE ON DATABASE " + database.name() + " FROM " + role);

    refuses(
        WipViewsMigration.of(asDeployer())::update,
        "missing: the right to make the staging schema (GRANT CREATE ON DATABASE %s TO %s, or"
                .formatted(database.name(), role)
            + " CREATE SCHEMA wip_staging_public AUTHORIZATION %s)".formatted(role));
  }

  @Test
  void a_role_that_may_not_read_an_mes_table_is_told_which() throws Exception {
    deployer();
    database.execute("REVOKE SELECT ON lots, wip_process_history FROM " + role);

    refuses(
        WipViewsMigration.of(asDeployer())::update,
        "missing: the right to read table public.lots (GRANT SELECT ON public.lots TO %1$s); the"
                .formatted(role)
            + " right to read table public.wip_process_history (GRANT SELECT ON"
            + " public.wip_process_history TO %s)".formatted(role));
  }

  @Thorough
  @Test
  void a_role_that_may_only_read_the_mes_deploys_and_refreshes() throws Exception {
    deployer();
    WipViewsMigration.of(asDeployer()).update();

    assertThat(WipViews.of(asDeployer()).refreshAll())
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
  }

  @Thorough
  @Test
  void a_role_that_may_not_build_an_index_is_told_whose_table_it_is() throws Exception {
    deployer();
    database.execute(
        "DO $$ DECLARE i regclass; BEGIN FOR i IN SELECT indexrelid FROM pg_index WHERE indrelid ="
            + " 'wip_items'::regclass AND pg_get_indexdef(indexrelid) ~ '\\(status' LOOP EXECUTE"
            + " format('DROP INDEX %s', i); END LOOP; END $$");

    refuses(
        WipViewsMigration.of(asDeployer())::update,
        "missing: an index of table public.wip_items, which its owner may build (as %1$s: CREATE"
                .formatted(database.user())
            + " INDEX ON public.wip_items (status); or GRANT %s TO %s)"
                .formatted(database.user(), role));
    assertThatCode(migration()::update).doesNotThrowAnyException();
  }

  @Thorough
  @Test
  void a_role_that_does_not_own_what_was_deployed_is_told_who_does() throws Exception {
    migration().update();
    deployer();

    assertThatThrownBy(WipViewsMigration.of(asDeployer())::update)
        .hasMessageContaining(
            "missing: the rights of role %s, which owns public.mv_process_wip_queue,"
                + " public.mv_wip_status_dashboard, public.refresh_all_wip_views() and",
            database.user())
        .hasMessageContaining("(deploy as that role, or GRANT %s TO %s)", database.user(), role);
  }

  @Test
  void a_right_to_the_tables_of_liquibase_is_named() throws Exception {
    deployer();
    database.execute(
        "CREATE TABLE databasechangelog (id text)",
        "CREATE TABLE databasechangeloglock (id integer)",
        "GRANT SELECT, INSERT ON databasechangelog TO " + role);

    refuses(
        WipViewsMigration.of(asDeployer())::update,
        ("missing: the right to write to Liquibase's table public.databasechangelog (GRANT UPDATE,"
                + " DELETE ON public.databasechangelog TO %1$s); the right to write to Liquibase's"
                + " table public.databasechangeloglock (GRANT SELECT, INSERT, UPDATE, DELETE ON"
                + " public.databasechangeloglock TO %1$s)")
            .formatted(role));
  }

  @Test
  void an_unknown_role_in_refresherRole_is_named() throws Exception {
    refuses(
        migration().withParameter("refresherRole", "no-such-role")::update,
        "missing: role \"no-such-role\" of the parameters refresherRole and readerRole (CREATE ROLE"
            + " \"no-such-role\", or leave it out)");
  }

  @Test
  void unknown_roles_are_all_named_and_known_ones_are_not() throws Exception {
    assertThatThrownBy(
            migration()
                    .withParameter("refresherRole", "nobody_b, " + database.user())
                    .withParameter("readerRole", "nobody_a")
                ::update)
        .hasMessageContaining("missing: role nobody_a of")
        .hasMessageContaining("; role nobody_b of")
        .message()
        .doesNotContain("role " + database.user() + " of");
  }

  @Thorough
  @Test
  void a_misspelt_role_does_not_stop_the_next_update() throws Exception {
    migration().update();
    assertThatThrownBy(migration().withParameter("readerRole", "nobody")::update)
        .isInstanceOf(WipViewsException.class);

    assertThatCode(migration()::update).doesNotThrowAnyException();
  }

  @Test
  void read_only_transactions_are_refused() throws Exception {
    List<String> before = database.objects();
    database.execute("ALTER DATABASE " + database.name() + " SET default_transaction_read_only=on");

    assertThatThrownBy(migration()::update)
        .isInstanceOfSatisfying(
            WipViewsException.class,
            e ->
                assertThat(e.remedy())
                    .hasValue("Connect to the primary, or lift default_transaction_read_only."))
        .hasMessage("cannot deploy: the database's transactions are read-only");
    assertThat(database.objects()).isEqualTo(before);
  }

  private void refuses(ThrowingCallable deploy, String message) throws Exception {
    List<String> before = database.objects();

    assertThatThrownBy(deploy)
        .isInstanceOf(WipViewsException.class)
        .hasMessage(
            "wip-views cannot be deployed to schema \"public\" of database \"%s\"; %s",
            database.name(), message);
    assertThat(database.objects()).isEqualTo(before);
  }

  /** A role that may deploy, and owns nothing. */
  private void deployer() throws Exception {
    database.execute(
        "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'",
        "GRANT CREATE, CONNECT ON DATABASE " + database.name() + " TO " + role,
        "GRANT USAGE, CREATE ON SCHEMA public TO " + role,
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + role);
    hasDeployer = true;
  }

  private DataSource asDeployer() {
    return database.dataSource(role, "secret");
  }

  private static String preflight(String schema) throws Exception {
    StringBuilder both = new StringBuilder();
    for (String file : List.of("wip/preflight.sql", "engine/preflight.sql")) {
      try (InputStream text =
          PreflightTest.class.getClassLoader().getResourceAsStream(ChangelogFiles.FOLDER + file)) {
        both.append(new String(text.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return both.toString()
        .replace("${schema}", schema)
        .replace("${mesIndexes}", "[]")
        .replaceAll("\\$\\{\\w+}", "");
  }
}
