package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Running;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The opt-in changelog of the schedule. */
class ScheduleTableTest {

  private final TestDatabase database = TestDatabase.mes();

  @BeforeEach
  void create() throws Exception {
    database.create();
  }

  @AfterEach
  void drop() throws Exception {
    database.drop();
  }

  private void deployRoot() {
    WipViewsMigration.of(database.dataSource()).update();
  }

  @Test
  void is_not_part_of_the_root() throws Exception {
    deployRoot();

    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view_schedule"));
  }

  @Test
  void adds_one_table_which_a_rollback_takes_away() throws Exception {
    deployRoot();
    List<String> before = database.objects();

    ScheduleTable.deploy(database);

    assertThat(database.objects())
        .filteredOn(object -> !before.contains(object))
        .containsExactlyInAnyOrder(
            "relation i public.wip_view_schedule_pkey", "relation r public.wip_view_schedule");
    ScheduleTable.rollBack(database);
    assertThat(database.objects()).isEqualTo(before);
  }

  @Test
  void everything_in_it_is_commented() throws Exception {
    deployRoot();
    ScheduleTable.deploy(database);

    assertThat(
            database.rows(
                "SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid ="
                    + " 'wip_view_schedule'::regclass AND a.attnum > 0 AND"
                    + " col_description(a.attrelid, a.attnum) IS NULL"))
        .isEmpty();
    assertThat(database.value("SELECT obj_description('wip_view_schedule'::regclass, 'pg_class')"))
        .isNotEmpty();
  }

  @Test
  void a_second_run_keeps_the_rows_and_one_after_a_drop_brings_the_table_back() throws Exception {
    deployRoot();
    ScheduleTable.deploy(database);
    database.execute(
        "INSERT INTO wip_view_schedule (task_name, task_instance, execution_time, picked, version)"
            + " VALUES ('refresh-wip-views', 'recurring', now(), false, 1)");

    ScheduleTable.deploy(database);
    assertThat(database.value("SELECT count(*) FROM wip_view_schedule")).isEqualTo("1");

    database.execute("DROP TABLE wip_view_schedule");
    ScheduleTable.deploy(database);
    assertThat(database.value("SELECT count(*) FROM wip_view_schedule")).isEqualTo("0");
  }

  @Test
  void the_refresher_role_may_run_a_schedule_and_the_reader_role_may_look() throws Exception {
    String refresher = "refresher of " + database.name();
    String reader = "reader_of_" + database.name();
    database.execute(
        "CREATE ROLE \"" + refresher + "\" LOGIN PASSWORD 'secret'", "CREATE ROLE " + reader);
    try {
      WipViewsMigration.of(database.dataSource())
          .withParameter("refresherRole", refresher)
          .withParameter("readerRole", reader)
          .update();
      ScheduleTable.deploy(database);

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
          RefreshSchedule.of(database.dataSource(refresher, "secret"))
              .withZone("Asia/Seoul")
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
  void works_in_another_schema_whatever_its_name() throws Exception {
    database.execute("CREATE SCHEMA \"Wip Views\"");
    for (String table : List.of("lots", "processes", "wip_items", "wip_process_history")) {
      database.execute("ALTER TABLE " + table + " SET SCHEMA \"Wip Views\"");
    }
    WipViewsMigration.of(database.dataSource()).withSchema("Wip Views").update();
    ScheduleTable.deploy(database, "Wip Views");

    try (Running running =
        RefreshSchedule.of(database.dataSource())
            .withSchema("Wip Views")
            .withZone("Asia/Seoul")
            .start()) {
      assertThat(running.nextRefresh()).isPresent();
    }
    assertThat(database.value("SELECT count(*) FROM \"Wip Views\".wip_view_schedule"))
        .isEqualTo("1");
  }

  @Test
  void stops_with_a_sentence_where_the_root_was_not_deployed() throws Exception {
    assertThatThrownBy(() -> ScheduleTable.deploy(database))
        .hasStackTraceContaining("wip-views is not deployed in this schema")
        .hasStackTraceContaining("db.changelog-root.yaml");
    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view_schedule"));
  }
}
