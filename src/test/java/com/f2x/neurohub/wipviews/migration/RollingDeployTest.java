package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.OutputStream;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.ClassLoaderResourceAccessor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An older version that starts beside a newer one leaves alone what that one deployed. */
@Thorough
class RollingDeployTest {

  private static final Path PROJECT = Path.of("").toAbsolutePath();
  private static final Pattern RELEASE =
      Pattern.compile("name: wipViewsRelease, value: \"([0-9.]+)\"");

  /** A version to come has deployed it: another function, another view. */
  private static final TestDatabase NEWER = TestDatabase.mes();

  @TempDir private static Path folder;

  private static LibraryJar current;
  private static LibraryJar newer;

  private final TestDatabase database = TestDatabase.copyOf(NEWER);
  private final List<String> said = new ArrayList<>();
  private final WipViewsMigration older =
      WipViewsMigration.of(database.dataSource()).withProgress(said::add);

  @BeforeAll
  static void deployTheNewerVersion() throws Exception {
    current = LibraryJar.current(folder);
    newer = LibraryJar.newer(folder, "99.10");
    NEWER.create();
    liquibase(NEWER, newer, "db.changelog-root.yaml");
  }

  @AfterAll
  static void dropIt() throws SQLException {
    NEWER.drop();
  }

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private static void liquibase(TestDatabase database, LibraryJar jar, String changelog)
      throws Exception {
    try (Connection connection = database.connect();
        URLClassLoader files = new URLClassLoader(new URL[] {jar.file().toUri().toURL()}, null)) {
      Database target =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      CommandScope update =
          new CommandScope("update")
              .setOutput(OutputStream.nullOutputStream())
              .addArgumentValue("database", target)
              .addArgumentValue("changelogFile", ChangelogFiles.FOLDER + changelog);
      Scope.child(
          Map.of(
              "liquibase.analytics.enabled",
              "false",
              Scope.Attr.resourceAccessor.name(),
              new ClassLoaderResourceAccessor(files)),
          update::execute);
    }
  }

  /** Everything, what Liquibase knows of it, what is set and what is registered. */
  private static Map<String, String> all(TestDatabase database) throws SQLException {
    Map<String, String> all = new TreeMap<>(CatalogSnapshot.of(database));
    for (String rows :
        List.of(
            "SELECT id, md5sum FROM databasechangelog ORDER BY orderexecuted",
            "SELECT * FROM wip_view_settings",
            "SELECT view_name, definition, last_refresh_id FROM wip_view ORDER BY 1")) {
      all.put(rows, database.rows(rows).toString());
    }
    return all;
  }

  /** The version has one place per changelog that may be a root, and the pom. */
  @Test
  void the_changelogs_have_the_version_of_the_pom() throws Exception {
    Matcher pom =
        Pattern.compile("<version>([0-9.]+)(-SNAPSHOT)?</version>")
            .matcher(Files.readString(PROJECT.resolve("pom.xml")));
    assertThat(pom.find()).isTrue();
    for (String file : List.of("db.changelog-root.yaml", "engine.changelog.yaml")) {
      Matcher changelog =
          RELEASE.matcher(Files.readString(PROJECT.resolve("changelog").resolve(file)));
      assertThat(changelog.find()).isTrue();
      assertThat(changelog.group(1)).as(file).isEqualTo(pom.group(1));
    }
  }

  @Test
  void an_older_jar_changes_nothing_and_says_one_line() throws Exception {
    Map<String, String> before = all(database);

    older.withParameter("stuckAfter", "7 hours").update();

    assertThat(CatalogSnapshot.differences(all(database), before)).isEmpty();
    assertThat(said)
        .singleElement()
        .asString()
        .startsWith("wip-views 99.10 is deployed in schema public, newer than this ");
    StringWriter script = new StringWriter();
    older.updateSql(script);
    assertThat(script.toString()).doesNotContain("CREATE OR REPLACE");
  }

  @Test
  void plain_liquibase_passes_over_what_a_newer_version_made() throws Exception {
    Map<String, String> before = all(database);

    liquibase(database, current, "db.changelog-root.yaml");
    liquibase(database, current, "recreate-views.changelog.yaml");

    assertThat(CatalogSnapshot.differences(all(database), before)).isEmpty();
  }

  @Test
  void the_newer_version_finds_nothing_to_do_afterwards() throws Exception {
    Map<String, String> before = all(database);
    liquibase(database, current, "db.changelog-root.yaml");

    liquibase(database, newer, "db.changelog-root.yaml");

    assertThat(CatalogSnapshot.differences(all(database), before)).isEmpty();
  }

