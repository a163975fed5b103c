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
import liquibase.changelog.ChangeSet;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.FastCheckService;
import liquibase.changelog.visitor.ChangeExecListener;
import liquibase.changelog.visitor.DefaultChangeExecListener;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.exception.CommandExecutionException;
import liquibase.exception.LiquibaseException;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.ui.LoggerUIService;
import liquibase.util.LiquibaseUtil;

/**
 * Liquibase at work on some changelogs, which it takes for one.
 *
 * @param target where
 * @param database the database, as Liquibase knows it
 * @param sources the changelogs
 * @param changelog their changesets, which may be changed before they run
 */
record LiquibaseRun(
    Target target, Database database, Sources sources, DatabaseChangeLog changelog) {

  /** The changesets of the engine that look at what the others, and a service's, have made. */
  private static final List<String> LAST = List.of("access", "drift");

  /** What is done with it. */
  interface Work {
    void on(LiquibaseRun run) throws Exception;
  }

  /**
   * Does some work in a scope of Liquibase's.
   *
   * @param connection what Liquibase gets for the target's connection
   * @param progress told, line by line, which changeset runs and what it says of itself
   */
  static void on(
      Target target,
      BareUrlConnection connection,
      Sources sources,
      Consumer<String> progress,
      Work work)
      throws Exception {
    refuseComma(target.schema(), LiquibaseUtil.getBuildVersion());
    Map<String, Object> scope = scope();
    if (sources.service() != null) {
      scope.put(Scope.Attr.resourceAccessor.name(), sources.service().files());
      scope.put(Scope.Attr.classLoader.name(), sources.service().classes());
    }
    scope.put(Scope.Attr.ui.name(), new Progress(progress));
    Scope.child(
        scope,
        () -> {
          // or Liquibase, once it had nothing to do here, takes every later deploy of this JVM for
          // done
          Scope.getCurrentScope().getSingleton(FastCheckService.class).clearCache();
          Database database =
              DatabaseFactory.getInstance().findCorrectDatabaseImplementation(connection);
          database.setDefaultSchemaName(target.schema());
          findLog(target, database);
          work.on(of(target, database, sources));
        });
  }

  /** Liquibase since 5.0.2 splits the search_path at every comma, also at one within quotes. */
  static void refuseComma(String schema, String version) throws Refusal {
    if (schema.contains(",") && version.matches("5\\.0\\.[2-9].*|5\\.[1-9].*|[6-9]\\..*")) {
      throw new Refusal(
          "Liquibase " + version + " cannot deploy to a schema with a comma in its name: " + schema,
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Deploy with Liquibase 4.33, or rename the schema.");
    }
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

  /** Runs a command of Liquibase's on the changelog, if there is anything in it. */
  void execute(CommandScope command) throws CommandExecutionException {
    if (changelog.getChangeSets().isEmpty()) {
      return;
    }
    command
        .addArgumentValue("database", database)
        .addArgumentValue("databaseChangelog", changelog)
        // which updateSql insists on, to name it in the script
        .addArgumentValue("changelogFile", sources.names())
        .addArgumentValue("changeLogParameters", changelog.getChangeLogParameters())
        .execute();
  }

  /** Runs what is not done yet. */
  void update(ChangeExecListener... listeners) throws CommandExecutionException {
    execute(
        command("update")
            .addArgumentValue("changeExecListener", new DefaultChangeExecListener(listeners)));
  }

  /** The same as in a recovery, to be run in the same scope. */
  DatabaseChangeLog recreating() throws LiquibaseException {
    return read(target, database, sources.recreating());
  }

  /** Leaves out the changesets of this library. */
  void leaveOurs() {
    changelog.getChangeSets().removeIf(Entry::isOurs);
  }

  /** Tells whether the changesets are those of the root, or of the engine alone, or neither. */
  boolean has(String changeSet) {
    return changelog.getChangeSets().stream()
        .anyMatch(one -> Entry.isOurs(one) && one.getId().equals(changeSet));
  }

  private static LiquibaseRun of(Target target, Database database, Sources sources)
      throws LiquibaseException {
    if (sources.service() != null) {
      Sources included = sources.withoutPart();
      LiquibaseRun alone =
          new LiquibaseRun(target, database, included, read(target, database, included));
      if (alone.has("deploy")) {
        return alone;
      }
    }
    return new LiquibaseRun(target, database, sources, read(target, database, sources));
  }

  private static DatabaseChangeLog read(Target target, Database database, Sources sources)
      throws LiquibaseException {
    ChangeLogParameters given = new ChangeLogParameters(database);
    sources.parameters().forEach(given::set);
    // which the entries of a service use as well, where nothing that it includes says what they are
    given.set("schema", target.schema());
    given.set("recreate", Boolean.toString(sources.recreate()));
    DatabaseChangeLog changelog = new DatabaseChangeLog(ChangelogFiles.FOLDER);
    changelog.setChangeLogParameters(given);
    for (String file : sources.files()) {
      include(changelog, ChangelogFiles.FOLDER + file);
    }
    if (sources.service() != null) {
      include(changelog, sources.service().path());
    }
    List<ChangeSet> last =
        changelog.getChangeSets().stream()
            .filter(changeSet -> Entry.isOurs(changeSet) && LAST.contains(changeSet.getId()))
            .toList();
    changelog.getChangeSets().removeAll(last);
    changelog.getChangeSets().addAll(last);
    return changelog;
  }

  /** By the one signature that every Liquibase since 4.29 has. */
  @SuppressWarnings("deprecation")
  private static void include(DatabaseChangeLog changelog, String path) throws LiquibaseException {
    changelog.include(
        path,
        false,
        true,
        Scope.getCurrentScope().getResourceAccessor(),
        new ContextExpression(),
        new Labels(),
        false,
        DatabaseChangeLog.OnUnknownFileFormat.FAIL);
  }

  /** A host that includes the changelog may keep Liquibase's log elsewhere. */
  private static void findLog(Target target, Database database) throws SQLException {
    if (!LiquibaseLog.isConfigured() && MissingObjects.isDeployed(target)) {
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
