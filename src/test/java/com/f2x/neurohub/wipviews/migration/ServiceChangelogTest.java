package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import liquibase.Scope;
import liquibase.changelog.ChangeLogParameters;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.resource.CompositeResourceAccessor;
import liquibase.resource.DirectoryResourceAccessor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A service's views, deployed, recovered and taken away by its own changelog. */
class ServiceChangelogTest {

  private static final String WITH_ENGINE = "service/changelog.yaml";
  private static final String BESIDE = "service/views.yaml";

  private static final String FIRST = "first_service";
  private static final String SECOND = "second_service";
  private static final List<String> ROLES = List.of(FIRST, SECOND, "service_reader");

  /** With the first form deployed. */
  private static final TestDatabase DEPLOYED = TestDatabase.empty();

  private TestDatabase database;
  private WipViewsMigration library;
  private WipViewsMigration service;
  private WipViewsMigration beside;
  private WipViews views;
  private List<String> before;

  @BeforeAll
  static void deploy() throws SQLException {
    DEPLOYED.create();
    WipViewsMigration.of(DEPLOYED.dataSource()).withChangelog(WITH_ENGINE).update();
  }

  @AfterAll
  static void dropDeployed() throws SQLException {
    DEPLOYED.drop();
  }

  private void on(TestDatabase fresh) throws SQLException {
    database = fresh.create();
    library = WipViewsMigration.of(database.dataSource());
    service = library.withChangelog(WITH_ENGINE);
    beside = library.withChangelog(BESIDE);
    views = WipViews.of(database.dataSource());
    before = database.objects();
  }

  private void onDeployed() throws SQLException {
    on(TestDatabase.copyOf(DEPLOYED));
  }

  @AfterEach
  void drop() throws SQLException {
    if (database != null) {
      database.drop();
    }
    for (String role : ROLES) {
      TestDatabase.onServer("DROP ROLE IF EXISTS " + role);
    }
  }

  @Thorough
  @Test
  void a_changelog_with_the_engine_in_it_needs_nothing_else() throws SQLException {
    onDeployed();
    assertThat(registry())
        .containsExactly(
            List.of("mv_customers", "service/views.yaml"),
            List.of("mv_big_customers", "service/views.yaml"));
    assertThat(views.refreshAll())
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
    assertThat(views.diagnose()).isEmpty();
    assertThat(ran(service)).containsExactly("engine-preflight", "settings", "access", "drift");
  }

  @Thorough
  @Test
  void plain_liquibase_deploys_the_same() throws Exception {
    on(TestDatabase.empty());
    liquibase(database.dataSource(), WITH_ENGINE, false);

    assertThat(registry())
        .containsExactly(
            List.of("mv_customers", "service/views.yaml"),
            List.of("mv_big_customers", "service/views.yaml"));
    assertThat(ran(service)).containsExactly("engine-preflight", "settings", "access", "drift");
    database.execute("DROP MATERIALIZED VIEW mv_big_customers");
    liquibase(database.dataSource(), WITH_ENGINE, true);
    assertThat(views.refreshAll()).hasSize(2);
  }

  @Thorough
  @Test
  void entries_beside_the_library_keep_what_is_deployed() throws SQLException {
    on(TestDatabase.engine());
    beside.update();

    assertThat(registry()).hasSize(2);
    assertThat(ran(beside)).containsExactly("engine-preflight", "settings", "access", "drift");
    assertThat(database.objects()).noneMatch(object -> object.contains("wip_item"));
  }

  @Thorough
  @Test
  void entries_beside_nothing_bring_the_part_that_is_named() throws SQLException {
    on(TestDatabase.empty());
    orders();
    library.only("engine").withChangelog(BESIDE).update();

    assertThat(registry()).hasSize(2);
  }

