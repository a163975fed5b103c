package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
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
import java.util.stream.Stream;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.DirectoryResourceAccessor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An older version that starts beside a newer one leaves alone what that one deployed. */
@Thorough
class RollingDeployTest {

  private static final Path PROJECT = Path.of("").toAbsolutePath();
  private static final Pattern RELEASE =
      Pattern.compile("name: wipViewsRelease, value: \"([0-9.]+)\"");

  /** A version to come has deployed it: another function, another view. */
  private static final TestDatabase NEWER = TestDatabase.mes();

  @TempDir private static Path newer;

  private final TestDatabase database = TestDatabase.copyOf(NEWER);
  private final List<String> said = new ArrayList<>();
  private final WipViewsMigration older =
      WipViewsMigration.of(database.dataSource()).withProgress(said::add);

  @BeforeAll
  static void deployTheNewerVersion() throws Exception {
    copy("changelog");
    copy("views");
    for (String file : List.of("db.changelog-root.yaml", "engine.changelog.yaml")) {
      edit("changelog/" + file, RELEASE.pattern(), "name: wipViewsRelease, value: \"99.10\"");
    }
    edit("changelog/engine/recreate.sql", "'Recreates a", "'By 99.10: recreates a");
    edit(
        "views/wip_views/01_mv_wip_status_dashboard.sql",
        "AS converted_count\n",
        "AS converted_count, 99 AS newer\n");
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

  private static void copy(String folder) throws IOException {
    try (Stream<Path> files = Files.walk(PROJECT.resolve(folder))) {
      for (Path file : files.toList()) {
        Path target = newer.resolve(PROJECT.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }

  private static void edit(String file, String pattern, String replacement) throws IOException {
    String text = Files.readString(newer.resolve(file));
    assertThat(text).containsPattern(pattern);
    Files.writeString(newer.resolve(file), text.replaceAll(pattern, replacement));
  }

  private static void liquibase(TestDatabase database, Path folder, String changelog)
      throws Exception {
    try (Connection connection = database.connect()) {
      Database target =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      CommandScope update =
          new CommandScope("update")
              .setOutput(OutputStream.nullOutputStream())
              .addArgumentValue("database", target)
              .addArgumentValue("changelogFile", "changelog/" + changelog);
      Scope.child(
          Map.of(
              "liquibase.analytics.enabled",
              "false",
              Scope.Attr.resourceAccessor.name(),
              new DirectoryResourceAccessor(folder)),
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

    liquibase(database, PROJECT, "db.changelog-root.yaml");
    liquibase(database, PROJECT, "recreate-views.changelog.yaml");

    assertThat(CatalogSnapshot.differences(all(database), before)).isEmpty();
  }

  @Test
  void the_newer_version_finds_nothing_to_do_afterwards() throws Exception {
    Map<String, String> before = all(database);
    liquibase(database, PROJECT, "db.changelog-root.yaml");

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
  void a_newer_version_takes_over_what_an_older_one_deployed() throws Exception {
    TestDatabase deployed = TestDatabase.deployed().create();
    try {
      liquibase(deployed, newer, "db.changelog-root.yaml");

      assertThat(
              CatalogSnapshot.differences(CatalogSnapshot.of(deployed), CatalogSnapshot.of(NEWER)))
          .isEmpty();
    } finally {
      deployed.drop();
    }
  }
}
