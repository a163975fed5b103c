package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jooq.Table;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is logged, through slf4j, and what is not. The tests' binding writes to standard error. */
class RefreshLogTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  private final WipViews views = WipViews.of(database.dataSource());

  private interface Action {
    void run() throws Exception;
  }

  private static List<String> logged(Action action) throws Exception {
    PrintStream err = System.err;
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    System.setErr(new PrintStream(lines, true, StandardCharsets.UTF_8));
    try {
      action.run();
    } finally {
      System.setErr(err);
    }
    return lines.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void a_refresh_that_fails_is_one_line_of_keys_and_values() throws Exception {
    database.execute(
        "CREATE TABLE logged_divisor (n integer)",
        "INSERT INTO logged_divisor VALUES (1)",
        "CREATE MATERIALIZED VIEW mv_logged AS SELECT 1 / n AS id FROM logged_divisor",
        "INSERT INTO wip_view (view_name, refresh_order, freshness_target, definition)"
            + " VALUES ('mv_logged', 9, '1 hour', '')",
        "UPDATE logged_divisor SET n = 0");
    Table<?> view = WipViews.view("mv_logged");

    List<String> lines = logged(() -> assertThatThrownBy(() -> views.refresh(view)).isNotNull());

    assertThat(lines)
        .singleElement()
        .asString()
        .contains("WARN")
        .matches(
            ".*event=refresh view=mv_logged outcome=failed duration_ms=\\d+ sqlstate=22012"
                + " error=\"division by zero\"");
    database.execute("SELECT wip_view_remove('mv_logged')", "DROP TABLE logged_divisor");
  }

  @Test
  void only_a_refresh_that_takes_long_is_one_line() throws Exception {
    List<String> lines =
        logged(
            () -> {
              RefreshLog.refreshed(refresh(RefreshLog.LONG));
              RefreshLog.refreshed(refresh(RefreshLog.LONG.minusMillis(1)));
            });

    assertThat(lines)
        .singleElement()
        .asString()
        .contains("INFO")
        .endsWith(
            "event=refresh view=mv_orders outcome=refreshed mode=concurrent"
                + " duration_ms="
                + RefreshLog.LONG.toMillis()
                + " rows=6");
  }

  private static Refresh refresh(Duration duration) {
    return new Refresh(
        1,
        "mv_orders",
        Refresh.Outcome.REFRESHED,
        Refresh.Mode.CONCURRENT,
        null,
        Instant.EPOCH,
        Instant.EPOCH,
        Instant.EPOCH.plus(duration),
        duration,
        6L,
        8192L,
        null,
        null,
        null,
        "postgres",
        "",
        null,
        1);
  }
}