  @Thorough
  @Test
  void entries_beside_the_views_of_the_mes_are_refreshed_with_them() throws SQLException {
    on(TestDatabase.deployed());
    orders();
    beside.update();

    assertThat(views.refreshAll()).hasSize(4);
    assertThat(views.diagnose()).isEmpty();
    assertThat(beside.recreate(List.of()))
        .containsExactly(
            "mv_wip_status_dashboard", "mv_process_wip_queue", "mv_customers", "mv_big_customers");
    beside.rollback();
    assertThat(views.refreshAll()).hasSize(2);
  }

  @Test
  void without_an_mes_entries_alone_are_refused_at_once() throws SQLException {
    on(TestDatabase.empty());
    assertThatThrownBy(beside::update)
        .hasMessageContaining("missing: table public.lots;")
        .extracting(e -> ((WipViewsException) e).remedy().orElseThrow())
        .asString()
        .contains("wip-views update --only engine");
    assertThat(database.objects()).isEqualTo(before);
  }

  @Thorough
  @Test
  void a_recovery_takes_the_file_where_there_is_one() throws SQLException {
    onDeployed();
    database.execute(
        "DROP MATERIALIZED VIEW mv_big_customers, mv_customers", "DROP VIEW wip_view_daily");

    assertThat(service.recreate(List.of("mv_customers"))).containsExactly("mv_customers");

    // the registry does not know it
    assertThat(database.value("SELECT obj_description('mv_customers'::regclass)"))
        .isEqualTo("What each customer has ordered.");
    assertThat(database.value("SELECT to_regclass('mv_big_customers')")).isNull();
    assertThat(database.value("SELECT to_regclass('wip_view_daily')")).isNotNull();
    assertThat(service.recreate(List.of())).containsExactly("mv_customers", "mv_big_customers");
    assertThat(views.diagnose()).isEmpty();
    assertThatThrownBy(() -> service.recreate(List.of("mv_nope")))
        .isInstanceOf(UnknownViewException.class);
  }

  @Thorough
  @Test
  void an_update_names_a_view_that_is_gone_and_makes_one_unregistered() throws SQLException {
    onDeployed();
    database.execute("DROP MATERIALIZED VIEW mv_big_customers");
    List<String> lines = new ArrayList<>();

    service.withProgress(lines::add).update();

    assertThat(lines)
        .contains(
            "  mv_big_customers: the view is missing: it was dropped or renamed; run"
                + " wip-views recreate mv_big_customers");
    database.execute("DELETE FROM wip_view WHERE view_name = 'mv_big_customers'");
    assertThat(ran(service)).contains("mv_big_customers").doesNotContain("mv_customers");
    assertThat(views.refreshAll()).hasSize(2);
  }

  @Thorough
  @Test
  void a_rollback_takes_views_and_engine_and_leaves_the_tables() throws SQLException {
    onDeployed();
    database.execute("INSERT INTO orders VALUES (1, 'ann', 5)");

    service.rollback();

    assertThat(database.objects())
        .containsExactly(
            "relation i public.orders_pkey", "relation r public.orders", "schema public");
    assertThat(database.value("SELECT count(*) FROM orders")).isEqualTo("1");
    service.update();
    assertThat(views.refreshAll()).hasSize(2);
  }

  @Thorough
  @Test
  void a_rollback_of_entries_beside_takes_them_alone() throws SQLException {
    onDeployed();
    beside.rollback();

    assertThat(registry()).isEmpty();
    assertThat(database.value("SELECT to_regclass('wip_view')")).isEqualTo("wip_view");
    beside.update();
    assertThat(registry()).hasSize(2);
  }

  @Test
  void what_reads_a_view_stops_its_rollback_before_anything_goes() throws SQLException {
    onDeployed();
    database.execute("CREATE VIEW big AS SELECT * FROM mv_customers");
    Map<String, String> deployed = CatalogSnapshot.of(database);

    assertThatThrownBy(service::rollback)
        .hasMessageContaining("view public.big depends on public.mv_customers");

    assertThat(CatalogSnapshot.difference(deployed, CatalogSnapshot.of(database))).isEmpty();
  }

