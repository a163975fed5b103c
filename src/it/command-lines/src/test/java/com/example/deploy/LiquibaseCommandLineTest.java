package com.example.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.sql.Connection;
import liquibase.integration.commandline.LiquibaseCommandLine;
import org.junit.jupiter.api.Test;

class LiquibaseCommandLineTest {

  @Test
  void liquibasesOwnCommandLineDeploysAndRecoversFromTheUnpackedChangelog() throws Exception {
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder().setLocaleConfig("locale", "C").start()) {
      WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();

      update(server, "changelog/db.changelog-root.yaml");
      try (Connection connection = server.getPostgresDatabase().getConnection()) {
        connection.createStatement().execute("DROP MATERIALIZED VIEW mv_process_wip_queue");
      }
      update(server, "changelog/recreate-views.changelog.yaml");

      assertEquals(2, WipViews.of(server.getPostgresDatabase()).refreshAll().size());
    }
  }

  private static void update(EmbeddedPostgres server, String changelog) {
    System.setProperty("liquibase.analytics.enabled", "false");
    assertEquals(
        0,
        new LiquibaseCommandLine()
            .execute(
                new String[] {
                  "--search-path=target/unpacked/com/f2x/neurohub/wipviews",
                  "update",
                  "--changelog-file=" + changelog,
                  "--url=" + server.getJdbcUrl("postgres", "postgres")
                }));
  }
}
