package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Changelogs that run only when they are named. */
class OptInTest {

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

  @Test
  void run_after_the_root_when_they_are_named_and_only_then() throws Exception {
    assertThat(database.objects()).doesNotContain(TABLE);

    migration.with("db-scheduler").update();

    assertThat(database.objects()).contains(TABLE);
    assertThat(told).endsWith("drift", "schedule");
  }

  @Test
  void are_left_alone_by_an_update_and_a_recovery_that_do_not_name_them() throws Exception {
    migration.with("db-scheduler").update();
    List<String> objects = database.objects();
    told.clear();

    migration.update();
    migration.with("db-scheduler").recreate(List.of());

    assertThat(database.objects()).isEqualTo(objects);
    assertThat(told).doesNotContain("schedule");
  }

  @Test
  void go_with_a_rollback_that_does_not_name_them() throws Exception {
    migration.with("db-scheduler").update();

    migration.rollback();

    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
    assertThat(database.value("SELECT count(*) FROM databasechangelog WHERE id = 'schedule'"))
        .isEqualTo("0");
  }

  @Test
  void go_alone_when_nothing_else_is_named() throws Exception {
    List<String> before = database.objects();
    WipViewsMigration only = migration.only("db-scheduler");

    only.update();
    assertThat(database.objects()).contains(TABLE);
    only.rollback();

    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void are_in_one_script_with_the_root() throws Exception {
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
  void are_named_when_another_one_is_asked_for() {
    assertThatThrownBy(() -> migration.with("cron"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unknown opt-in changelog cron; there are db-scheduler, pg-cron");
    assertThatThrownBy(() -> migration.only("cron")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void bring_their_parameters() {
    assertThatThrownBy(() -> migration.withParameter("cronZone", "Asia/Seoul"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("unknown parameter cronZone; there are refresherRole");

    assertThat(migration.with("pg-cron").withParameter("cronZone", "Asia/Seoul")).isNotNull();
    assertThat(WipViewsMigration.parameterNames("pg-cron")).contains("cronZone", "cronProduction");
  }
}
