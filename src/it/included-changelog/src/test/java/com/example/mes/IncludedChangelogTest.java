package com.example.mes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import org.junit.jupiter.api.Test;

class IncludedChangelogTest {

  @Test
  void a_changelog_of_a_service_includes_ours_and_builds_on_it() throws Exception {
    System.setProperty("liquibase.analytics.enabled", "false");
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setLocaleConfig("locale", "C")
            .setServerConfig("fsync", "off")
            .start()) {
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
