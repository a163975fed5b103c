package com.f2x.neurohub.wipviews.internal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import liquibase.ContextExpression;
import liquibase.Contexts;
import liquibase.LabelExpression;
import liquibase.Labels;
import liquibase.RuntimeEnvironment;
import liquibase.Scope;
import liquibase.change.core.CreateViewChange;
import liquibase.change.core.RawSQLChange;
import liquibase.change.core.SQLFileChange;
import liquibase.changelog.ChangeLogHistoryServiceFactory;
import liquibase.changelog.ChangeLogIterator;
import liquibase.changelog.ChangeLogParameters;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.FastCheckService;
import liquibase.changelog.filter.AlreadyRanChangeSetFilter;
import liquibase.changelog.visitor.RollbackVisitor;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.exception.CommandExecutionException;
import liquibase.exception.LiquibaseException;
import liquibase.lockservice.LockService;
import liquibase.lockservice.LockServiceFactory;
import liquibase.parser.ChangeLogParserFactory;
import liquibase.precondition.core.SqlPrecondition;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.resource.ResourceAccessor;
import liquibase.ui.LoggerUIService;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.postgresql.PGConnection;

/**
 * Runs a changelog out of the jar. One at a time: Liquibase makes its own tables without a lock, so
 * an advisory lock of the database keeps other processes out, and a mutex other threads; both end
 * with their holder, whatever happens to it.
 */
public final class Changelog {

  /** The folder inside the jar that holds the changelogs; no other jar has it. */
  public static final String FOLDER = "com/f2x/neurohub/wipviews/changelog/";

  /** The file of the changelog that a deploy runs: the engine and the WIP part. */
  public static final String ROOT = "db.changelog-root.yaml";

  /** The file of the engine alone. */
  public static final String ENGINE = "engine.changelog.yaml";

  /** What is checked before Liquibase makes anything, by the file that has it checked. */
  private static final Map<String, List<String>> PREFLIGHT =
      Map.of(
          ROOT, List.of("wip/preflight.sql", "engine/preflight.sql"),
          ENGINE, List.of("engine/preflight.sql"));

  /** Names of the changelogs that run only when they are named. */
  public static final List<String> OPT_IN = List.of("db-scheduler", "pg-cron");

  /** The changesets of the engine that look at what the others, and later files, have made. */
  private static final List<String> LAST = List.of("access", "drift");

  /** How a file makes an object that a rollback takes away. */
  private static final String MAKES =
      "\\bCREATE (?:OR REPLACE )?(?:INDEX CONCURRENTLY "
          + "|(?:TABLE|VIEW|FUNCTION|PROCEDURE) (?:IF NOT EXISTS )?\"\\$\\{schema\\}\"\\.)(\\w+)";

  /** As many names as a message lists. */
  private static final int LISTED = 3;

  /** How a changelog runs the file of a view that is not registered. */
  private static final String VIEW_FILE = "createView: \\{viewName: (\\w+),";

  private static final Pattern UNQUOTABLE = Pattern.compile("['\"\\\\$]");

  /** What was found in a file by a pattern: a jar does not change, and each is asked for often. */
  private static final Map<List<String>, List<String>> NAMED = new ConcurrentHashMap<>();

  private static final ReentrantLock IN_THIS_JVM = new ReentrantLock();

  private final Connection connection;
  private final String schema;
  private final Map<String, String> parameters;
  private final Consumer<String> progress;

  /**
   * A changelog runner on a connection.
   *
   * @param connection an own connection, not through a pooler in transaction mode; left open
   * @param schema the schema to deploy to; null for the connection's own
   * @param parameters changelog parameters by name
   * @param progress told, line by line, which changeset runs and what it says of itself
   */
  public Changelog(
      Connection connection,
      String schema,
      Map<String, String> parameters,
      Consumer<String> progress)
      throws SQLException {
    this.connection = connection;
    this.schema = schema == null && connection.getSchema() == null ? "public" : schema;
    this.parameters = Map.copyOf(parameters);
    this.progress = progress;
  }

  /**
   * Returns the file of an opt-in changelog.
   *
   * @param name one of {@link #OPT_IN}
   */
  public static String optIn(String name) {
    return name + ".changelog.yaml";
  }

  /**
   * Refuses the name of a schema that the changelog cannot quote: it goes into the SQL as it is, in
   * quotes, and dollar-quoted.
   *
   * @param schema its name; null passes
   * @throws IllegalArgumentException if it cannot be deployed to
   */
  public static void refuseUnquotable(String schema) {
    if (schema != null && UNQUOTABLE.matcher(schema).find()) {
      throw new IllegalArgumentException(
          "cannot deploy to schema " + schema + ": a name with any of ' \" \\ $ is not supported");
    }
  }

