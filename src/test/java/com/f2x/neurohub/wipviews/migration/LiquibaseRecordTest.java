package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.OutputStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Liquibase's own commands, where its record is not all that there is to know. */
@Thorough
class LiquibaseRecordTest {

  private static final String FOLDER = "com/f2x/neurohub/wipviews/changelog/";
  private static final String ROOT = FOLDER + "db.changelog-root.yaml";

  private final TestDatabase database = TestDatabase.mes();

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void what_is_only_on_record_is_told_with_the_changelog_that_makes_it() throws Exception {
    run("changelogSync", Map.of("changelogFile", ROOT));

    isToldToRecreate();
    run("update", Map.of("changelogFile", FOLDER + "recreate-views.changelog.yaml"));
    run("update", Map.of("changelogFile", ROOT));
    assertThat(WipViews.of(database.dataSource()).refreshAll()).hasSize(2);

    database.execute("DROP FUNCTION wip_view_grant_rights");
    isToldToRecreate();
  }

  private void isToldToRecreate() {
    assertThatThrownBy(() -> run("update", Map.of("changelogFile", ROOT)))
        .hasMessageContaining(
            "wip-views is on Liquibase's record in schema public, but is not there, or not all of"
                + " it; run changelog/recreate-views.changelog.yaml, or wip-views recreate");
  }

  @Test
  void a_rollback_by_count_stops_while_others_have_views() throws Exception {
    WipViewsMigration.of(database.dataSource()).update();
    database.execute(
        "DO $$ BEGIN PERFORM wip_view_stage('mv_own'); CREATE MATERIALIZED VIEW mv_own AS"
            + " SELECT id FROM lots; CREATE UNIQUE INDEX mv_own_id ON mv_own (id);"
            + " PERFORM wip_view_promote('mv_own'); END $$");
    List<String> objects = database.objects();
    Map<String, Object> all = Map.of("changelogFile", ROOT, "count", 99);

    assertThatThrownBy(() -> run("rollbackCount", all))
        .hasMessageContaining("cannot roll back wip-views: another changelog registered mv_own")
        .hasMessageContaining("SELECT public.wip_view_remove('mv_own');");
    assertThat(database.objects()).isEqualTo(objects);

    database.execute("SELECT wip_view_remove('mv_own')");
    assertThatCode(() -> run("rollbackCount", all)).doesNotThrowAnyException();
    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
  }

  private void run(String name, Map<String, Object> arguments) throws Exception {
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