  @Thorough
  @Test
  void two_services_share_the_engine_until_the_last_one_goes() throws SQLException {
    onDeployed();
    WipViewsMigration other = library.withChangelog("service/other.yaml");
    other.update();
    assertThat(views.refreshAll()).hasSize(3);
    assertThatThrownBy(library.only("engine")::rollback)
        .hasMessageContaining("another changelog registered");
    List<String> said = new ArrayList<>();

    service.withProgress(said::add).rollback();

    assertThat(said).contains("wip-views stays: other changelogs have mv_amounts");
    assertThat(views.refreshAll()).extracting(Refresh::view).containsExactly("mv_amounts");
    other.rollback();
    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
  }

  @Test
  void a_name_that_is_taken_is_refused_before_anything_happens() throws Exception {
    onDeployed();
    Map<String, String> deployed = CatalogSnapshot.of(database);

    assertThatThrownBy(library.withChangelog("service/claims.yaml")::update)
        .hasMessage(
            "mv_customers is a view of service/views.yaml; claims cannot keep one of this name"
                + " too");
    assertThat(CatalogSnapshot.difference(deployed, CatalogSnapshot.of(database))).isEmpty();

    // which does not look ahead, but stops at the entry
    assertThatThrownBy(() -> liquibase(database.dataSource(), "service/claims.yaml", false))
        .hasStackTraceContaining(
            "mv_customers is a view of service/views.yaml; claims cannot keep one of this name"
                + " too");
    assertThat(database.value("SELECT count(orders) FROM mv_customers")).isEqualTo("0");
  }

  @Thorough
  @Test
  void an_entry_that_does_not_say_whose_it_is_is_refused_too(@TempDir Path folder)
      throws Exception {
    onDeployed();
    String taken =
        Files.readString(Path.of("src/test/resources/service/other.yaml"))
            .replace("mv_amounts", "mv_big_customers");
    Path file = Files.writeString(folder.resolve("taken.yaml"), taken);

    assertThatThrownBy(library.withChangelog(file.toString())::update)
        .hasMessageContaining(
            "mv_big_customers is a view of service/views.yaml; other/changelog.yaml");
    assertThat(database.value("SELECT count(customer) FROM mv_big_customers")).isEqualTo("0");

    // Liquibase alone tells whose it is when it has run: loud, if late
    assertThatThrownBy(() -> liquibase(database.dataSource(), folder, "taken.yaml"))
        .hasStackTraceContaining(
            "mv_big_customers is a view of service/views.yaml; other/changelog");
    assertThat(registry()).contains(List.of("mv_big_customers", "service/views.yaml"));
  }

  @Thorough
  @Test
  void a_second_role_is_told_what_it_lacks() throws SQLException {
    on(TestDatabase.empty());
    roles();
    WipViewsMigration first = WipViewsMigration.of(as(FIRST)).only("engine");
    first.update();

    for (String changelog : List.of(WITH_ENGINE, BESIDE)) {
      assertThatThrownBy(WipViewsMigration.of(as(SECOND)).withChangelog(changelog)::update)
          .hasMessageContaining("missing: the rights of role first_service, which owns")
          .hasMessageContaining("GRANT first_service TO second_service");
    }
    database.execute(
        "CREATE MATERIALIZED VIEW mv_customers AS SELECT 1 AS id",
        "ALTER MATERIALIZED VIEW mv_customers OWNER TO second_service");
    assertThatThrownBy(first.withChangelog(BESIDE)::update)
        .hasMessage("public.mv_customers is there already, and belongs to role second_service");
  }