  /** Returns the names of the parameters that some files take, in their order. */
  public static List<String> parameterNames(List<String> files) {
    return files.stream()
        .flatMap(file -> named(file, "^  - property: \\{name: (\\w+), value: \"\"}").stream())
        .distinct()
        .toList();
  }

  /** Returns the names of the views that this jar defines, in refresh order. */
  public static List<String> viewNames() {
    return named("views.changelog.yaml", "^      id: (?:(?=['\"]).)?(.+?)['\"]?$");
  }

  /**
   * Returns the names of what the root changelog makes in the schema, in its order: tables, views,
   * functions and procedures; not what goes with a table, nor the views of {@link #viewNames()}.
   */
  public static List<String> objectNames() {
    return objectNames(List.of(ENGINE, ROOT));
  }

  /** The same of the engine alone. */
  public static List<String> engineObjectNames() {
    return objectNames(List.of(ENGINE));
  }

  /** The same of the WIP part alone. */
  static List<String> wipObjectNames() {
    List<String> names = new ArrayList<>(objectNames(List.of(ROOT)));
    names.removeAll(engineObjectNames());
    return names;
  }

  /** The same of all changelogs, with the indexes that they make for the MES. */
  public static List<String> allObjectNames() {
    return objectNames(
        Stream.concat(
                Stream.of(ENGINE, ROOT, "mes-indexes.changelog.yaml"),
                OPT_IN.stream().map(Changelog::optIn))
            .toList());
  }

  private static List<String> objectNames(List<String> files) {
    return files.stream()
        .flatMap(
            file ->
                Stream.concat(
                    Stream.of(file),
                    named(file, "sqlFile: \\{path: ((?:engine|wip)/[^,}]+)").stream()))
        .flatMap(
            file -> Stream.concat(named(file, MAKES).stream(), named(file, VIEW_FILE).stream()))
        .distinct()
        .toList();
  }

  /**
   * An index of the MES that the views read by.
   *
   * @param columns its table and columns, as {@code wip_items (lot_id)}
   * @param query the precondition of its changeset: one value
   * @param wantedWhen the value with which there is none that will do
   * @param build the statements that build it, each with its semicolon; not in a transaction
   */
  public record SupportingIndex(
      String columns, String query, String wantedWhen, List<String> build) {}

  /**
   * Returns the indexes of the MES that the changelog builds where there is none that will do. What
   * will do is in their preconditions, and nowhere else.
   *
   * @param schema the schema of the MES
   */
  public static List<SupportingIndex> supportingIndexes(String schema) {
    String file = FOLDER + "mes-indexes.changelog.yaml";
    ResourceAccessor jar = new ClassLoaderResourceAccessor(Changelog.class.getClassLoader());
    ChangeLogParameters parameters = new ChangeLogParameters();
    parameters.set("schema", schema);
    try {
      return Scope.child(
          scope(),
          () ->
              ChangeLogParserFactory.getInstance()
                  .getParser(file, jar)
                  .parse(file, parameters, jar)
                  .getChangeSets()
                  .stream()
                  .map(Changelog::supportingIndex)
                  .toList());
    } catch (Exception e) {
      throw new IllegalStateException("the jar has no changelog of indexes that can be read", e);
    }
  }

  private static SupportingIndex supportingIndex(ChangeSet changeSet) {
    SqlPrecondition precondition =
        (SqlPrecondition) changeSet.getPreconditions().getNestedPreconditions().get(0);
    return new SupportingIndex(
        changeSet.getId(),
        precondition.getSql(),
        precondition.getExpectedResult(),
        changeSet.getChanges().stream()
            .map(change -> ((RawSQLChange) change).getSql() + ";")
            .toList());
  }

  private static List<String> named(String file, String pattern) {
    return NAMED.computeIfAbsent(
        List.of(file, pattern), unread -> matches(pattern, text(file)).toList());
  }

  private static Stream<String> matches(String pattern, String text) {
    return Pattern.compile(pattern, Pattern.MULTILINE)
        .matcher(text)
        .results()
        .map(match -> match.group(1));
  }

