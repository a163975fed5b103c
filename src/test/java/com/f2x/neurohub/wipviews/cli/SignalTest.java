package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The command line as a process that somebody ends. */
class SignalTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String WAITING =
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'wip-views' AND datname ="
          + " current_database() AND wait_event_type = 'Lock'";

  @Test
  void ctrl_c_cancels_the_refresh_on_the_server_and_puts_it_on_record() throws Exception {
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      lock.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue");
      ProcessBuilder builder =
          new ProcessBuilder(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-classpath",
              System.getProperty("java.class.path"),
              WipViewsCommand.class.getName(),
              "refresh",
              "mv_wip_status_dashboard",
              "mv_process_wip_queue",
              "--url",
              database.url(),
              "--username",
              database.user());
      builder.environment().put("WIP_VIEWS_PASSWORD", database.password());
      Process process = builder.redirectErrorStream(true).start();
      try {
        Await.until(
            "the refresh waits for the view's lock", () -> !database.rows(WAITING).isEmpty());

        // SIGTERM, which a JVM takes as it takes Ctrl-C
        process.toHandle().destroy();

        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(database.rows(WAITING)).isEmpty();
        assertThat(
                database.rows(
                    "SELECT outcome, sqlstate FROM wip_view_refresh WHERE view_name ="
                        + " 'mv_process_wip_queue' ORDER BY refresh_id DESC LIMIT 1"))
            .containsExactly(List.of("failed", "57014"));
        assertThat(
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines())
            .anyMatch(line -> line.contains("the calling thread was interrupted"));
      } finally {
        process.destroyForcibly();
      }
    }
  }
}
