package com.f2x.neurohub.wipviews.internal;

import java.io.OutputStream;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import liquibase.ContextExpression;
import liquibase.Labels;
import liquibase.Scope;
import liquibase.changelog.ChangeLogParameters;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.FastCheckService;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.exception.CommandExecutionException;
import liquibase.exception.LiquibaseException;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.ui.LoggerUIService;

/**
 * Liquibase at work on some files of the jar, which it takes for one changelog.
 *
 * @param database the database, as Liquibase knows it
 * @param files the files, in the order in which they run
 * @param parameters changelog parameters by name
 * @param changelog the changesets of the files, which may be changed before they run
 */
record LiquibaseRun(
    Database database,
    List<String> files,
    Map<String, String> parameters,
    DatabaseChangeLog changelog) {

  /** What is done with it. */
  interface Work {
    void on(LiquibaseRun run) throws Exception;
  }

  /**
   * Does some work in a scope of Liquibase's.
   *
   * @param progress told, line by line, which changeset runs and what it says of itself
   */
  static void on(
      Target target,
      List<String> files,
      Map<String, String> parameters,
      Consumer<String> progress,
      Work work)
      throws Exception {
    Map<String, Object> scope = scope();
    scope.put(Scope.Attr.ui.name(), new Progress(progress));
    Scope.child(
        scope,
        () -> {
          // or Liquibase, once it had nothing to do here, takes every later deploy of this JVM for
          // done
          Scope.getCurrentScope().getSingleton(FastCheckService.class).clearCache();
          Database database =
              DatabaseFactory.getInstance()
                  .findCorrectDatabaseImplementation(new BareUrlConnection(target.connection()));
          database.setDefaultSchemaName(target.schema());
          findLog(target, database);
          work.on(new LiquibaseRun(database, files, parameters, read(database, files, parameters)));
        });
  }

  /** What is the same for everything that Liquibase does for us. */
  static Map<String, Object> scope() {
    Map<String, Object> scope = new HashMap<>();
    scope.put(Scope.Attr.logService.name(), new Slf4jLogService());
    scope.put("liquibase.analytics.enabled", "false");
    // or Liquibase names the schema unquoted in SET search_path
    scope.put("liquibase.preserveSchemaCase", "true");
    scope.put(
        Scope.Attr.resourceAccessor.name(),
        new ClassLoaderResourceAccessor(LiquibaseRun.class.getClassLoader()));
    scope.put(Scope.Attr.classLoader.name(), LiquibaseRun.class.getClassLoader());
    return scope;
  }

  static CommandScope command(String name) throws CommandExecutionException {
    return new CommandScope(name).setOutput(OutputStream.nullOutputStream());
  }

  /** Runs a command of Liquibase's on the changelog. */
  void execute(CommandScope command) throws CommandExecutionException {
    command
        .addArgumentValue("database", database)
        .addArgumentValue("databaseChangelog", changelog)
        // which updateSql insists on, to name it in the script
        .addArgumentValue("changelogFile", String.join(", ", files))
        .addArgumentValue("changeLogParameters", changelog.getChangeLogParameters())
        .execute();
  }

  /** Another file of the jar, under the same parameters. */
  DatabaseChangeLog read(String file) throws LiquibaseException {
    return read(database, List.of(file), parameters);
  }

  private static DatabaseChangeLog read(
      Database database, List<String> files, Map<String, String> parameters)
      throws LiquibaseException {
    ChangeLogParameters given = new ChangeLogParameters(database);
    parameters.forEach(given::set);
    DatabaseChangeLog changelog = new DatabaseChangeLog(ChangelogFiles.FOLDER);
    changelog.setChangeLogParameters(given);
    for (String file : files) {
      changelog.include(
          ChangelogFiles.FOLDER + file,
          false,
          true,
          Scope.getCurrentScope().getResourceAccessor(),
          new ContextExpression(),
          new Labels(),
          false,
          null,
          DatabaseChangeLog.OnUnknownFileFormat.FAIL);
    }
    return changelog;
  }

  /** A host that includes the changelog may keep Liquibase's log elsewhere. */
  private static void findLog(Target target, Database database) throws SQLException {
    if (!LiquibaseLog.isConfigured()
        && !MissingObjects.in(target).equals(ChangelogFiles.objectNames())) {
      LiquibaseLog.of(target)
          .ifPresent(
              log -> {
                database.setLiquibaseSchemaName(log.schema());
                database.setDatabaseChangeLogTableName(log.table());
              });
    }
  }

  /** What Liquibase tells people: the changeset that begins, and the NOTICEs of its statements. */
  private static final class Progress extends LoggerUIService {

    private static final String BEGINS = "Running Changeset: ";

    /** What is then thrown as well. */
    private static final String FAILED = "ERROR: ";

    /** What CREATE … IF NOT EXISTS says where there is nothing to do. */
    private static final String SKIPS = ", skipping";

    private final Consumer<String> progress;

    Progress(Consumer<String> progress) {
      this.progress = progress;
    }

    @Override
    public void sendMessage(String message) {
      if (message.startsWith(BEGINS)) {
        // path::id::author
        progress.accept(message.substring(BEGINS.length()).split("::")[1]);
      } else if (!message.startsWith("Liquibase: ")
          && !message.startsWith(FAILED)
          && !message.endsWith(SKIPS)) {
        progress.accept("  " + message.strip());
      }
    }
  }
}
