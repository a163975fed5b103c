package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.OutputStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A service whose changelog includes ours rolls back its own later changes, and no other, whatever
 * of ours has run again since.
 */
@Thorough
class HostRollbackTest {

  private static final String BEFORE = "host/before.yaml";
  private static final String WITH_OURS = "host/with-ours.yaml";
  private static final String LATER = "host/later.yaml";

  private static final TestDatabase DEPLOYED = TestDatabase.mes();
  private static List<String> before;

  private final TestDatabase database = TestDatabase.copyOf(DEPLOYED);

  @BeforeAll
  static void deploy() throws Exception {
    DEPLOYED.create();
    run(DEPLOYED, "update", Map.of("changelogFile", BEFORE));
    before = DEPLOYED.objects();
    run(DEPLOYED, "tag", Map.of("tag", "v0"));
    run(DEPLOYED, "update", Map.of("changelogFile", WITH_OURS));
    run(DEPLOYED, "tag", Map.of("tag", "v1"));
  }

  @AfterAll
  static void drop_what_was_copied() throws SQLException {
    DEPLOYED.drop();
  }

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void by_tag_after_an_update_leaves_ours() throws Exception {
    update(WITH_OURS);
    update(LATER);

    rollback("rollback", Map.of("tag", "v1"));

    onlyTheLaterChangeIsUndone();
  }

  @Test
  void by_tag_after_a_recovery_leaves_ours() throws Exception {
    update(LATER);
    WipViewsMigration.of(database.dataSource()).recreate(List.of());

    rollback("rollback", Map.of("tag", "v1"));

    onlyTheLaterChangeIsUndone();
  }

  @Test
  void by_tag_after_an_upgrade_leaves_ours() throws Exception {
    anEarlierVersionHadDeployedIt();
    update(LATER);

    rollback("rollback", Map.of("tag", "v1"));

    onlyTheLaterChangeIsUndone();
  }

  @Test
  void by_date_after_an_upgrade_leaves_ours() throws Exception {
    // Liquibase takes whole seconds
    database.execute("SELECT pg_sleep(1.1)");
    String date = database.value("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS')");
    anEarlierVersionHadDeployedIt();
    update(LATER);
    WipViewsMigration.of(database.dataSource()).recreate(List.of());

    rollback("rollbackToDate", Map.of("date", date));

    onlyTheLaterChangeIsUndone();
  }

  @Test
  void by_count_after_a_recovery_leaves_ours() throws Exception {
    update(LATER);
    WipViewsMigration.of(database.dataSource()).recreate(List.of());
    update(LATER);

    rollback("rollbackCount", Map.of("count", 1));

    onlyTheLaterChangeIsUndone();
  }

  @Test
  void by_a_tag_older_than_ours_takes_ours_away() throws Exception {
    anEarlierVersionHadDeployedIt();
    update(LATER);
    WipViewsMigration.of(database.dataSource()).recreate(List.of());

    rollback("rollback", Map.of("tag", "v0"));

    assertThat(database.objects()).isEqualTo(before);
    update(LATER);
    assertThat(WipViews.of(database.dataSource()).refreshAll()).hasSize(2);
  }

  /** As if what can change had changed since, and one changeset were new. */
  private void anEarlierVersionHadDeployedIt() throws SQLException {
    database.execute(
        "UPDATE databasechangelog SET md5sum = '9:0'"
            + " WHERE author = 'wip-views' AND filename !~ 'mes|db-scheduler' AND id <> 'registry'",
        "DELETE FROM databasechangelog WHERE author = 'wip-views' AND id = 'guide'");
  }

  private void onlyTheLaterChangeIsUndone() throws Exception {
    assertThat(
            database.rows(
                "SELECT to_regclass('shift_note') IS NOT NULL, to_regclass('shift_plan') IS NULL"))
        .containsExactly(List.of("t", "t"));
    assertThat(WipViews.of(database.dataSource()).refreshAll())
        .extracting(Refresh::outcome)
        .containsExactly(Refresh.Outcome.REFRESHED, Refresh.Outcome.REFRESHED);
    List<String> ran = new ArrayList<>();
    WipViewsMigration.of(database.dataSource()).withProgress(ran::add).update();
    assertThat(ran)
        .containsExactly(
            "preflight", "engine-preflight", "settings", "thresholds", "access", "drift");
  }

  private void update(String changelog) throws Exception {
    run(database, "update", Map.of("changelogFile", changelog));
  }

  private void rollback(String command, Map<String, Object> to) throws Exception {
    Map<String, Object> arguments = new HashMap<>(to);
    arguments.put("changelogFile", LATER);
    run(database, command, arguments);
  }

  private static void run(TestDatabase database, String name, Map<String, Object> arguments)
      throws Exception {
    try (Connection connection = database.connect()) {
      Database target =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      CommandScope command =
          new CommandScope(name)
              .setOutput(OutputStream.nullOutputStream())
              .addArgumentValue("database", target);
      arguments.forEach(command::addArgumentValue);
      Scope.child(Map.of("liquibase.analytics.enabled", "false"), command::execute);
    }
  }
}