  private static String text(String file) {
    try (InputStream in = Changelog.class.getClassLoader().getResourceAsStream(FOLDER + file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Deploys what was not deployed yet.
   *
   * @param files changelogs, which run in this order
   */
  public void update(List<String> files) throws Exception {
    run(
        () -> preflight(files),
        files,
        (database, changelog) -> {
          runUndone(database, files, changelog);
          execute(command("update"), files, database, changelog);
        });
  }

  /** What Liquibase's log says is done, and is not there, runs as it does in a recovery. */
  private void runUndone(Database database, List<String> files, DatabaseChangeLog changelog)
      throws Exception {
    Set<String> undone = new HashSet<>(MissingObjects.among(db(), schema, made(changelog)));
    Set<String> unregistered = new HashSet<>(viewNames());
    unregistered.retainAll(made(changelog));
    unregistered.removeAll(DeployedObjects.registeredViews(connection, schema));
    undone.addAll(unregistered);
    if (undone.isEmpty()) {
      return;
    }
    Map<String, ChangeSet> again =
        read(database, files, true).getChangeSets().stream()
            .filter(changeSet -> made(changeSet).anyMatch(undone::contains))
            .collect(Collectors.toMap(changeSet -> changeSet.toString(false), Function.identity()));
    changelog
        .getChangeSets()
        .replaceAll(changeSet -> again.getOrDefault(changeSet.toString(false), changeSet));
  }

  private List<String> missing() {
    return MissingObjects.in(db(), schema);
  }

  private DSLContext db() {
    return DSL.using(connection, SQLDialect.POSTGRES);
  }

  private static Set<String> made(DatabaseChangeLog changelog) {
    return changelog.getChangeSets().stream()
        .flatMap(Changelog::made)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** The names of the objects that a changeset makes. */
  private static Stream<String> made(ChangeSet changeSet) {
    return changeSet.getChanges().stream()
        .flatMap(
            change -> {
              if (change instanceof CreateViewChange view) {
                return Stream.of(view.getViewName());
              }
              if (change instanceof SQLFileChange file) {
                return matches(MAKES, text(file.getPath()));
              }
              return change instanceof RawSQLChange inline
                  ? matches(MAKES, inline.getSql())
                  : Stream.empty();
            });
  }

  /**
   * Recreates views, and all that is repeatable besides; leaves the opt-in changelogs as they are.
   * A view that this jar does not define is recreated from the registry.
   *
   * @param part {@link #ROOT}, which is the engine where that alone is deployed, or {@link #ENGINE}
   * @param views names of views, each one of {@link #recreatable}; none for all
   * @return the views that were recreated
   */
  public List<String> recreate(String part, Collection<String> views) throws Exception {
    List<String> chosen = new ArrayList<>(views.isEmpty() ? recreatable(part) : Set.copyOf(views));
    List<String> files = List.of(deployed(part));
    List<String> ofThisJar = files.contains(ROOT) ? viewNames() : List.of();
    run(
        () -> preflight(files),
        files,
        true,
        (database, changelog) -> {
          changelog.getChangeSets().stream()
              .filter(changeSet -> ofThisJar.contains(changeSet.getId()))
              .filter(changeSet -> !chosen.contains(changeSet.getId()))
              .forEach(changeSet -> changeSet.setIgnore(true));
          execute(command("update"), files, database, changelog);
          for (String view : chosen) {
            if (!ofThisJar.contains(view)) {
              recreateFromRegistry(view);
            }
          }
        });
    return chosen;
  }

  /**
   * Returns the names of the views that {@link #recreate} knows: the jar's, then the registry's.
   *
   * @param part as for {@link #recreate}
   */
  public List<String> recreatable(String part) throws SQLException {
    Set<String> names = new LinkedHashSet<>(deployed(part).equals(ROOT) ? viewNames() : List.of());
    names.addAll(DeployedObjects.registeredViews(connection, schema));
    return List.copyOf(names);
  }

  /** A database where the engine alone was deployed has no MES, and is to have no WIP part. */
  private String deployed(String part) {
    boolean engineAlone =
        !missing().equals(engineObjectNames()) && !MissingObjects.hasWipPart(db(), schema);
    return engineAlone ? ENGINE : part;
  }

  private void recreateFromRegistry(String view) throws SQLException {
    progress.accept(view);
    // Liquibase has put the schema on top of the search_path
    try (PreparedStatement statement = connection.prepareStatement("SELECT wip_view_recreate(?)")) {
      statement.setString(1, view);
      statement.execute();
      for (SQLWarning said = statement.getWarnings(); said != null; said = said.getNextWarning()) {
        progress.accept("  " + said.getMessage().strip());
      }
      connection.commit();
    }
  }

  /** Makes a minimal MES. */
  public void installMinimalMes() throws Exception {
    List<String> files = List.of("mes-schema.changelog.yaml");
    run(
        () -> {},
        files,
        (database, changelog) -> execute(command("update"), files, database, changelog));
  }

  /**
   * The checks of a changelog, before Liquibase makes its own tables: where it may not, its error
   * would say nothing of what is missing.
   */
  private void preflight(List<String> files) throws SQLException {
    List<String> checks =
        files.stream().flatMap(file -> PREFLIGHT.getOrDefault(file, List.of()).stream()).toList();
    if (checks.isEmpty()) {
      return;
    }
    String in = schema == null ? connection.getSchema() : schema;
    boolean autoCommit = connection.getAutoCommit();
    // one leaves a note for the next
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      for (String check : checks) {
        String sql = text(check);
        for (String name : parameterNames(List.of(ROOT))) {
          sql = sql.replace("${" + name + "}", parameters.getOrDefault(name, ""));
        }
        statement.execute(sql.replace("${schema}", in == null ? "public" : in));
      }
    } finally {
      connection.rollback();
      connection.setAutoCommit(autoCommit);
    }
  }

  /**
   * Writes the SQL that {@link #update} would run, and runs none of it.
   *
   * @param files changelogs, which would run in this order
   * @param out where the script goes; flushed, left open
   */
  public void updateSql(List<String> files, Writer out) throws Exception {
    ByteArrayOutputStream script = new ByteArrayOutputStream();
    run(
        this::refuseUnreadable,
        files,
        (database, changelog) -> {
          runUndone(database, files, changelog);
          execute(
              command("updateSql")
                  .setOutput(script)
                  .addArgumentValue("changeExecListener", new ScriptTransactions()),
              files,
              database,
              changelog);
        });
    // as an update, it stops where something fails
    out.write("\\set ON_ERROR_STOP on\n");
    out.write(script.toString(StandardCharsets.UTF_8));
    out.flush();
  }

  /** The script depends on what has run; it brings the preflight's checks along. */
  private void refuseUnreadable() throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            """
            SELECT pg_catalog.format('GRANT SELECT ON %s TO %I;', record.name, current_user)
            FROM pg_catalog.format('%I.databasechangelog', coalesce(?::text, current_schema())) AS record (name)
            WHERE NOT has_table_privilege(to_regclass(record.name), 'SELECT')
            """)) {
      query.setString(1, schema);
      try (ResultSet row = query.executeQuery()) {
        if (row.next()) {
          throw new Refusal(
              "cannot tell what is deployed already",
              Refusal.NOT_IN_PREREQUISITE_STATE,
              "Have its owner run " + row.getString(1));
        }
      }
    }
  }

