package com.f2x.neurohub.wipviews.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import javax.sql.DataSource;
import org.jooq.Record;
import org.jooq.Table;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

class RefreshRightsTest {

  /** Roles belong to the server: their names carry the process, so that runs do not meet. */
  private static final long PID = ProcessHandle.current().pid();

  private static final List<String> REFRESHERS =
      List.of("app-refresher " + PID, "Ünïcode Röle " + PID, "a \"quoted\" one " + PID);
  private static final String READER = "app-reader " + PID;
  private static final String STRANGER = "stranger_" + PID;
  private static final String MAINTAINER = "maintainer_" + PID;
  private static final String DEPLOYER = "deployer_" + PID;
  private static final List<String> OTHERS = List.of(READER, STRANGER, MAINTAINER, DEPLOYER);

  private static final Table<Record> ORDERS = WipViews.view("mv_orders");

  @RegisterExtension static final TestDatabase database = TestDatabase.empty();

  @BeforeAll
  static void deploy() throws SQLException {
    for (String role : REFRESHERS) {
      createRole(role);
    }
    for (String role : OTHERS) {
      createRole(role);
    }
    database.execute(
        // PostgreSQL 14 lets everybody create in public; the attacks need it on all versions
        "GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC",
        "GRANT CREATE ON DATABASE " + database.name() + " TO " + DEPLOYER,
        "GRANT TEMPORARY ON DATABASE " + database.name() + " TO PUBLIC",
        "CREATE TABLE orders (id integer PRIMARY KEY, customer text, amount integer)",
        "ALTER TABLE orders OWNER TO " + DEPLOYER);
    WipViewsMigration.of(as(DEPLOYER))
        .only("engine")
        .withParameter("refresherRole", String.join(",", REFRESHERS))
        .withParameter("readerRole", READER)
        .update();
    executeAs(DEPLOYER, "INSERT INTO orders VALUES (1, 'ann', 70)");
    try (Connection connection = as(DEPLOYER).getConnection()) {
      OwnView.ORDERS.promoteOn(connection);
      OwnView.CUSTOMERS.promoteOn(connection);
    }
    executeAs(
        DEPLOYER,
        "CREATE FUNCTION refresh_orders() RETURNS SETOF wip_view_refresh LANGUAGE plpgsql"
            + " SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS"
            + " $$ BEGIN RETURN QUERY SELECT * FROM public.refresh_wip_view('mv_orders'); END $$",
        "REVOKE ALL ON FUNCTION refresh_orders() FROM PUBLIC",
        "SELECT wip_view_grant_rights()");
  }

  @AfterAll
  static void dropRoles() throws SQLException {
    // first what they own and may
    database.drop();
    for (String role : REFRESHERS) {
      TestDatabase.onServer("DROP ROLE " + quoted(role));
    }
    for (String role : OTHERS) {
      TestDatabase.onServer("DROP ROLE " + quoted(role));
    }
  }

  private static String quoted(String role) {
    return '"' + role.replace("\"", "\"\"") + '"';
  }

  private static void createRole(String role) throws SQLException {
    database.execute("CREATE ROLE " + quoted(role) + " LOGIN PASSWORD 'secret'");
  }

  private static DataSource as(String role) {
    return database.dataSource(role, "secret");
  }

