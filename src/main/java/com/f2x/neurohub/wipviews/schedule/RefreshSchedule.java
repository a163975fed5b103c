package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.CallObserver;
import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jooq.Record;
import org.jooq.Table;
import org.jspecify.annotations.Nullable;

/**
 * Refreshes the views on a schedule, together with any number of other instances on the same
 * database: each run happens once.
 *
 * <pre>{@code
 * try (RefreshSchedule.Running running =
 *     RefreshSchedule.builder(dataSource).zone("Asia/Seoul").build().start()) {
 *   …
 * }
 * }</pre>
 *
 * <p>It needs db-scheduler on the class path, and in the database the table that {@code wip-views
 * update --with db-scheduler} deploys. Instances that share the schema should have the same
 * schedule; where they differ for a while, as in a rolling deploy, the instance that made a run
 * decides when the next one is due. A view that gets a schedule of its own has a row of its own,
 * which each old instance picks once, does not know, and leaves to the others: that run is late,
 * and that is logged.
 *
 * <p>A run that fails is on record and logged, and the next one follows. Runs that were missed,
 * because no instance was up or the database was unreachable, happen once. A run that takes longer
 * than its interval skips runs, and is reported. One whose connection was lost silently fails as
 * soon as the database can be asked about it. The run of an instance that was killed is begun again
 * by another one within an interval, if that is at least four seconds long.
 *
 * <p>Each run is one line in the log, at INFO, at WARN if it was slow or could not begin; a view
 * that fails is at WARN under the name of {@link WipViews}.
 *
 * <p>Immutable and thread-safe; made by a {@link Builder}.
 */
public final class RefreshSchedule {

  /** How often, unless {@link Builder#policy} or {@link Builder#cron} says otherwise. */
  public static final Policy DEFAULT_POLICY = Policy.PRODUCTION;

  /**
   * How long {@link Running#close} lets a refresh go on, unless {@link Builder#grace} is called.
   */
  public static final Duration DEFAULT_GRACE = Duration.ofSeconds(30);

  /** Name of the task for all views without a schedule of their own. */
  private static final String ALL = "refresh-wip-views";

  private final WatchedDataSource dataSource;
  private final @Nullable String schema;
  private final WipViews views;
  private final List<String> crons;
  private final Map<String, String> cronByView;
  private final @Nullable ZoneId zone;
  private final Duration grace;
  private final Consumer<ScheduledRun> listener;

  private RefreshSchedule(Builder builder) {
    this.dataSource = builder.dataSource;
    this.schema = builder.schema;
    this.views = builder.views;
    this.crons = builder.crons;
    this.cronByView = Collections.unmodifiableMap(new LinkedHashMap<>(builder.cronByView));
    this.zone = builder.zone;
    this.grace = builder.grace;
    this.listener = builder.listener;
  }

  /** How often, as the guide recommends. */
  public enum Policy {
    /** Every 2 minutes from 6 to 23 o'clock, every 15 minutes in the other hours. */
    PRODUCTION("0 */2 6-22 * * *", "0 */15 0-5,23 * * *"),
    /** Every 5 minutes. */
    DEVELOPMENT("0 */5 * * * *"),
    /** Never by itself: somebody asks for it. */
    ON_DEMAND;

    private final List<String> crons;

    Policy(String... crons) {
      this.crons = List.of(crons);
    }

    /** Returns its cron expressions, of six fields; a run is due whenever one of them fires. */
    public List<String> crons() {
      return crons;
    }
  }