  @Test
  void an_older_jar_recovers_what_the_newer_one_deployed() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_wip_status_dashboard");

    assertThat(older.recreate(List.of("mv_wip_status_dashboard")))
        .containsExactly("mv_wip_status_dashboard");

    assertThat(
            database.value(
                "SELECT count(*) FROM pg_attribute WHERE attname = 'newer'"
                    + " AND attrelid = 'mv_wip_status_dashboard'::regclass"))
        .isEqualTo("1");
    assertThat(database.value("SELECT wip_view_release()")).isEqualTo("99.10");
    assertThat(WipViews.of(database.dataSource()).refreshAll()).hasSize(2);
  }

  @Test
  void an_older_jar_does_not_roll_the_newer_one_back() throws Exception {
    Map<String, String> before = all(database);

    assertThatThrownBy(older::rollback)
        .hasMessageStartingWith("cannot roll back: wip-views 99.10 is deployed, newer than this ");

    assertThat(CatalogSnapshot.differences(all(database), before)).isEmpty();
  }

  @Test
  void an_older_jar_deploys_the_views_of_its_service() throws Exception {
    database.execute("CREATE TABLE orders (id bigint, customer text, amount numeric)");

    older.withChangelog("service/views.yaml").update();

    assertThat(database.value("SELECT count(*) FROM wip_view")).isEqualTo("4");
    assertThat(database.value("SELECT wip_view_release()")).isEqualTo("99.10");
  }

  @Test
  void a_process_of_an_older_jar_starts_beside_a_newer_one() throws Exception {
    Map<String, String> before = all(database);

    try (Deployer deployer = Deployer.start(database, "update", current)) {
      deployer.go();

      assertThat(deployer.output())
          .singleElement()
          .asString()
          .startsWith("wip-views 99.10 is deployed in schema public, newer than this ");
    }
    assertThat(CatalogSnapshot.differences(all(database), before)).isEmpty();
    assertThat(WipViews.of(database.dataSource()).refreshAll()).hasSize(2);
  }

  @Test
  void a_process_of_a_newer_jar_takes_over_from_an_older_one() throws Exception {
    TestDatabase deployed = TestDatabase.deployed().create();
    try (Deployer deployer = Deployer.start(deployed, "update", newer)) {
      deployer.go();

      assertThat(deployer.output()).hasSizeGreaterThan(1);
      assertThatItIsTheNewer(deployed);
      assertThat(WipViews.of(deployed.dataSource()).refreshAll())
          .as("the older one goes on beside it")
          .hasSize(2);
    } finally {
      deployed.drop();
    }
  }

  private static void assertThatItIsTheNewer(TestDatabase deployed) throws SQLException {
    assertThat(CatalogSnapshot.differences(CatalogSnapshot.of(deployed), CatalogSnapshot.of(NEWER)))
        .isEmpty();
  }

  /** Whichever begins: the other one waits until it is done. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void two_jars_that_start_at_once_leave_the_newer_one(boolean olderFirst) throws Exception {
    TestDatabase fresh = TestDatabase.mes().create();
    try (Deployer older = Deployer.start(fresh, "update", current);
        Deployer later = Deployer.start(fresh, "update", newer)) {
      try (Connection holder = fresh.inTransaction("LOCK TABLE processes")) {
        (olderFirst ? older : later).go();
        awaitWaiting(fresh, 1);
        (olderFirst ? later : older).go();
        awaitWaiting(fresh, 2);
        holder.rollback();
      }

      assertThat(later.output()).hasSizeGreaterThan(1);
      if (olderFirst) {
        assertThat(older.output()).hasSizeGreaterThan(1);
      } else {
        assertThat(older.output()).singleElement().asString().contains("newer than this ");
      }
      assertThatItIsTheNewer(fresh);
    } finally {
      fresh.drop();
    }
  }

  private static void awaitWaiting(TestDatabase database, int deploys) throws Exception {
    Await.until(
        deploys + " deploys wait",
        () ->
            database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    + " AND application_name = 'deployer' AND wait_event_type = 'Lock'"),
        String.valueOf(deploys)::equals);
  }

  @Test
  void a_newer_version_takes_over_what_an_older_one_deployed() throws Exception {
    TestDatabase deployed = TestDatabase.deployed().create();
    try {
      liquibase(deployed, newer, "db.changelog-root.yaml");

      assertThatItIsTheNewer(deployed);
    } finally {
      deployed.drop();
    }
  }
}
