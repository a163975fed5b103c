package com.example.mes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.util.LiquibaseUtil;
import org.junit.jupiter.api.Test;

class IncludedChangelogTest {

  @Test
  void a_changelog_of_a_service_includes_ours_and_builds_on_it() throws Exception {
    System.setProperty("liquibase.analytics.enabled", "false");
    try (EmbeddedPostgres server = start()) {
      DataSource dataSource = server.getPostgresDatabase();
      WipViewsMigration.of(dataSource).installMinimalMes();

      update(dataSource);
      update(dataSource);

      WipViews views = WipViews.of(dataSource);
      assertEquals(2, views.refreshAll().size());
      assertEquals(
          List.of(Freshness.State.FRESH, Freshness.State.FRESH),
          views.freshness().stream().map(Freshness::state).toList());
      // what the service built on a view is no obstacle to its recovery
      views.recreate();
      try (Connection connection = dataSource.getConnection()) {
        connection.createStatement().executeQuery("SELECT * FROM station_with_notes").close();
      }
    }
  }

  /** Which Liquibase since 5.0.2 cannot name, and earlier ones can. */
  @Test
  void a_schema_with_a_comma_works_or_is_refused_at_once() throws Exception {
    try (EmbeddedPostgres server = start()) {
      DataSource dataSource = server.getPostgresDatabase();
      try (Connection connection = dataSource.getConnection()) {
        connection.createStatement().execute("CREATE SCHEMA \"a,b\"");
      }
      WipViewsMigration migration = WipViewsMigration.of(dataSource).withSchema("a,b");
      String version = LiquibaseUtil.getBuildVersion();
      if (version.startsWith("4.")) {
        migration.installMinimalMes();
        migration.update();
        assertEquals(2, WipViews.of(dataSource).withSchema("a,b").refreshAll().size());
      } else {
        WipViewsException refused =
            assertThrows(WipViewsException.class, migration::installMinimalMes);
        assertEquals(
            "Liquibase " + version + " cannot deploy to a schema with a comma in its name: a,b",
            refused.getMessage());
      }
    }
  }

  private static EmbeddedPostgres start() throws IOException {
    return EmbeddedPostgres.builder()
        .setPGStartupWait(Duration.ofMinutes(3))
        .setLocaleConfig("locale", "C")
        .setServerConfig("fsync", "off")
        .start();
  }

  private static void update(DataSource dataSource) throws Exception {
    try (Connection connection = dataSource.getConnection()) {
      Database database =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      new CommandScope("update")
          .addArgumentValue("database", database)
          .addArgumentValue("changelogFile", "db/changelog.yaml")
          .execute();
    }
  }
}
