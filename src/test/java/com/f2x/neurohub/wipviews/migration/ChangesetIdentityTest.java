package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.OutputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.resource.DirectoryResourceAccessor;
import liquibase.resource.ResourceAccessor;
import liquibase.ui.LoggerUIService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** However the changelog is found, on disk or in the jar, its changesets are the same ones. */
@Thorough
class ChangesetIdentityTest {

  /** The checks, and what the parameters say, run on every deploy. */
  private static final Set<String> ALWAYS =
      Set.of("preflight", "engine-preflight", "settings", "thresholds", "access", "drift");

  private static final String ON_DISK = "changelog/db.changelog-root.yaml";
  private static final String IN_THE_JAR = ChangelogFiles.FOLDER + "db.changelog-root.yaml";

  private final TestDatabase database = TestDatabase.mes();

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void a_deploy_from_the_jar_after_one_from_disk_runs_nothing_new() throws Exception {
    fromDisk(ON_DISK);
    Map<String, String> first = ran();

    WipViewsMigration.of(database.dataSource()).update();

    ranNothingSince(first);
  }

  @Test
  void a_deploy_from_disk_after_one_from_the_jar_runs_nothing_new() throws Exception {
    WipViewsMigration.of(database.dataSource()).update();
    Map<String, String> first = ran();

    fromDisk(ON_DISK);

    ranNothingSince(first);
  }

  @Test
  void plain_liquibase_with_the_path_in_the_jar_deploys_the_same() throws Exception {
    liquibase(
        new ClassLoaderResourceAccessor(ChangesetIdentityTest.class.getClassLoader()), IN_THE_JAR);
    Map<String, String> first = ran();

    WipViewsMigration.of(database.dataSource()).update();

    ranNothingSince(first);
  }

  @Test
  void a_recovery_from_disk_adds_no_changeset() throws Exception {
    WipViewsMigration.of(database.dataSource()).update();
    Map<String, String> first = ran();
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    fromDisk("changelog/recreate-views.changelog.yaml");

    assertThat(ran().keySet()).isEqualTo(first.keySet());
    assertThat(WipViews.of(database.dataSource()).freshness())
        .extracting(Freshness::state)
        .containsOnly(Freshness.State.FRESH);
  }

  @Test
  void an_update_after_a_recovery_runs_nothing_new() throws Exception {
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource());
    migration.update();
    migration.recreate(List.of());
    Map<String, String> recovered = ran();

    migration.update();

    ranNothingSince(recovered);
  }

  @Test
  void no_changeset_is_named_after_where_it_was_found() throws Exception {
    fromDisk(ON_DISK);

    assertThat(database.rows("SELECT DISTINCT filename FROM databasechangelog"))
        .extracting(row -> row.get(0))
        .allMatch(path -> path.startsWith("wip-views/"));
  }

  /** What Liquibase keeps of each changeset, by its identity. */
  private Map<String, String> ran() throws Exception {
    Map<String, String> ran = new LinkedHashMap<>();
    for (List<String> row :
        database.rows(
            """
            SELECT filename || '::' || id || '::' || author, id, md5sum, exectype, orderexecuted, dateexecuted
            FROM databasechangelog
            ORDER BY orderexecuted
            """)) {
      String before =
          ran.put(
              row.get(0),
              ALWAYS.contains(row.get(1))
                  // the checksum alone: it is meant to have run again
                  ? row.get(2)
                  : String.join(" ", row.subList(2, row.size())));
      assertThat(before).as("a second record of %s", row.get(0)).isNull();
    }
    return ran;
  }

  private void ranNothingSince(Map<String, String> first) throws Exception {
    assertThat(first).hasSizeGreaterThan(ALWAYS.size());
    assertThat(ran()).containsExactlyInAnyOrderEntriesOf(first);
  }

  private void fromDisk(String changelog) throws Exception {
    liquibase(new DirectoryResourceAccessor(Path.of("").toAbsolutePath()), changelog);
  }

  private void liquibase(ResourceAccessor files, String changelog) throws Exception {
    try (Connection connection = database.connect()) {
      Map<String, Object> scope =
          Map.of(
              Scope.Attr.resourceAccessor.name(),
              files,
              Scope.Attr.ui.name(),
              new LoggerUIService(),
              "liquibase.analytics.enabled",
              "false");
      Scope.child(
          scope,
          () -> {
            Database target =
                DatabaseFactory.getInstance()
                    .findCorrectDatabaseImplementation(new JdbcConnection(connection));
            new CommandScope("update")
                .addArgumentValue("database", target)
                .addArgumentValue("changelogFile", changelog)
                .setOutput(OutputStream.nullOutputStream())
                .execute();
          });
    }
  }
}
