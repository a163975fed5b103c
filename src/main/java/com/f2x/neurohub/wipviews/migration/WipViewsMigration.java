package com.f2x.neurohub.wipviews.migration;

import com.f2x.neurohub.wipviews.CallObserver;
import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.Changelog;
import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.DeployListener;
import com.f2x.neurohub.wipviews.internal.RegisteredViews;
import com.f2x.neurohub.wipviews.internal.ServiceChangelog;
import com.f2x.neurohub.wipviews.internal.Sources;
import com.f2x.neurohub.wipviews.internal.Target;
import java.io.Writer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Deploys the changelog of this jar, as {@code liquibase update} does, under a lock that lets any
 * number of services deploy at once.
 *
 * <pre>{@code
 * WipViewsMigration.of(dataSource).withParameter("readerRole", "mes_readonly").update();
 * }</pre>
 *
 * <p>Immutable and thread-safe; a {@code with…} method returns another one. Deploy over a direct
 * connection, not through a pooler in transaction mode. What asks the database throws {@link
 * DatabaseUnavailableException} if that cannot be reached.
 */
public final class WipViewsMigration {

  private final DataSource dataSource;
  private final @Nullable String schema;
  private final Sources sources;
  private final DeployListener listener;

  private WipViewsMigration(
      DataSource dataSource, @Nullable String schema, Sources sources, DeployListener listener) {
    this.dataSource = dataSource;
    this.schema = schema;
    this.sources = sources;
    this.listener = listener;
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
        Sources.of(ChangelogFiles.ROOT),
        DeployListener.NONE);
  }

  /**
   * The same migration of another schema, the one of the MES tables.
   *
   * @param schema its name, unquoted; null for the one on top of the connection's search_path
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if the name has a quote, a backslash or a dollar sign in it
   */
  public WipViewsMigration withSchema(@Nullable String schema) {
    Changelog.refuseUnquotable(schema);
    return new WipViewsMigration(dataSource, schema, sources, listener);
  }

  /**
   * The same migration with the changelog of a service, which has entries of views of its own: of
   * the three steps {@code wip_view_stage}, the view's file, {@code wip_view_promote}, as {@code
   * views.changelog.yaml} has them. {@link #update} runs it after the library's own, {@link
   * #recreate} recreates its views, and {@link #rollback} removes them.
   *
   * <p>Where it includes {@code engine.changelog.yaml} or the root from the jar, it decides which
   * of the two is deployed. Otherwise that is what the schema has; in a new one the root, or the
   * engine, if {@link #only} has named it.
   *
   * @param changelog a resource of the class path; else a file; not null
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if there is neither
   */
  public WipViewsMigration withChangelog(String changelog) {
    return with(sources.withService(ServiceChangelog.of(changelog)));
  }

  private WipViewsMigration with(Sources others) {
    return new WipViewsMigration(dataSource, schema, others, listener);
  }

  /** Returns the names of the opt-in changelogs, which run only when they are named. */
  public static List<String> optInNames() {
    return ChangelogFiles.OPT_IN;
  }

  /**
   * The same migration with an opt-in changelog, which {@link #update} runs after all others. Once
   * deployed it stays, whether later updates name it or not; {@link #rollback} removes it too.
   *
   * @param name one of {@link #optInNames()}; not null
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if there is no such changelog
   */
  public WipViewsMigration with(String name) {
    List<String> more = new ArrayList<>(sources.files());
    more.remove(ChangelogFiles.optIn(name));
    more.add(ChangelogFiles.optIn(name));
    return with(sources.withFiles(List.copyOf(more)));
  }

  /**
   * The same migration of one changelog alone: {@code engine}, for views of one's own on a database
   * without an MES; or an opt-in changelog, for what is in another database than the views, and to
   * remove it without them.
   *
   * @param name {@code engine}, or one of {@link #optInNames()}; not null
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if there is no such changelog
   */
  public WipViewsMigration only(String name) {
    return with(sources.withFiles(List.of(ChangelogFiles.alone(name))));
  }

  /** Returns the names of the parameters that every deploy takes. */
  public static List<String> parameterNames() {
    return ChangelogFiles.parameterNames(List.of(ChangelogFiles.ROOT));
  }

  /**
   * Returns the names of the parameters that a changelog takes.
   *
   * @param name one that {@link #only} takes; not null
   * @throws IllegalArgumentException if there is no such changelog
   */
  public static List<String> parameterNames(String name) {
    return ChangelogFiles.parameterNames(List.of(ChangelogFiles.alone(name)));
  }

  /**
   * The same migration with a changelog parameter.
   *
   * @param name one of {@link #parameterNames()}, or of those of an opt-in changelog that was named
   *     before; or schema, for {@link #withSchema}; not null
   * @param value its value; not null
   * @return another migration, this one unchanged
   * @throws IllegalArgumentException if none of the changelogs has a parameter of that name, which
   *     Liquibase would ignore silently
   */
  public WipViewsMigration withParameter(String name, String value) {
    if (name.equals("schema")) {
      return withSchema(value);
    }
    List<String> known = ChangelogFiles.parameterNames(sources.files());
    // a service has parameters of its own
    if (!known.contains(name) && sources.service() == null) {
      throw new IllegalArgumentException(
          "unknown parameter " + name + "; there are " + String.join(", ", known));
    }
    return with(sources.withParameter(name, Objects.requireNonNull(value, "value of " + name)));
  }

  /**
   * The same migration, reporting what it does: a line for each changeset that runs, and indented
   * lines for its notices, such as the rows built and the objects kept.
   *
   * @param progress called in the thread of the call; not null
   * @return another migration, this one unchanged
   */
  public WipViewsMigration withProgress(Consumer<String> progress) {
    return with(listener.withProgress(Objects.requireNonNull(progress, "progress")));
  }

  /**
   * The same migration, whose promotions an observer watches, such as a tracer.
   *
   * @param observer called in the thread of the call; not null
   * @return another migration, this one unchanged
   */
  public WipViewsMigration withObserver(CallObserver observer) {
    Objects.requireNonNull(observer, "observer");
    return with(
        listener.withPromotions(
            view -> observer.begin(CallObserver.Operation.PROMOTE, view)::ended));
  }

  private WipViewsMigration with(DeployListener told) {
    return new WipViewsMigration(dataSource, schema, sources, told);
  }

  /**
   * Creates a minimal MES with its eight stations, for a demo or a test, where there is none.
   *
   * @throws WipViewsException if there are MES tables already; they are not touched
   */
  public void installMinimalMes() {
    run(Changelog::installMinimalMes);
  }

  /**
   * Deploys what is not deployed yet. Does nothing the second time.
   *
   * @return the ids of the changesets that did something new: those that are new, that changed, or
   *     that recreated what was gone; not those that run on every update
   * @throws WipViewsException if something is missing or fails; what went before stays
   */
  public List<String> update() {
    List<String> changes = new ArrayList<>();
    run(changelog -> changes.addAll(changelog.update()));
    return List.copyOf(changes);
  }

  /**
   * Says what {@link #update} would do, from a real build that is rolled back: nothing is changed,
   * readers and refreshes go on, and a deploy that is started meanwhile waits. It needs the rights
   * of a deploy.
   *
   * @return what would happen, also where it would be refused
   * @throws WipViewsException if it was cancelled, or the database is read-only
   */
  public Plan plan() {
    List<Plan> plan = new ArrayList<>();
    run(changelog -> changelog.plan(dryRun -> plan.add(PlanReader.read(dryRun))));
    return plan.get(0);
  }

  /**
   * Writes the script that {@link #update} would run, for psql, and changes nothing. Any role that
   * may read {@code databasechangelog} can do it, also on a standby.
   *
   * @param out where it goes; flushed, left open
   * @throws WipViewsException if it cannot be written
   */
  public void updateSql(Writer out) {
    run(target -> {}, changelog -> changelog.updateSql(out));
  }

  /**
   * Recreates views, like {@link com.f2x.neurohub.wipviews.WipViews#recreate}. Opt-in changelogs
   * are left as they are. A frozen view is thawed.
   *
   * @param views names of the views; none for all
   * @return the names of the views that were recreated
   * @throws UnknownViewException if no view of this jar, and none that is registered, has one of
   *     the names; none was touched
   * @throws WipViewsException if a view could not be made; the live ones are as they were
   */
  public List<String> recreate(Collection<String> views) {
    List<String> recreated = new ArrayList<>();
    run(
        changelog ->
            recreated.addAll(
                changelog.recreate(
                    views, known -> UnknownViewException.unlessAmong(known, views))));
    return List.copyOf(recreated);
  }

  /**
   * Undoes promotions: brings back the definitions that the last ones replaced, as the registry
   * keeps them, beside the live views, which serve their readers meanwhile. Again, and it goes one
   * further back. {@link #update} leaves a view so until its file changes; {@link #recreate} brings
   * back what was deployed.
   *
   * @param views names of the views; not empty
   * @throws UnknownViewException if one of the names is not registered; none was touched
   * @throws WipViewsException if no earlier definition is on record, or it no longer suits the
   *     tables; the live view is as it was
   */
  public void recreatePrevious(Collection<String> views) {
    onRegistered(views, RegisteredViews::recreatePrevious);
  }

  /**
   * Freezes views, so that the tables underneath can be migrated: each keeps its rows, indexes,
   * grants and dependants, and reads nothing of the tables any more. A refresh of it does nothing
   * until {@link #thaw}. Its readers wait for milliseconds. The ordinary views that only they read
   * are frozen with them. A view that is frozen already stays as it is.
   *
   * <p>{@link #columnUsers} tells beforehand what else PostgreSQL will refuse a migration for.
   *
   * @param views names of the views; none for all
   * @return the names of what was frozen, each in a transaction of its own
   * @throws UnknownViewException if no view that is registered has one of the names; none was
   *     touched
   * @throws WipViewsException if one could not be frozen; it is as it was, and those before it are
   *     frozen
   */
  public List<String> freeze(Collection<String> views) {
    return onRegistered(views, RegisteredViews::freeze);
  }

  /**
   * Ends {@link #freeze}: puts the definition that was deployed last, with new rows, in the place
   * of the frozen one. {@link #recreate} does so as well.
   *
   * @param views names of the views; none for all
   * @return the names of what was thawed, each in a transaction of its own
   * @throws UnknownViewException if no view that is registered has one of the names; none was
   *     touched
   * @throws WipViewsException if the tables no longer suit a view: it names the columns, and the
   *     frozen view still serves its readers
   */
  public List<String> thaw(Collection<String> views) {
    return onRegistered(views, RegisteredViews::thaw);
  }

  /**
   * Tells what else uses columns of the tables that views read. Changes nothing.
   *
   * @param views names of the views; none for all
   * @throws WipViewsException if wip-views is not deployed
   */
  public List<ColumnUser> columnUsers(Collection<String> views) {
    try (Connection connection = dataSource.getConnection()) {
      return new RegisteredViews(Target.of(connection, schema), listener)
          .columnUsers(views, ColumnUser::of);
    } catch (Exception e) {
      throw DeployFailure.of(e);
    }
  }

  /**
   * Removes every object that {@link #update} created, including those of opt-in changelogs, named
   * or not; the MES tables are not touched. With a {@linkplain #withChangelog service's changelog}
   * it removes the service's views, and this library only if that changelog includes it, or {@code
   * only("engine")} was called, and no other changelog has views; everything else of the service's
   * changelog stays.
   *
   * @throws WipViewsException if something else depends on one of them, which is named; nothing was
   *     removed
   */
  public void rollback() {
    run(Changelog::rollback);
  }

  private List<String> onRegistered(Collection<String> views, Changelog.RegisteredWork work) {
    List<String> done = new ArrayList<>();
    run(
        changelog ->
            done.addAll(
                changelog.onRegistered(
                    views, known -> UnknownViewException.unlessAmong(known, views), work)));
    return List.copyOf(done);
  }

  private void run(Step step) {
    run(Target::refuseReadOnly, step);
  }

  private void run(Check first, Step step) {
    try (Connection connection = dataSource.getConnection()) {
      Target target = Target.of(connection, schema);
      first.on(target);
      step.run(new Changelog(target, sources, listener));
    } catch (Exception e) {
      throw DeployFailure.of(e);
    }
  }

  private interface Check {
    void on(Target target) throws SQLException;
  }

  private interface Step {
    void run(Changelog changelog) throws Exception;
  }
}