  private static void executeAs(String role, String... statements) throws SQLException {
    try (Connection connection = as(role).getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  @ParameterizedTest
  @FieldSource("REFRESHERS")
  void a_refresher_role_may_refresh_in_every_way_and_read(String role) throws Exception {
    executeAs(
        role,
        "SELECT refresh_wip_view('mv_orders')",
        "SELECT refresh_orders()",
        "SELECT refresh_all_wip_views()",
        "CALL refresh_wip_views()",
        "SELECT FROM mv_customers");

    WipViews views = WipViews.of(as(role));
    assertThat(views.refreshAll()).hasSize(2).allMatch(refresh -> refresh.role().equals(role));
    assertThat(views.freshness()).hasSize(2);
    assertThat(views.history(ORDERS, 1)).hasSize(1);
    assertThat(views.rows(ORDERS)).hasSize(1);
  }

  @Test
  void a_reader_role_may_read_and_nothing_else() throws Exception {
    WipViews views = WipViews.of(as(READER));
    assertThat(views.freshness()).hasSize(2);
    assertThat(views.history(null, 1)).hasSize(1);
    assertThat(views.rows(ORDERS)).hasSize(1);

    assertThatThrownBy(() -> views.refresh(ORDERS))
        .isInstanceOfSatisfying(
            WipViewsException.class,
            e -> {
              assertThat(e.sqlState()).contains("42501");
              assertThat(e.remedy().orElseThrow()).contains("refresherRole");
            });
    assertThatThrownBy(() -> executeAs(READER, "CALL refresh_wip_views()"))
        .hasMessageContaining("permission denied for procedure");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "UPDATE wip_view SET refresh_order = 1",
        "INSERT INTO wip_view_refresh (view_name) VALUES ('mv_orders')",
        "DELETE FROM wip_view_refresh",
        "INSERT INTO wip_view_role VALUES ('x', true)",
        "SELECT wip_view_stage('mv_orders')",
        "SELECT wip_view_promote('mv_orders', 1, interval '1 hour')",
        "SELECT wip_view_remove('mv_orders')",
        "SELECT wip_view_prune('mv_orders')",
        "REFRESH MATERIALIZED VIEW mv_orders",
        "DROP MATERIALIZED VIEW mv_orders",
        "SELECT FROM orders"
      })
  void neither_role_may_write_or_deploy(String statement) {
    assertThatThrownBy(() -> executeAs(REFRESHERS.get(0), statement))
        .hasMessageMatching("(?s).*(permission denied|must be owner).*");
    assertThatThrownBy(() -> executeAs(READER, statement))
        .hasMessageMatching("(?s).*(permission denied|must be owner).*");
  }

  @Test
  void a_stranger_may_execute_nothing_of_ours() throws Exception {
    assertThat(
            database.rows(
                "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE pronamespace ="
                    + " 'public'::regnamespace AND proowner = '"
                    + DEPLOYER
                    + "'::regrole AND (proname LIKE 'refresh\\_%' OR proname LIKE"
                    + " 'wip\\_view%') AND has_function_privilege('"
                    + STRANGER
                    + "', p.oid, 'EXECUTE')"))
        .isEmpty();
    assertThat(
            database.rows(
                "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                    + " AND relname LIKE ANY ('{wip_view%,mv\\_%}') AND relkind IN ('r', 'v', 'm')"
                    + " AND has_table_privilege('"
                    + STRANGER
                    + "', oid, 'SELECT')"))
        .isEmpty();
  }

  /** Whatever of this is ever run by somebody else tells on whom it was run. */
  private static final List<String> TRAPS =
      List.of(
          "CREATE TABLE IF NOT EXISTS public.caught (who name)",
          "GRANT INSERT ON public.caught TO PUBLIC",
          trap("now()", "timestamptz", "clock_timestamp()"),
          trap("format(text, text, text)", "text", "'SELECT 1'"),
          trap("format(text, regprocedure)", "text", "'SELECT 1'"),
          trap("format(text, regprocedure, text)", "text", "'SELECT 1'"),
          trap("format(text, integer, integer, text)", "text", "'SELECT 1'"),
          trap("format(text, text, text, text)", "text", "'SELECT 1'"),
          trap("cardinality(text[])", "integer", "1"),
          trap("array_to_string(text[], text)", "text", "'x'"),
          trap("hashtext(name)", "integer", "1"),
          trap("pg_advisory_xact_lock(integer, bigint)", "void", "NULL::void"),
          trap("pg_get_serial_sequence(unknown, unknown)", "text", "'x'"),
          trap("json_build_object(text, text, text, text)", "json", "'{}'::json"),
          trap("string_agg(text, text)", "text", "'x'"),
          trap("regexp_split_to_table(text, text)", "text", "'x'"),
          trap("wip_view_request(name)", "bigint", "1"),
          trap("wip_view_run(integer, boolean)", "bigint", "1"),
          trapOperator("||", "text[]", "text", "text[]", "$1"),
          trapOperator("||", "text", "name", "text", "$1"),
          trapOperator("=", "oid", "regclass", "boolean", "true"),
          trapOperator("=", "oid", "regnamespace", "boolean", "true"),
          trapOperator("%", "bigint", "integer", "bigint", "1"),
          trapOperator("<>", "text[]", "unknown", "boolean", "true"),
          "CREATE OR REPLACE VIEW pg_temp.wip_view AS SELECT 'mv_orders'::text AS view_name, 1 AS"
              + " refresh_order, trapped() AS last_refresh_id",
          "CREATE OR REPLACE VIEW pg_temp.pg_class AS SELECT trapped() AS oid",
          "CREATE OR REPLACE VIEW pg_temp.pg_locks AS SELECT trapped() AS pid");

  private static String trap(String signature, String type, String result) {
    return "DO $do$ BEGIN CREATE OR REPLACE FUNCTION public."
        + signature
        + " RETURNS "
        + type
        + " LANGUAGE sql AS $$ INSERT INTO public.caught VALUES (current_user); SELECT "
        + result
        + " $$; EXCEPTION WHEN invalid_function_definition OR undefined_object OR"
        + " feature_not_supported THEN NULL; END $do$";
  }

  private static String trapOperator(
      String name, String left, String right, String type, String result) {
    String function = "trap_" + Math.abs((name + left + right).hashCode());
    return "DO $do$ BEGIN CREATE OR REPLACE FUNCTION public."
        + function
        + "("
        + left
        + ", "
        + right
        + ") RETURNS "
        + type
        + " LANGUAGE sql AS $$ INSERT INTO public.caught VALUES (current_user); SELECT "
        + result
        + " $$; CREATE OPERATOR public."
        + name
        + " (FUNCTION = public."
        + function
        + ", LEFTARG = "
        + left
        + ", RIGHTARG = "
        + right
        + "); EXCEPTION WHEN duplicate_function OR invalid_function_definition OR"
        + " feature_not_supported THEN NULL; END $do$";
  }

  private static void setTraps(Statement statement) throws SQLException {
    statement.execute(
        "CREATE OR REPLACE FUNCTION public.trapped() RETURNS bigint LANGUAGE sql AS"
            + " $$ SELECT 1::bigint $$");
    for (String sql : TRAPS) {
      statement.execute(sql);
    }
    statement.execute(
        "CREATE OR REPLACE FUNCTION public.trapped() RETURNS bigint LANGUAGE sql AS"
            + " $$ INSERT INTO public.caught VALUES (current_user); SELECT 1::bigint $$");
  }

  @Test
  void nothing_that_a_caller_shadows_runs_with_the_owners_rights() throws Exception {
    String attacker = REFRESHERS.get(0);
    try (Connection connection = as(attacker).getConnection();
        Statement statement = connection.createStatement()) {
      setTraps(statement);
      statement.execute("SET search_path = pg_temp, public, pg_catalog");
      for (String call :
          List.of(
              "SELECT public.refresh_wip_view('mv_orders')",
              "SELECT public.refresh_wip_view('mv_orders'::name::text)",
              "SELECT public.refresh_all_wip_views()",
              "SELECT public.refresh_orders()",
              "CALL public.refresh_wip_views()",
              "SELECT FROM public.wip_view_freshness")) {
        statement.execute(call);
      }
    }
    assertThat(database.rows("SELECT who FROM caught WHERE who <> '" + attacker + "'")).isEmpty();

    // and an owner or a superuser who has public on the path is no bridge either
    executeAs(
        DEPLOYER,
        "SET search_path = public",
        "CALL refresh_wip_views()",
        "SELECT refresh_all_wip_views()",
        "SELECT FROM wip_view_freshness",
        "SELECT FROM wip_view_history");
    database.execute(
        "SET search_path = public", "CALL refresh_wip_views()", "SELECT refresh_all_wip_views()");
    assertThatThrownBy(
            () ->
                executeAs(
                    DEPLOYER,
                    "ALTER MATERIALIZED VIEW mv_orders RENAME TO hidden",
                    "CALL refresh_wip_views()"))
        .hasMessageContaining("mv_orders: materialized view");
    database.execute("ALTER MATERIALIZED VIEW hidden RENAME TO mv_orders");
    assertThat(database.rows("SELECT who FROM caught WHERE who <> '" + attacker + "'")).isEmpty();
  }

  @Test
  void a_cast_that_a_caller_made_runs_with_its_own_rights() throws Exception {
    executeAs(
        REFRESHERS.get(1),
        "CREATE TABLE public.cast_ran_as (who name)",
        "CREATE TYPE public.evil AS (name text)",
        "CREATE FUNCTION public.evil_to_text(public.evil) RETURNS text LANGUAGE sql AS"
            + " $$ INSERT INTO public.cast_ran_as VALUES (current_user);"
            + " SELECT 'mv_orders'::text $$",
        "CREATE CAST (public.evil AS text) WITH FUNCTION public.evil_to_text(public.evil) AS"
            + " IMPLICIT",
        "SELECT refresh_wip_view(ROW('x')::public.evil)");

    assertThat(database.rows("SELECT DISTINCT who FROM public.cast_ran_as"))
        .containsExactly(List.of(REFRESHERS.get(1)));
  }

  @Test
  void a_caller_gains_nothing_by_the_settings_it_may_make() throws Exception {
    executeAs(
        REFRESHERS.get(0),
        "SET standard_conforming_strings = off",
        "SET escape_string_warning = off",
        "SET quote_all_identifiers = on",
        "SET transform_null_equals = on",
        "SET row_security = off",
        "SET DateStyle = 'ISO, DMY'",
        "SET IntervalStyle = 'sql_standard'",
        "SET TimeZone = 'Asia/Kathmandu'",
        "SET plpgsql.extra_errors = 'all'",
        "SET check_function_bodies = off",
        "SET array_nulls = off",
        "SET enable_indexscan = off",
        "SET enable_seqscan = off",
        "SET enable_hashjoin = off",
        "SET work_mem = '64kB'",
        "SET extra_float_digits = 0",
        "SET bytea_output = 'escape'",
        "SET wip_views.take_over = 'DROP TABLE wip_view'",
        "SET wip_views.search_path = 'pg_temp'",
        "SET application_name = 'it''s; \"me\"'",
        "SELECT refresh_all_wip_views()",
        "CALL refresh_wip_views()");

    assertThat(WipViews.of(as(READER)).history(ORDERS, 1).get(0))
        .returns(Refresh.Outcome.REFRESHED, Refresh::outcome)
        .returns("it's; \"me\"", Refresh::applicationName);
  }

  @Test
  void an_attempt_belongs_to_the_role_that_asked_for_it() throws Exception {
    String id;
    try (Connection connection = as(REFRESHERS.get(0)).getConnection()) {
      id = Probe.rows(connection, "SELECT wip_view_request('mv_orders') AS id").get(0).get("id");
      assertThatThrownBy(() -> executeAs(REFRESHERS.get(1), "SELECT wip_view_run(" + id + ")"))
          .hasMessageContaining("there is no open request " + id + " of role");
      executeAs(REFRESHERS.get(1), "SELECT wip_view_fail(" + id + ", '42501', 'forged')");

      assertThat(Probe.rows(connection, "SELECT * FROM wip_view_run(" + id + ")").get(0))
          .containsEntry("outcome", "refreshed");
    }
  }

  @Test
  void a_role_with_maintain_on_a_view_may_refresh_that_one() throws Exception {
    assumeTrue(
        Integer.parseInt(database.value("SHOW server_version_num")) >= 170000,
        "MAINTAIN came with PostgreSQL 17");
    database.execute("GRANT MAINTAIN ON mv_orders TO " + MAINTAINER);
    WipViewsMigration.of(as(DEPLOYER)).only("engine").update();

    executeAs(
        MAINTAINER, "SELECT refresh_orders()", "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_orders");

    assertThatThrownBy(() -> executeAs(MAINTAINER, "SELECT refresh_wip_view('mv_customers')"))
        .hasMessageContaining("permission denied");
    assertThatThrownBy(() -> executeAs(MAINTAINER, "SELECT refresh_all_wip_views()"))
        .hasMessageContaining("permission denied");
  }
}
