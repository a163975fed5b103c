package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Changelogs that run only when they are named. */
class OptInChangelogTest {

  private static final String TABLE = "relation r public.wip_view_schedule";

  private final TestDatabase database = TestDatabase.deployed();
  private final List<String> told = new ArrayList<>();
  private final WipViewsMigration migration =
      WipViewsMigration.of(database.dataSource()).withProgress(told::add);

  @BeforeEach
  void create() throws Exception {
    database.create();
  }

  @AfterEach
  void drop() throws Exception {
    database.drop();
  }

  @Thorough
  @Test
  void an_opt_in_changelog_runs_after_the_root_when_it_is_named() throws Exception {
    assertThat(database.objects()).doesNotContain(TABLE);

    migration.with("db-scheduler").update();

    assertThat(database.objects()).contains(TABLE);
    assertThat(
            database.value("SELECT id FROM databasechangelog ORDER BY orderexecuted DESC LIMIT 1"))
        .isEqualTo("schedule");
  }

  @Thorough
  @Test
  void a_deploy_runs_after_one_that_had_nothing_to_do() throws Exception {
    migration.update();
    assertThat(migration.update()).isEmpty();

    migration.with("db-scheduler").update();

    assertThat(database.objects()).contains(TABLE);
  }

  @Thorough
  @Test
  void a_deploy_that_does_not_name_it_leaves_it_alone() throws Exception {
    migration.with("db-scheduler").update();
    List<String> objects = database.objects();
    told.clear();

    migration.update();
    migration.with("db-scheduler").recreate(List.of());

    assertThat(database.objects()).isEqualTo(objects);
    assertThat(told).doesNotContain("schedule");
  }

  @Thorough
  @Test
  void a_rollback_that_does_not_name_it_takes_it_away() throws Exception {
    migration.with("db-scheduler").update();

    migration.rollback();

    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
    assertThat(database.value("SELECT count(*) FROM databasechangelog WHERE id = 'schedule'"))
        .isEqualTo("0");
  }

  @Test
  void an_opt_in_changelog_comes_and_goes_alone() throws Exception {
    List<String> before = database.objects();
    WipViewsMigration only = migration.only("db-scheduler");

    only.update();
    assertThat(database.objects()).contains(TABLE);
    only.rollback();

    assertThat(database.objects()).isEqualTo(before);
  }

  @Thorough
  @Test
  void one_script_holds_the_root_and_an_opt_in_changelog() throws Exception {
    Psql.assumeInstalled();
    TestDatabase fresh = TestDatabase.mes().create();
    StringWriter script = new StringWriter();
    WipViewsMigration.of(fresh.dataSource()).with("db-scheduler").updateSql(script);
    assertThat(fresh.objects()).doesNotContain(TABLE);

    Psql.run(fresh, script.toString());

    assertThat(fresh.objects()).isEqualTo(deployedWithSchedule());
    fresh.drop();
  }

  private List<String> deployedWithSchedule() throws Exception {
    migration.with("db-scheduler").update();
    return database.objects();
  }

  @Test
  void an_unknown_name_is_answered_with_those_there_are() {
    assertThatThrownBy(() -> migration.with("cron"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unknown opt-in changelog cron; there are db-scheduler, pg-cron");
    assertThatThrownBy(() -> migration.only("cron")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void an_opt_in_changelog_brings_its_parameters() {
    assertThatThrownBy(() -> migration.withParameter("cronZone", "Asia/Seoul"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("unknown parameter cronZone; there are refresherRole");

    assertThat(migration.with("pg-cron").withParameter("cronZone", "Asia/Seoul")).isNotNull();
    assertThat(WipViewsMigration.parameterNames("pg-cron")).contains("cronZone", "cronProduction");
  }
}
