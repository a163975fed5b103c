package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Running;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The opt-in changelog of the schedule. */
@Thorough
class ScheduleTableTest {

  private final TestDatabase database = TestDatabase.deployed();

  @BeforeEach
  void create() throws Exception {
    database.create();
  }

  @AfterEach
  void drop() throws Exception {
    database.drop();
  }

  private void deploy() {
    WipViewsMigration.of(database.dataSource()).with("db-scheduler").update();
  }

  @Test
  void the_opt_in_adds_one_table_that_a_rollback_takes_away() throws Exception {
    List<String> before = database.objects();

    deploy();

    assertThat(database.objects())
        .filteredOn(object -> !before.contains(object))
        .containsExactlyInAnyOrder(
            "relation i public.wip_view_schedule_pkey", "relation r public.wip_view_schedule");
    assertThat(
            database.rows(
                "SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid ="
                    + " 'wip_view_schedule'::regclass AND a.attnum > 0 AND"
                    + " col_description(a.attrelid, a.attnum) IS NULL"))
        .isEmpty();
    assertThat(database.value("SELECT obj_description('wip_view_schedule'::regclass, 'pg_class')"))
        .isNotEmpty();
    WipViewsMigration.of(database.dataSource()).rollback();
    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
  }

  @Test
  void a_second_run_keeps_the_rows_or_brings_the_table_back() throws Exception {
    deploy();
    database.execute(
        "INSERT INTO wip_view_schedule (task_name, task_instance, execution_time, picked, version)"
            + " VALUES ('refresh-wip-views', 'recurring', now(), false, 1)");

    deploy();
    assertThat(database.value("SELECT count(*) FROM wip_view_schedule")).isEqualTo("1");

    database.execute("DROP TABLE wip_view_schedule");
    deploy();
    assertThat(database.value("SELECT count(*) FROM wip_view_schedule")).isEqualTo("0");
  }

  @Test
  void refreshers_may_run_a_schedule_and_readers_may_look() throws Exception {
    String refresher = "refresher of " + database.name();
    String reader = "reader_of_" + database.name();
    database.execute(
        "CREATE ROLE \"" + refresher + "\" LOGIN PASSWORD 'secret'", "CREATE ROLE " + reader);
    try {
      WipViewsMigration.of(database.dataSource())
          .withParameter("refresherRole", refresher)
          .withParameter("readerRole", reader)
          .with("db-scheduler")
          .update();

      assertThat(
              database.rows(
                  "SELECT r.rolname, string_agg(acl.privilege_type, ' ' ORDER BY"
                      + " acl.privilege_type) FROM pg_class AS c CROSS JOIN LATERAL"
                      + " aclexplode(c.relacl) AS acl JOIN pg_roles AS r ON r.oid = acl.grantee"
                      + " WHERE c.oid = 'wip_view_schedule'::regclass AND r.oid <> c.relowner"
                      + " GROUP BY r.rolname ORDER BY r.rolname"))
          .containsExactly(
              List.of(reader, "SELECT"), List.of(refresher, "DELETE INSERT SELECT UPDATE"));
      try (Running running =
          RefreshSchedule.builder(database.dataSource(refresher, "secret"))
              .zone("Asia/Seoul")
              .build()
              .start()) {
        assertThat(running.nextRefresh()).isPresent();
      }
    } finally {
      database.execute(
          "DROP OWNED BY \"" + refresher + "\", " + reader,
          "DROP ROLE \"" + refresher + "\", " + reader);
    }
  }

  @Test
  void the_table_works_in_another_schema_whatever_its_name() throws Exception {
    TestDatabase mes = TestDatabase.mes().create();
    try {
      mes.execute("CREATE SCHEMA \"Wip Views\"");
      for (String table : List.of("lots", "processes", "wip_items", "wip_process_history")) {
        mes.execute("ALTER TABLE " + table + " SET SCHEMA \"Wip Views\"");
      }
      WipViewsMigration.of(mes.dataSource()).withSchema("Wip Views").with("db-scheduler").update();

      try (Running running =
          RefreshSchedule.builder(mes.dataSource())
              .schema("Wip Views")
              .zone("Asia/Seoul")
              .build()
              .start()) {
        assertThat(running.nextRefresh()).isPresent();
      }
      assertThat(mes.value("SELECT count(*) FROM \"Wip Views\".wip_view_schedule")).isEqualTo("1");
    } finally {
      mes.drop();
    }
  }

  @Test
  void without_the_root_it_stops_with_a_sentence() throws Exception {
    TestDatabase mes = TestDatabase.mes().create();
    try {
      WipViewsMigration only = WipViewsMigration.of(mes.dataSource()).only("db-scheduler");

      assertThatThrownBy(only::update)
          .isInstanceOf(WipViewsException.class)
          .hasMessage(
              "wip-views is not deployed in this schema; run changelog/db.changelog-root.yaml"
                  + " first");
      assertThat(mes.objects()).noneMatch(object -> object.contains("wip_view_schedule"));
    } finally {
      mes.drop();
    }
  }
}
