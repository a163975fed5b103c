package com.f2x.neurohub.wipviews.migration;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.Changelog;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.SqlError;
import com.f2x.neurohub.wipviews.internal.Target;
import java.io.Writer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jooq.Record;

/**
 * Deploys the changelog of this jar: what {@code liquibase update} does with it, with a lock that
 * lets any number of services deploy at once.
 *
 * <pre>{@code
 * WipViewsMigration.of(dataSource).withParameter("readerRole", "mes_readonly").update();
 * }</pre>
 *
 * <p>Immutable and thread-safe; a {@code with…} method returns another one. Deploy over a direct
 * connection, not through a pooler in transaction mode.
 */
public final class WipViewsMigration {

  private final DataSource dataSource;
  private final String schema;
  private final List<String> files;
  private final Map<String, String> parameters;
  private final Consumer<String> progress;

  private WipViewsMigration(
      DataSource dataSource,
      String schema,
      List<String> files,
      Map<String, String> parameters,
      Consumer<String> progress) {
    this.dataSource = dataSource;
    this.schema = schema;
    this.files = files;
    this.parameters = parameters;
    this.progress = progress;
  }

  /**
   * A migration of the schema that the connections have on top of their search_path.
   *
   * @param dataSource where the connection comes from; not null
   * @return the migration
   */
  public static WipViewsMigration of(DataSource dataSource) {
    return new WipViewsMigration(
        Objects.requireNonNull(dataSource, "dataSource"),
        null,
        List.of(ChangelogFiles.ROOT),
        Map.of(),
        line -> {});
  }

  /**
   * The same migration of another schema, the one of the MES tables.
   *
   * @param schema its name, unquoted; null for the one on top of the connection's search_path
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if the name has a quote, a backslash or a dollar sign in it
   */
  public WipViewsMigration withSchema(String schema) {
    Changelog.refuseUnquotable(schema);
    return new WipViewsMigration(dataSource, schema, files, parameters, progress);
  }

  /** Returns the names of the opt-in changelogs, which run only when they are named. */
  public static List<String> optInNames() {
    return ChangelogFiles.OPT_IN;
  }

  /**
   * The same migration with an opt-in changelog, which {@link #update} runs after all others. Once
   * deployed it stays, whether later updates name it or not; {@link #rollback} takes it away too.
   *
   * @param name one of {@link #optInNames()}; not null
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if there is no such changelog
   */
  public WipViewsMigration with(String name) {
    List<String> more = new ArrayList<>(files);
    more.remove(optIn(name));
    more.add(optIn(name));
    return new WipViewsMigration(dataSource, schema, List.copyOf(more), parameters, progress);
  }

  /**
   * The same migration of an opt-in changelog alone: for what lives in another database than the
   * views, and to take it away without them.
   *
   * @param name one of {@link #optInNames()}; not null
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if there is no such changelog
   */
  public WipViewsMigration only(String name) {
    return new WipViewsMigration(dataSource, schema, List.of(optIn(name)), parameters, progress);
  }

  private static String optIn(String name) {
    if (!optInNames().contains(name)) {
      throw new IllegalArgumentException(
          "unknown opt-in changelog " + name + "; there are " + String.join(", ", optInNames()));
    }
    return ChangelogFiles.optIn(name);
  }

  /** Returns the names of the parameters that every deploy takes. */
  public static List<String> parameterNames() {
    return ChangelogFiles.parameterNames(List.of(ChangelogFiles.ROOT));
  }

  /**
   * Returns the names of the parameters that an opt-in changelog takes.
   *
   * @param optIn one of {@link #optInNames()}; not null
   * @throws IllegalArgumentException if there is no such changelog
   */
  public static List<String> parameterNames(String optIn) {
    return ChangelogFiles.parameterNames(List.of(optIn(optIn)));
  }

  /**
   * The same migration with a changelog parameter.
   *
   * @param name one of {@link #parameterNames()}, or of those of an opt-in changelog that was named
   *     before; or schema, for {@link #withSchema}; not null
   * @param value its value; not null
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if none of the changelogs has a parameter of that name, which
   *     Liquibase would ignore without a word
   */
  public WipViewsMigration withParameter(String name, String value) {
    if (name.equals("schema")) {
      return withSchema(value);
    }
    List<String> known = ChangelogFiles.parameterNames(files);
    if (!known.contains(name)) {
      throw new IllegalArgumentException(
          "unknown parameter " + name + "; there are " + String.join(", ", known));
    }
    Map<String, String> more = new LinkedHashMap<>(parameters);
    more.put(name, Objects.requireNonNull(value, "value of " + name));
    return new WipViewsMigration(dataSource, schema, files, Map.copyOf(more), progress);
  }

