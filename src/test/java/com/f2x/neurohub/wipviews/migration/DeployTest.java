package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.StringWriter;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import liquibase.UpdateSummaryEnum;
import liquibase.integration.spring.SpringLiquibase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.core.io.DefaultResourceLoader;

/** The ways in which a changelog reaches a database all lead to the same objects. */
class DeployTest {

  @RegisterExtension static final TestDatabase reference = TestDatabase.mes();

  private final TestDatabase database = TestDatabase.mes();

  @BeforeAll
  static void the_reference_is_what_update_deploys() {
    WipViewsMigration.of(reference.dataSource()).update();
  }

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private static Map<String, String> ours(TestDatabase database) throws SQLException {
    Map<String, String> snapshot = CatalogSnapshot.of(database);
    snapshot.keySet().removeIf(name -> name.contains("databasechangelog"));
    return snapshot;
  }

  private void isDeployed() throws SQLException {
    assertThat(CatalogSnapshot.difference(ours(reference), ours(database))).isEmpty();
    assertThat(WipViews.of(database.dataSource()).freshness())
        .extracting(Freshness::state)
        .containsOnly(Freshness.State.FRESH);
  }

  @Thorough
  @Test
  void the_script_of_update_sql_run_by_psql_deploys_the_same() throws Exception {
    Psql.assumeInstalled();
    StringWriter script = new StringWriter();
    WipViewsMigration.of(database.dataSource()).updateSql(script);
    assertThat(database.value("SELECT to_regclass('wip_view')")).isNull();

    Psql.run(database, script.toString());

    isDeployed();
    List<String> lines = new ArrayList<>();
    WipViewsMigration.of(database.dataSource()).withProgress(lines::add).update();
    assertThat(lines).as("a second deploy builds no view").noneMatch(line -> line.contains("mv_"));
  }

  @Thorough
  @Test
  void springs_liquibase_deploys_ours_on_its_own() throws Exception {
    SpringLiquibase liquibase = springs();
    liquibase.afterPropertiesSet();
    isDeployed();
    liquibase.afterPropertiesSet();
    isDeployed();
  }

  @Thorough
  @Test
  void a_services_labels_and_contexts_leave_nothing_of_ours_out() throws Exception {
    SpringLiquibase liquibase = springs();
    liquibase.setLabelFilter("release-7");
    liquibase.setContexts("production");
    liquibase.afterPropertiesSet();
    isDeployed();
  }

  private SpringLiquibase springs() {
    SpringLiquibase liquibase = new SpringLiquibase();
    liquibase.setDataSource(database.dataSource());
    liquibase.setResourceLoader(new DefaultResourceLoader());
    liquibase.setChangeLog("classpath:com/f2x/neurohub/wipviews/changelog/db.changelog-root.yaml");
    liquibase.setShowSummary(UpdateSummaryEnum.OFF);
    return liquibase;
  }

  @Thorough
  @Test
  void a_schema_owner_deploys_with_a_staging_schema_made_for_it() throws SQLException {
    database.execute(
        "DROP ROLE IF EXISTS schema_owner",
        "CREATE ROLE schema_owner LOGIN PASSWORD 'secret'",
        "REVOKE CREATE, TEMPORARY ON DATABASE " + database.name() + " FROM PUBLIC",
        "ALTER SCHEMA public OWNER TO schema_owner",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT SELECT ON lots, processes, wip_items, wip_process_history TO schema_owner");
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(database.url());
    dataSource.setUser("schema_owner");
    dataSource.setPassword("secret");
    WipViewsMigration migration = WipViewsMigration.of(dataSource);

    assertThatThrownBy(migration::update)
        .isInstanceOf(WipViewsException.class)
        .hasMessageContaining("GRANT TEMPORARY ON DATABASE " + database.name() + " TO schema_owner")
        .hasMessageContaining("GRANT CREATE ON DATABASE " + database.name() + " TO schema_owner")
        .hasMessageContaining("CREATE SCHEMA wip_staging_public AUTHORIZATION schema_owner");
    database.execute(
        "GRANT TEMPORARY ON DATABASE " + database.name() + " TO schema_owner",
        "CREATE SCHEMA wip_staging_public AUTHORIZATION schema_owner");
    migration.update();
    migration.recreate(List.of());

    assertThat(WipViews.of(dataSource).refreshAll()).hasSameSizeAs(ChangelogFiles.viewNames());
    assertThat(database.value("SELECT to_regnamespace('wip_staging_public')"))
        .isEqualTo("wip_staging_public");
    migration.rollback();
    assertThat(database.value("SELECT to_regclass('wip_view')")).isNull();
    database.execute(
        "REASSIGN OWNED BY schema_owner TO CURRENT_USER", "DROP OWNED BY schema_owner");
  }

  @Test
  void the_object_names_are_those_of_all_that_a_deploy_makes() throws Exception {
    List<String> made = new ArrayList<>(reference.objects());
    made.removeAll(database.objects());

    assertThat(made)
        .filteredOn(object -> object.matches("(relation [rv]|routine) .*"))
        .extracting(object -> object.replaceFirst(".*public\\.(\\w+).*", "$1"))
        .hasSameElementsAs(ChangelogFiles.objectNames());
  }
}