  /**
   * Begins a schedule with {@link #DEFAULT_POLICY}, for all views in the schema that the
   * connections have on top of their search_path. The zone is still to be named.
   *
   * @param dataSource where connections come from and go back to, up to four at once, one more for
   *     each view with a schedule of its own, and what {@link Builder#parallelism} adds; not null
   * @return what the rest is named to
   * @throws IllegalStateException if db-scheduler is not on the class path
   */
  public static Builder builder(DataSource dataSource) {
    try {
      Class.forName(
          "com.github.kagkarlsson.scheduler.Scheduler",
          false,
          RefreshSchedule.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(
          "a schedule needs db-scheduler on the class path: com.github.kagkarlsson:db-scheduler",
          e);
    }
    return new Builder(new WatchedDataSource(Objects.requireNonNull(dataSource, "dataSource")));
  }

  /**
   * Starts it, on daemon threads of its own, once it has looked at what it needs. With {@link
   * Policy#ON_DEMAND} and no view with a schedule of its own there is nothing to do: no thread is
   * started, and no table is needed.
   *
   * @return the running schedule, to be closed
   * @throws IllegalStateException if no zone was named
   * @throws NotDeployedException if the views, or the table of the schedule, are not deployed
   * @throws UnknownViewException if a view with a schedule of its own is not registered
   * @throws DatabaseUnavailableException if the database cannot be reached
   * @throws WipViewsException if the role may not use the table, or the database is a standby
   */
  public Running start() {
    if (crons.isEmpty() && cronByView.isEmpty()) {
      return new Idle();
    }
    if (zone == null) {
      throw new IllegalStateException(
          "a schedule needs a time zone: zone(\"Asia/Seoul\"), or zone(\"UTC\")");
    }
    views.freshness();
    List<SchedulerInstance.Job> jobs = new ArrayList<>();
    if (!crons.isEmpty()) {
      jobs.add(
          new SchedulerInstance.Job(
              ALL,
              CronTimes.of(crons, zone),
              cronByView.isEmpty() ? views::refreshAll : () -> views.refreshAll(others())));
    }
    cronByView.forEach(
        (name, cron) -> {
          Table<?> view = WipViews.view(name);
          views.freshness(view);
          jobs.add(
              new SchedulerInstance.Job(
                  ALL + ":" + name,
                  CronTimes.of(List.of(cron), zone),
                  () -> List.of(views.refresh(view))));
        });
    return new SchedulerInstance(dataSource, schema, jobs, grace, listener).start();
  }

  /** The views without a schedule of their own. */
  private List<Table<Record>> others() {
    return views.freshness().stream()
        .map(Freshness::view)
        .filter(view -> !cronByView.containsKey(view))
        .map(WipViews::view)
        .toList();
  }

  /**
   * What a schedule is made of. Each method changes this builder and returns it; not thread-safe.
   */
  public static final class Builder {

    private final WatchedDataSource dataSource;
    private final Map<String, String> cronByView = new LinkedHashMap<>();
    private WipViews views;
    private @Nullable String schema;
    private List<String> crons = DEFAULT_POLICY.crons();
    private @Nullable ZoneId zone;
    private Duration grace = DEFAULT_GRACE;
    private Consumer<ScheduledRun> listener = run -> {};

    private Builder(WatchedDataSource dataSource) {
      this.dataSource = dataSource;
      this.views = WipViews.of(dataSource);
    }

    /**
     * Names the schema of the views and of the schedule.
     *
     * @param schema the schema that the changelog deployed to, unquoted; null for the one on top of
     *     the connection's search_path
     * @return this builder
     */
    public Builder schema(@Nullable String schema) {
      this.schema = schema;
      this.views = views.withSchema(schema);
      return this;
    }

    /**
     * Sets how often all views without a schedule of their own are refreshed.
     *
     * @param policy how often; not null
     * @return this builder
     */
    public Builder policy(Policy policy) {
      this.crons = policy.crons();
      return this;
    }

    /**
     * Sets the same by a cron expression in place of a policy.
     *
     * @param expression six fields: second, minute, hour, day of month, month, day of week; not
     *     null
     * @return this builder
     * @throws IllegalArgumentException if it is none, or never fires
     */
    public Builder cron(String expression) {
      this.crons = List.of(CronTimes.checked(expression));
      return this;
    }

    /**
     * Gives one view a schedule of its own, and only that.
     *
     * @param view a generated table, such as {@link
     *     com.f2x.neurohub.wipviews.jooq.Tables#MV_PROCESS_WIP_QUEUE}; not null
     * @param expression a cron expression as for {@link #cron(String)}; not null
     * @return this builder
     * @throws IllegalArgumentException if the expression is none, or never fires
     */
    public Builder cron(Table<?> view, String expression) {
      cronByView.put(view.getName(), CronTimes.checked(expression));
      return this;
    }

    /**
     * Names the time zone by whose clocks runs are due. There is no default: the hours of a policy
     * mean those of the factory, which are not those of a server.
     *
     * @param zone the zone; not null
     * @return this builder
     */
    public Builder zone(ZoneId zone) {
      this.zone = Objects.requireNonNull(zone, "zone");
      return this;
    }

    /**
     * The same by the name of the zone.
     *
     * @param zone a region such as {@code Asia/Seoul}, or {@code UTC}; not null
     * @return this builder
     * @throws IllegalArgumentException if there is no such zone
     */
    public Builder zone(String zone) {
      try {
        return zone(ZoneId.of(zone));
      } catch (DateTimeException e) {
        throw new IllegalArgumentException(
            "\"" + zone + "\" is not a time zone: name a region such as \"Asia/Seoul\", or \"UTC\"",
            e);
      }
    }

    /**
     * Has a run refresh several views at once, as {@link WipViews#withParallelism} does.
     *
     * @param views at least 1, which is the default
     * @return this builder
     * @throws IllegalArgumentException if the number is less than 1
     */
    public Builder parallelism(int views) {
      this.views = this.views.withParallelism(views);
      return this;
    }

    /**
     * Limits the waits of a refresh, as {@link WipViews#withLockTimeout} does.
     *
     * @param timeout at least a millisecond, at most 2147483647 of them; null for the connection's
     *     own setting
     * @return this builder
     * @throws IllegalArgumentException if the timeout is shorter, or longer
     */
    public Builder lockTimeout(@Nullable Duration timeout) {
      this.views = views.withLockTimeout(timeout);
      return this;
    }

    /** Has refreshes watched, as {@link WipViews#withObserver} does. */
    public Builder observer(CallObserver observer) {
      views = views.withObserver(observer);
      return this;
    }

    /**
     * Limits a refresh, as {@link WipViews#withStatementTimeout} does.
     *
     * @param timeout at least a millisecond, at most 2147483647 of them; null for the connection's
     *     own setting
     * @return this builder
     * @throws IllegalArgumentException if the timeout is shorter, or longer
     */
    public Builder statementTimeout(@Nullable Duration timeout) {
      this.views = views.withStatementTimeout(timeout);
      return this;
    }

    /**
     * Sets how long {@link Running#close} lets a refresh go on before it cancels it.
     *
     * @param grace zero or more; not null
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder grace(Duration grace) {
      if (grace.isNegative()) {
        throw new IllegalArgumentException("a grace is zero or more: " + grace);
      }
      this.grace = grace;
      return this;
    }

    /**
     * Listens to each run of this instance.
     *
     * @param listener called after the run, on one of the schedule's threads; not null. It must not
     *     close the schedule. What it throws is logged.
     * @return this builder
     */
    public Builder listener(Consumer<ScheduledRun> listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Makes the schedule, not started.
     *
     * @return a schedule that this builder does not change any more
     */
    public RefreshSchedule build() {
      return new RefreshSchedule(this);
    }
  }

  /** A schedule that runs. Thread-safe. */
  public interface Running extends AutoCloseable {

    /**
     * Returns when the next run of any instance is due, as the database has it; a moment that has
     * passed if it is due now or runs; empty if nothing is scheduled.
     *
     * @throws DatabaseUnavailableException if the database cannot be reached
     */
    Optional<Instant> nextRefresh();

    /**
     * Begins no further run and waits for the current one, for the grace of the schedule at most;
     * then cancels it on the server, which is on record. Other instances go on. Does nothing the
     * second time.
     */
    @Override
    void close();
  }

  /** Nothing to do. */
  private static final class Idle implements Running {

    @Override
    public Optional<Instant> nextRefresh() {
      return Optional.empty();
    }

    @Override
    public void close() {}
  }
}
