package com.f2x.neurohub.wipviews.internal;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import liquibase.Scope;
import liquibase.changelog.ChangeLogParameters;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.exception.CommandExecutionException;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.ui.LoggerUIService;

/**
 * Runs a changelog out of the jar. One at a time: Liquibase makes its own tables without a lock, so
 * an advisory lock of the database keeps other processes out, and a mutex other threads; both end
 * with their holder, whatever happens to it.
 */
public final class Changelog {

  /** The folder inside the jar that holds the changelogs; no other jar has it. */
  public static final String FOLDER = "com/f2x/neurohub/wipviews/changelog/";

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
      Consumer<String> progress) {
    this.connection = connection;
    this.schema = schema;
    this.parameters = Map.copyOf(parameters);
    this.progress = progress;
  }

  /**
   * Runs what of a changelog was not run yet.
   *
   * @param file name of the changelog in {@link #FOLDER}
   * @param labels labels to choose by, comma-separated; null for all
   */
  public void update(String file, String labels) throws Exception {
    run(command("update", file, labels), OutputStream.nullOutputStream());
  }

  /**
   * Writes the SQL that {@link #update} would run, and runs none of it.
   *
   * @param file name of the changelog in {@link #FOLDER}
   * @param out where the script goes; flushed, left open
   */
  public void updateSql(String file, Writer out) throws Exception {
    ByteArrayOutputStream script = new ByteArrayOutputStream();
    run(command("updateSql", file, null), script);
    out.write(script.toString(StandardCharsets.UTF_8));
    out.flush();
  }

  /** Takes back everything that a changelog did, last first. */
  public void rollbackAll(String file) throws Exception {
    run(
        new CommandScope("rollbackCount")
            .addArgumentValue("changelogFile", FOLDER + file)
            .addArgumentValue("count", Integer.MAX_VALUE),
        OutputStream.nullOutputStream());
  }

  private static CommandScope command(String name, String file, String labels)
      throws CommandExecutionException {
    CommandScope command = new CommandScope(name).addArgumentValue("changelogFile", FOLDER + file);
    if (labels != null) {
      command.addArgumentValue("labelFilter", labels);
    }
    return command;
  }

  @SuppressWarnings("try") // the turn is only held
  private void run(CommandScope command, OutputStream out) throws Exception {
    IN_THIS_JVM.lockInterruptibly();
    try (Turn turn = new Turn()) {
      inScope(command, out);
    } finally {
      IN_THIS_JVM.unlock();
    }
  }

  private void inScope(CommandScope command, OutputStream out) throws Exception {
    Map<String, Object> scope = new HashMap<>();
    scope.put(Scope.Attr.ui.name(), new Progress());
    scope.put("liquibase.analytics.enabled", "false");
    // or Liquibase names the schema unquoted in SET search_path
    scope.put("liquibase.preserveSchemaCase", "true");
    scope.put(
        Scope.Attr.resourceAccessor.name(),
        new ClassLoaderResourceAccessor(Changelog.class.getClassLoader()));
    scope.put(Scope.Attr.classLoader.name(), Changelog.class.getClassLoader());
    Scope.child(
        scope,
        () -> {
          Database database =
              DatabaseFactory.getInstance()
                  .findCorrectDatabaseImplementation(new JdbcConnection(connection));
          if (schema != null) {
            database.setDefaultSchemaName(schema);
          }
          ChangeLogParameters given = new ChangeLogParameters(database);
          parameters.forEach(given::set);
          command
              .addArgumentValue("database", database)
              .addArgumentValue("changeLogParameters", given)
              .setOutput(out)
              .execute();
        });
  }

  /**
   * This process's turn to deploy, held by the connection; it then gives the connection back as it
   * was, since Liquibase sets its search_path and leaves it so.
   */
  private final class Turn implements AutoCloseable {

    private final boolean autoCommit = connection.getAutoCommit();
    private final String searchPath;

    Turn() throws SQLException {
      connection.setAutoCommit(true);
      searchPath = select("current_setting('search_path')");
      select("pg_advisory_lock(hashtext('wip-views deploy'), 0)");
    }

    @Override
    public void close() throws SQLException {
      if (connection.isClosed()) {
        return;
      }
      if (!connection.getAutoCommit()) {
        connection.rollback();
        connection.setAutoCommit(true);
      }
      select("set_config('search_path', ?, false)", searchPath);
      select("pg_advisory_unlock(hashtext('wip-views deploy'), 0)");
      connection.setAutoCommit(autoCommit);
    }

    private String select(String expression, String... values) throws SQLException {
      try (PreparedStatement statement = connection.prepareStatement("SELECT " + expression)) {
        for (int i = 0; i < values.length; i++) {
          statement.setString(i + 1, values[i]);
        }
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return row.getString(1);
        }
      }
    }
  }

  /** What Liquibase tells people: the changeset that begins, and the NOTICEs of its statements. */
  private final class Progress extends LoggerUIService {

    private static final String BEGINS = "Running Changeset: ";

    /** What is then thrown as well. */
    private static final String FAILED = "ERROR: ";

    @Override
    public void sendMessage(String message) {
      if (message.startsWith(BEGINS)) {
        // path::id::author
        progress.accept(message.substring(BEGINS.length()).split("::")[1]);
      } else if (!message.startsWith("Liquibase: ") && !message.startsWith(FAILED)) {
        progress.accept("  " + message.strip());
      }
    }
  }
}