  /**
   * Takes back what {@link #update} did, what stands last in the files first.
   *
   * @param files changelogs; with the root or the engine, the opt-in ones need not be named
   */
  public void rollback(List<String> files) throws Exception {
    List<String> all = new ArrayList<>(files);
    boolean library = files.contains(ROOT) || files.contains(ENGINE);
    if (library) {
      OPT_IN.stream().map(Changelog::optIn).filter(file -> !files.contains(file)).forEach(all::add);
    }
    run(
        () -> {},
        all,
        (database, changelog) -> {
          if (library) {
            refuseHalf(database, changelog);
          }
          rollback(database, changelog);
        });
  }

  /** Before the first object goes: each changeset commits, and one that fails would leave half. */
  private void refuseHalf(Database database, DatabaseChangeLog changelog) throws Exception {
    Set<String> there = DeployedObjects.names(connection, schema);
    refuse(DeployedObjects.whyNotOurs(connection, schema));
    if (there.isEmpty()) {
      return;
    }
    if (MissingObjects.hasWipPart(db(), schema) && !made(changelog).containsAll(wipObjectNames())) {
      refuse(
          "the WIP part is deployed on the engine",
          "Roll back both: " + CommandLines.of(schema, "rollback", "--yes"));
    }
    Set<String> missing = new LinkedHashSet<>();
    Set<String> unrecorded = new LinkedHashSet<>();
    // by one of two changesets, where it was made by hand before: the engine's, or the guide's
    Set<String> recorded = new HashSet<>();
    List<String> notThere = missing();
    for (ChangeSet changeSet : changelog.getChangeSets()) {
      boolean ran = database.getRanChangeSet(changeSet) != null;
      made(changeSet).filter(name -> ran).forEach(recorded::add);
      made(changeSet)
          .filter(ran ? notThere::contains : there::contains)
          .forEach(ran ? missing::add : unrecorded::add);
    }
    unrecorded.removeAll(recorded);
    if (!missing.isEmpty()) {
      refuse(
          "what it needs is missing: " + brief(missing),
          "Bring it back, then roll back: " + CommandLines.of(schema, "update"));
    }
    if (!unrecorded.isEmpty()) {
      refuse(
          "Liquibase's log, "
              + database.getLiquibaseSchemaName()
              + "."
              + database.getDatabaseChangeLogTableName()
              + ", does not know of "
              + brief(unrecorded),
          "Put it on record, then roll back: " + CommandLines.of(schema, update(unrecorded)));
    }
    refuse(DeployedObjects.whyNotRolledBack(connection, schema));
  }