  @Thorough
  @Test
  void the_views_of_a_second_role_belong_to_the_first_and_refresh() throws SQLException {
    on(TestDatabase.empty());
    roles();
    database.execute("GRANT first_service TO second_service");
    WipViewsMigration first = WipViewsMigration.of(as(FIRST)).only("engine");
    first.withParameter("readerRole", "service_reader").update();
    WipViewsMigration second = WipViewsMigration.of(as(SECOND)).withChangelog(BESIDE);
    assertThatThrownBy(second::update)
        .hasMessageContaining("its owner, first_service, lacks SELECT on public.orders")
        .extracting(e -> ((WipViewsException) e).remedy().orElseThrow())
        .isEqualTo("GRANT SELECT ON TABLE public.orders TO first_service;");
    database.execute("GRANT SELECT ON TABLE public.orders TO first_service");

    second.update();

    assertThat(database.rows("SELECT DISTINCT matviewowner FROM pg_matviews"))
        .containsExactly(List.of(FIRST));
    assertThat(
            database.value(
                "SELECT has_table_privilege('service_reader', 'mv_customers', 'SELECT')"))
        .isEqualTo("t");
    assertThat(WipViews.of(as(FIRST)).refreshAll()).hasSize(2);
    assertThat(WipViews.of(as(SECOND)).refreshAll()).hasSize(2);
    first.update();
    assertThat(second.recreate(List.of())).hasSize(2);
    assertThat(views.diagnose()).isEmpty();
    second.rollback();
    first.rollback();
  }

  @Test
  void a_changelog_that_is_nowhere_is_refused() {
    assertThatThrownBy(
            () -> WipViewsMigration.of(DEPLOYED.dataSource()).withChangelog("service/nowhere.yaml"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "there is no changelog service/nowhere.yaml, neither on the class path nor as a file");
  }

  private List<List<String>> registry() throws SQLException {
    return database.rows("SELECT view_name, changelog FROM wip_view ORDER BY refresh_order");
  }

  private static List<String> ran(WipViewsMigration migration) {
    List<String> lines = new ArrayList<>();
    migration.withProgress(lines::add).update();
    return lines.stream().filter(line -> !line.startsWith(" ")).toList();
  }

  private void roles() throws SQLException {
    orders();
    for (String role : ROLES) {
      database.execute(
          "DROP ROLE IF EXISTS " + role,
          "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'",
          "GRANT CREATE, TEMPORARY ON DATABASE " + database.name() + " TO " + role,
          "GRANT USAGE, CREATE ON SCHEMA public TO " + role);
    }
    database.execute("GRANT SELECT ON orders TO second_service");
  }

  private DataSource as(String role) {
    return database.dataSource(role, "secret");
  }

  private void orders() throws SQLException {
    database.execute(
        "CREATE TABLE orders (id integer PRIMARY KEY, customer text NOT NULL, amount integer NOT"
            + " NULL)");
    before = database.objects();
  }

  private static void liquibase(DataSource dataSource, String changelog, boolean recreate)
      throws Exception {
    liquibase(dataSource, changelog, recreate, Map.of());
  }

  /** From a folder, with the changelogs of the jar. */
  private static void liquibase(DataSource dataSource, Path folder, String changelog)
      throws Exception {
    liquibase(
        dataSource,
        changelog,
        false,
        Map.of(
            Scope.Attr.resourceAccessor.name(),
            new CompositeResourceAccessor(
                new DirectoryResourceAccessor(folder),
                new ClassLoaderResourceAccessor(ServiceChangelogTest.class.getClassLoader()))));
  }

  private static void liquibase(
      DataSource dataSource, String changelog, boolean recreate, Map<String, Object> scope)
      throws Exception {
    Map<String, Object> all = new HashMap<>(scope);
    all.put("liquibase.analytics.enabled", "false");
    try (Connection connection = dataSource.getConnection()) {
      Database target =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      ChangeLogParameters parameters = new ChangeLogParameters(target);
      parameters.set("recreate", Boolean.toString(recreate));
      CommandScope command =
          new CommandScope("update")
              .setOutput(OutputStream.nullOutputStream())
              .addArgumentValue("database", target)
              .addArgumentValue("changelogFile", changelog)
              .addArgumentValue("changeLogParameters", parameters);
      Scope.child(all, command::execute);
    }
  }
}
