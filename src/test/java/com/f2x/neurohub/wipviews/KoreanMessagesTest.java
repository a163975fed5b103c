package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.testing.CronServer.HOME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.CronServer;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A server that speaks Korean, as the factory's may: each error is understood by its SQLSTATE. The
 * embedded server has no messages but English ones; Debian's has.
 */
@Thorough
class KoreanMessagesTest {

  private static CronServer server;

  private final WipViews views = server == null ? null : WipViews.of(server.dataSource(HOME));

  @BeforeAll
  static void a_server_that_speaks_korean() throws Exception {
    server = CronServer.start(Map.of("LANGUAGE", "ko"));
    server.execute(
        "postgres", "ALTER SYSTEM SET lc_messages = 'C.UTF-8'", "SELECT pg_reload_conf()");
    server.deploy();
    server.execute(
        HOME,
        "CREATE ROLE worker LOGIN",
        "GRANT USAGE ON SCHEMA public TO worker",
        "GRANT CREATE ON SCHEMA public TO worker",
        "GRANT CREATE ON DATABASE " + HOME + " TO worker",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO worker");
    boolean korean = isKorean(messageOf("SELECT 1/0"));
    String missing = "this server has no Korean messages (package locales, C.UTF-8)";
    if (!korean) {
      System.out.println("SKIPPED: " + missing);
    }
    assumeTrue(korean, missing);
  }

  @AfterAll
  static void stop() throws Exception {
    if (server != null) {
      server.close();
    }
  }

  @Test
  void a_refresh_that_fails_is_on_record_in_the_servers_words() throws Exception {
    RefreshFailedException failure =
        catchThrowableOfType(
            RefreshFailedException.class,
            () -> views.withStatementTimeout(Duration.ofMillis(1)).refresh(MV_PROCESS_WIP_QUEUE));

    assertThat(failure.sqlState()).contains("57014");
    assertThat(failure.remedy()).contains("Try again, or allow a longer statement timeout.");
    assertThat(isKorean(failure.getMessage())).isTrue();
    assertThat(
            server.rows(
                HOME,
                "SELECT view_name, sqlstate, error FROM wip_view_refresh WHERE sqlstate = '57014'"))
        .singleElement()
        .matches(row -> row.startsWith("mv_process_wip_queue | 57014 | ") && isKorean(row));
  }

  @Test
  void a_missing_right_is_told_with_the_grant_that_mends_it() throws Exception {
    WipViewsException refused =
        catchThrowableOfType(
            WipViewsException.class, WipViews.of(server.dataSource(HOME, "worker"))::refreshAll);
    assertThat(isKorean(refused.getMessage())).isTrue();
    assertThat(refused.sqlState()).contains("42501");
    assertThat(refused.remedy().orElseThrow())
        .startsWith("Deploy with the parameter refresherRole");

    WipViewsException deploy =
        catchThrowableOfType(
            WipViewsException.class,
            WipViewsMigration.of(server.dataSource(HOME, "worker"))::update);
    assertThat(deploy).hasMessageContaining("the rights of role postgres, which owns ");
  }

  @Test
  void what_is_not_deployed_is_told_from_what_is_incomplete() throws Exception {
    server.execute("postgres", "CREATE DATABASE nothing");
    assertThat(
            catchThrowableOfType(
                NotDeployedException.class, WipViews.of(server.dataSource("nothing"))::refreshAll))
        .hasMessageContaining("not deployed in this schema");

    server.execute(HOME, "DROP FUNCTION wip_view_perform");
    try {
      assertThatThrownBy(views::refreshAll)
          .hasMessageContaining("incomplete in this schema: wip_view_perform missing");
    } finally {
      WipViewsMigration.of(server.dataSource(HOME)).update();
    }
  }

  @Test
  void what_depends_on_a_view_is_named_by_a_rollback() throws Exception {
    server.execute(HOME, "CREATE VIEW reads_it AS SELECT * FROM mv_process_wip_queue");
    try {
      WipViewsException refused =
          catchThrowableOfType(
              WipViewsException.class, WipViewsMigration.of(server.dataSource(HOME))::rollback);

      assertThat(refused.getMessage()).contains("reads_it", "mv_process_wip_queue");
      assertThat(refused.remedy()).contains("Drop or change these first.");
    } finally {
      server.execute(HOME, "DROP VIEW reads_it");
    }
  }

  @Test
  void the_doctor_looks_and_says_where_it_may_not() throws Exception {
    assertThat(views.diagnose()).noneMatch(finding -> finding.severity() == Severity.UNKNOWN);

    List<Finding> found = WipViews.of(server.dataSource(HOME, "worker")).diagnose();

    assertThat(found)
        .filteredOn(finding -> finding.severity() == Severity.UNKNOWN)
        .isNotEmpty()
        .allSatisfy(finding -> assertThat(isKorean(finding.what())).isTrue());
  }

  private static String messageOf(String sql) {
    return catchThrowableOfType(SQLException.class, () -> server.execute(HOME, sql)).getMessage();
  }

  private static boolean isKorean(String text) {
    return text.codePoints()
        .anyMatch(c -> Character.UnicodeScript.of(c) == Character.UnicodeScript.HANGUL);
  }
}