  /** The first few of the names, and how many more there are. */
  private static String brief(Set<String> names) {
    return names.stream().limit(LISTED).collect(Collectors.joining(", "))
        + (names.size() > LISTED ? " and " + (names.size() - LISTED) + " more" : "");
  }

  private static void refuse(String reason, String hint) throws Refusal {
    refuse(Optional.of(new Refusal(reason, Refusal.NOT_IN_PREREQUISITE_STATE, hint)));
  }

  private static void refuse(Optional<Refusal> refusal) throws Refusal {
    if (refusal.isPresent()) {
      Refusal why = refusal.get();
      throw new Refusal("cannot roll back: " + why.getMessage(), why.getSQLState(), why.hint());
    }
  }

  /** The command that deploys objects, those of opt-in changelogs among them. */
  private static String[] update(Set<String> objects) {
    return Stream.concat(
            Stream.of("update"),
            OPT_IN.stream()
                .filter(
                    name -> objectNames(List.of(optIn(name))).stream().anyMatch(objects::contains))
                .flatMap(name -> Stream.of("--with", name)))
        .toArray(String[]::new);
  }

  /**
   * Liquibase's own command goes by when a changeset ran last, so that the functions that an
   * upgrade or a recovery made anew would go before the views that they take away.
   */
  private void rollback(Database database, DatabaseChangeLog changelog) throws Exception {
    LockService lock = LockServiceFactory.getInstance().getLockService(database);
    lock.waitForLock();
    try {
      if (DeployedObjects.names(connection, schema).isEmpty()) {
        for (ChangeSet changeSet : changelog.getChangeSets()) {
          if (database.getRanChangeSet(changeSet) != null) {
            database.removeRanStatus(changeSet);
          }
        }
      } else {
        new ChangeLogIterator(
                changelog, new AlreadyRanChangeSetFilter(database.getRanChangeSetList()))
            .run(
                new RollbackVisitor(database, null),
                new RuntimeEnvironment(database, new Contexts(), new LabelExpression()));
      }
    } finally {
      lock.releaseLock();
      // as its commands end: both keep what they know of a database
      LockServiceFactory.getInstance().resetAll();
      Scope.getCurrentScope().getSingleton(ChangeLogHistoryServiceFactory.class).resetAll();
    }
  }

  private static CommandScope command(String name) throws CommandExecutionException {
    return new CommandScope(name).setOutput(OutputStream.nullOutputStream());
  }

  private static void execute(
      CommandScope command, List<String> files, Database database, DatabaseChangeLog changelog)
      throws CommandExecutionException {
    command
        .addArgumentValue("database", database)
        .addArgumentValue("databaseChangelog", changelog)
        // which updateSql insists on, to name it in the script
        .addArgumentValue("changelogFile", String.join(", ", files))
        .addArgumentValue("changeLogParameters", changelog.getChangeLogParameters())
        .execute();
  }

  private void run(Check first, List<String> files, Work work) throws Exception {
    run(first, files, false, work);
  }

  @SuppressWarnings("try") // the turn is only held
  private void run(Check first, List<String> files, boolean recreate, Work work) throws Exception {
    refuseUnquotable(schema == null ? connection.getSchema() : schema);
    IN_THIS_JVM.lockInterruptibly();
    try (Turn turn = new Turn(connection)) {
      cancellable(
          () -> {
            turn.await();
            first.run();
            inScope(files, recreate, work);
          });
    } finally {
      IN_THIS_JVM.unlock();
    }
  }

