package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.internal.Changelog;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.OutputStream;
import java.sql.Connection;
import java.util.Map;
import javax.sql.DataSource;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.ui.LoggerUIService;

/** The opt-in changelog of the schedule, run by Liquibase. */
final class ScheduleTable {

  private ScheduleTable() {}

  static void deploy(TestDatabase database) throws Exception {
    deploy(database.dataSource());
  }

  static void deploy(DataSource dataSource) throws Exception {
    liquibase(dataSource, "public", new CommandScope("update"));
  }

  static void deploy(TestDatabase database, String schema) throws Exception {
    liquibase(database.dataSource(), schema, new CommandScope("update"));
  }

  static void rollBack(TestDatabase database) throws Exception {
    liquibase(
        database.dataSource(),
        "public",
        new CommandScope("rollbackCount").addArgumentValue("count", 1));
  }

  private static void liquibase(DataSource dataSource, String schema, CommandScope command)
      throws Exception {
    try (Connection connection = dataSource.getConnection()) {
      Database database =
          DatabaseFactory.getInstance()
              .findCorrectDatabaseImplementation(new JdbcConnection(connection));
      database.setDefaultSchemaName(schema);
      Scope.child(
          Map.of(
              Scope.Attr.ui.name(),
              new LoggerUIService(),
              Scope.Attr.resourceAccessor.name(),
              new ClassLoaderResourceAccessor(ScheduleTable.class.getClassLoader()),
              "liquibase.preserveSchemaCase",
              "true",
              "liquibase.analytics.enabled",
              "false"),
          () ->
              command
                  .addArgumentValue(
                      "changelogFile", Changelog.FOLDER + "db-scheduler.changelog.yaml")
                  .addArgumentValue("database", database)
                  .setOutput(OutputStream.nullOutputStream())
                  .execute());
    }
  }
}