  /**
   * The same migration, telling what it does: a line for each changeset that runs, and indented
   * ones for what it says of itself, such as the rows built and the objects kept.
   *
   * @param progress called in the thread of the call; not null
   * @return another migration, this one unchanged
   */
  public WipViewsMigration withProgress(Consumer<String> progress) {
    return new WipViewsMigration(
        dataSource, schema, files, parameters, Objects.requireNonNull(progress, "progress"));
  }

  /**
   * Makes a minimal MES with its eight stations, for a demo or a test, where there is none.
   *
   * @throws WipViewsException if there are MES tables already; they are not touched
   * @throws DatabaseUnavailableException if the database cannot be reached
   */
  public void installMinimalMes() {
    run(Changelog::installMinimalMes);
  }

  /**
   * Deploys what was not deployed yet. Does nothing the second time.
   *
   * @throws WipViewsException if something is missing or fails; what went before stays
   * @throws DatabaseUnavailableException if the database cannot be reached
   */
  public void update() {
    run(changelog -> changelog.update(files));
  }

  /**
   * Writes the script that {@link #update} would run, for psql, and changes nothing: any role will
   * do that may read {@code databasechangelog}, also on a standby.
   *
   * @param out where it goes; flushed, left open
   * @throws WipViewsException if it cannot be written
   * @throws DatabaseUnavailableException if the database cannot be reached
   */
  public void updateSql(Writer out) {
    run(target -> {}, changelog -> changelog.updateSql(files, out));
  }

  /**
   * Recreates views, like {@link com.f2x.neurohub.wipviews.WipViews#recreate}. Opt-in changelogs
   * are left as they are.
   *
   * @param views names of the views; none for all
   * @return the names of the views that were recreated
   * @throws UnknownViewException if no view of this jar, and none that is registered, has one of
   *     the names; none was touched
   * @throws WipViewsException if a view could not be made; the live ones are as they were
   * @throws DatabaseUnavailableException if the database cannot be reached
   */
  public List<String> recreate(Collection<String> views) {
    List<String> recreated = new ArrayList<>();
    run(
        changelog -> {
          UnknownViewException.unlessAmong(changelog.recreatable(), views);
          recreated.addAll(changelog.recreate(views));
        });
    return List.copyOf(recreated);
  }

  /**
   * Takes away every object that {@link #update} made, those of opt-in changelogs included, named
   * or not; the MES tables are not touched.
   *
   * @throws WipViewsException if something else depends on one of them, which is named; nothing was
   *     taken away
   * @throws DatabaseUnavailableException if the database cannot be reached
   */
  public void rollback() {
    run(changelog -> changelog.rollback(files));
  }

  private void run(Step step) {
    run(WipViewsMigration::refuseReadOnly, step);
  }

  private void run(Check first, Step step) {
    try (Connection connection = dataSource.getConnection()) {
      Target target = Target.of(connection, schema);
      first.on(target);
      step.run(new Changelog(target, parameters, progress));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WipViewsException(
          "cancelled, because the calling thread was interrupted",
          null,
          "57014",
          "Run it again: what was under way was undone, and each view kept the rows it had.",
          e);
    } catch (Exception e) {
      throw described(e);
    }
  }

  /** A right that is missing here is one to change something, which no parameter gives. */
  private static WipViewsException described(Exception failure) {
    SqlError error = SqlError.in(failure);
    return error != null && "42501".equals(error.sqlState()) && error.hint() == null
        ? new WipViewsException(
            error.message(),
            null,
            error.sqlState(),
            "Deploy as the role that owns it, or grant that role to this one.",
            failure)
        : WipViewsException.of(null, failure);
  }

  private static void refuseReadOnly(Target target) throws SQLException {
    Record server =
        target.ask(
            db ->
                db.fetchSingle(
                    "SELECT pg_is_in_recovery(),"
                        + " current_setting('transaction_read_only')::boolean"));
    boolean standby = server.get(0, Boolean.class);
    if (standby || server.get(1, Boolean.class)) {
      throw new WipViewsException(
          standby
              ? "cannot deploy to a standby: it is read-only"
              : "cannot deploy: the database's transactions are read-only",
          null,
          "25006",
          "Connect to the primary, or lift default_transaction_read_only.",
          null);
    }
  }

  private interface Check {
    void on(Target target) throws SQLException;
  }

  private interface Step {
    void run(Changelog changelog) throws Exception;
  }
}