  /**
   * Runs a deploy, which an interrupt of this thread cancels on the server.
   *
   * @throws InterruptedException if that ended it; the thread is no longer interrupted
   */
  private void cancellable(Step deploy) throws Exception {
    PGConnection server =
        connection.isWrapperFor(PGConnection.class) ? connection.unwrap(PGConnection.class) : null;
    try (CancelOnInterrupt watch = CancelOnInterrupt.watch(() -> cancel(server))) {
      try {
        deploy.run();
      } catch (Exception e) {
        if (watch.cancelled()) {
          Thread.interrupted();
          throw (InterruptedException) new InterruptedException().initCause(e);
        }
        throw e;
      }
    }
  }

  private static void cancel(PGConnection server) {
    try {
      if (server != null) {
        server.cancelQuery();
      }
    } catch (SQLException e) {
      // it is tried again as long as the deploy lasts
    }
  }

  private void inScope(List<String> files, boolean recreate, Work work) throws Exception {
    Map<String, Object> scope = scope();
    scope.put(Scope.Attr.ui.name(), new Progress());
    Scope.child(
        scope,
        () -> {
          // or Liquibase, once it had nothing to do here, takes every later deploy of this JVM for
          // done
          Scope.getCurrentScope().getSingleton(FastCheckService.class).clearCache();
          Database database =
              DatabaseFactory.getInstance()
                  .findCorrectDatabaseImplementation(new BareUrlConnection(connection));
          if (schema != null) {
            database.setDefaultSchemaName(schema);
          }
          findLog(database);
          work.on(database, read(database, files, recreate));
        });
  }

  /**
   * Several files as one changelog; only in the scope of a run.
   *
   * @param recreate whether what can be repeated runs again
   */
  private DatabaseChangeLog read(Database database, List<String> files, boolean recreate)
      throws LiquibaseException {
    ChangeLogParameters given = new ChangeLogParameters(database);
    parameters.forEach(given::set);
    given.set("recreate", Boolean.toString(recreate));
    DatabaseChangeLog changelog = new DatabaseChangeLog(FOLDER);
    changelog.setChangeLogParameters(given);
    for (String file : files) {
      changelog.include(
          FOLDER + file,
          false,
          true,
          Scope.getCurrentScope().getResourceAccessor(),
          new ContextExpression(),
          new Labels(),
          false,
          null,
          DatabaseChangeLog.OnUnknownFileFormat.FAIL);
    }
    lookLast(changelog.getChangeSets());
    return changelog;
  }

  /** What gives rights and names drift looks at all that the files have made. */
  private static void lookLast(List<ChangeSet> changeSets) {
    List<ChangeSet> last =
        changeSets.stream()
            .filter(changeSet -> changeSet.getAuthor().equals("wip-views"))
            .filter(changeSet -> LAST.contains(changeSet.getId()))
            .toList();
    changeSets.removeAll(last);
    changeSets.addAll(last);
  }

  /** A host that includes the changelog may keep Liquibase's log elsewhere. */
  private void findLog(Database database) throws SQLException {
    if (!LiquibaseLog.isConfigured() && !missing().equals(engineObjectNames())) {
      LiquibaseLog.of(connection, schema)
          .ifPresent(
              log -> {
                database.setLiquibaseSchemaName(log.schema());
                database.setDatabaseChangeLogTableName(log.table());
              });
    }
  }

  /** What is the same for everything that Liquibase does for us. */
  private static Map<String, Object> scope() {
    Map<String, Object> scope = new HashMap<>();
    scope.put(Scope.Attr.logService.name(), new Slf4jLogService());
    scope.put("liquibase.analytics.enabled", "false");
    // or Liquibase names the schema unquoted in SET search_path
    scope.put("liquibase.preserveSchemaCase", "true");
    scope.put(
        Scope.Attr.resourceAccessor.name(),
        new ClassLoaderResourceAccessor(Changelog.class.getClassLoader()));
    scope.put(Scope.Attr.classLoader.name(), Changelog.class.getClassLoader());
    return scope;
  }

  private interface Check {
    void run() throws SQLException;
  }

  /** What is done with the changelog that the files make up. */
  private interface Work {
    void on(Database database, DatabaseChangeLog changelog) throws Exception;
  }

  private interface Step {
    void run() throws Exception;
  }

  /** What Liquibase tells people: the changeset that begins, and the NOTICEs of its statements. */
  private final class Progress extends LoggerUIService {

    private static final String BEGINS = "Running Changeset: ";

    /** What is then thrown as well. */
    private static final String FAILED = "ERROR: ";

    /** What CREATE … IF NOT EXISTS says where there is nothing to do. */
    private static final String SKIPS = ", skipping";

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
