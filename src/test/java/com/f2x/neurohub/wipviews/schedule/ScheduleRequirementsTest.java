package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Policy;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Running;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a schedule needs, and what it says where that is missing. */
class ScheduleRequirementsTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private static final String EVERY_SECOND = "* * * * * *";
  private static final String ONCE_A_YEAR = "0 0 0 1 1 *";

  @BeforeAll
  static void table() {
    WipViewsMigration.of(database.dataSource()).only("db-scheduler").update();
  }

  @BeforeEach
  void nothing_is_scheduled() throws SQLException {
    database.execute("TRUNCATE wip_view_schedule");
  }

  private static RefreshSchedule.Builder schedule(String cron) {
    return RefreshSchedule.builder(database.dataSource()).cron(cron).zone("Asia/Seoul");
  }

  @Test
  void on_demand_starts_nothing_and_needs_neither_zone_nor_table() throws Exception {
    try (Running running =
        RefreshSchedule.builder(database.dataSource()).policy(Policy.ON_DEMAND).build().start()) {
      assertThat(running.nextRefresh()).isEmpty();
    }
    assertThat(database.value("SELECT count(*) FROM wip_view_schedule")).isEqualTo("0");
  }

  @Test
  void without_db_scheduler_the_missing_library_is_named() throws Exception {
    List<URL> plain = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!entry.contains("db-scheduler")) {
        plain.add(Path.of(entry).toUri().toURL());
      }
    }
    try (URLClassLoader consumer =
        new URLClassLoader(plain.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      Class<?> schedule = consumer.loadClass(RefreshSchedule.class.getName());

      assertThatThrownBy(
              () ->
                  schedule
                      .getMethod("builder", DataSource.class)
                      .invoke(null, database.dataSource()))
          .cause()
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("com.github.kagkarlsson:db-scheduler");
    }
  }

  @Test
  void a_database_without_the_table_is_told_how_to_get_it() throws Exception {
    TestDatabase without = TestDatabase.service().create();
    try {
      RefreshSchedule schedule =
          RefreshSchedule.builder(without.dataSource()).zone("Asia/Seoul").build();

      assertThatThrownBy(schedule::start)
          .isInstanceOfSatisfying(
              NotDeployedException.class,
              e ->
                  assertThat(e.remedy())
                      .contains("Deploy it: wip-views update --with db-scheduler"))
          .hasMessage(
              "the table of the schedule, wip_view_schedule, is not deployed in this schema");
    } finally {
      without.drop();
    }
  }

  @Test
  void a_schema_without_the_views_is_named_as_such() {
    RefreshSchedule schedule = schedule(ONCE_A_YEAR).schema("information_schema").build();

    assertThatThrownBy(schedule::start)
        .isInstanceOf(NotDeployedException.class)
        .hasMessageContaining("wip-views is not deployed in this schema");
  }

  @Test
  void an_unregistered_view_is_refused_before_anything_starts() throws Exception {
    RefreshSchedule schedule =
        schedule(ONCE_A_YEAR).cron(WipViews.view("mv_nope"), EVERY_SECOND).build();

    assertThatThrownBy(schedule::start)
        .isInstanceOf(UnknownViewException.class)
        .hasMessage("unknown view \"mv_nope\"");
    assertThat(database.value("SELECT count(*) FROM wip_view_schedule")).isEqualTo("0");
  }

  @Test
  void a_role_that_may_only_read_is_told_what_to_ask_for() throws Exception {
    String role = "reader_of_" + database.name();
    database.execute(
        "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'",
        "GRANT SELECT ON wip_view_schedule, wip_view_freshness TO " + role);
    try {
      RefreshSchedule schedule =
          RefreshSchedule.builder(database.dataSource(role, "secret")).zone("Asia/Seoul").build();

      assertThatThrownBy(schedule::start)
          .isInstanceOfSatisfying(
              WipViewsException.class,
              e -> {
                assertThat(e.sqlState()).contains("42501");
                assertThat(e.remedy().orElseThrow()).contains("refresherRole");
              })
          .hasMessage("role \"" + role + "\" may not read and write wip_view_schedule");
    } finally {
      database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
    }
  }

  @Thorough
  @Test
  void a_table_that_vanishes_and_comes_back_is_named_once() throws Exception {
    PrintStream err = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    AtomicInteger runs = new AtomicInteger();
    try (Running running =
        schedule(EVERY_SECOND).listener(run -> runs.incrementAndGet()).build().start()) {
      database.execute("ALTER TABLE wip_view_schedule RENAME TO wip_view_schedule_elsewhere");
      try {
        Await.until("it is missed", () -> log.toString(StandardCharsets.UTF_8).contains("stalled"));
      } finally {
        database.execute("ALTER TABLE wip_view_schedule_elsewhere RENAME TO wip_view_schedule");
      }
      int before = runs.get();
      Await.until("it runs again", runs::get, seen -> seen >= before + 2);
      assertThat(running.nextRefresh()).isPresent();
    } finally {
      System.setErr(err);
    }
    assertThat(log.toString(StandardCharsets.UTF_8).lines())
        .filteredOn(line -> line.contains("event=schedule state=stalled"))
        .singleElement()
        .asString()
        .contains("WARN", "wip_view_schedule, is not deployed", "update --with db-scheduler");
  }
}
