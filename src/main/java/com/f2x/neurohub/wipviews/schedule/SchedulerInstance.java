package com.f2x.neurohub.wipviews.schedule;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.LogLine;
import com.f2x.neurohub.wipviews.internal.TimeLimitedDataSource;
import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.event.AbstractSchedulerListener;
import com.github.kagkarlsson.scheduler.jdbc.PostgreSqlJdbcCustomization;
import com.github.kagkarlsson.scheduler.serializer.Serializer;
import com.github.kagkarlsson.scheduler.task.helper.RecurringTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** One instance of a schedule that runs: db-scheduler, set up for it. */
final class SchedulerInstance implements RefreshSchedule.Running {

  /**
   * What a row of the table stands for.
   *
   * @param name of the row
   * @param times when its runs are due
   * @param call refreshes the views
   */
  record Job(String name, CronTimes times, Supplier<List<Refresh>> call) {}

  private static final Logger LOG = LoggerFactory.getLogger(RefreshSchedule.class);
  private static final Logger RUNS = LoggerFactory.getLogger(ScheduledRun.class);

  private static final String TABLE = "wip_view_schedule";

  private static final String CHECK =
      """
      SELECT
        pg_catalog.pg_is_in_recovery() AS standby,
        t.oid IS NOT NULL AS deployed,
        coalesce(
          pg_catalog.has_table_privilege(t.oid, 'SELECT')
            AND pg_catalog.has_table_privilege(t.oid, 'INSERT')
            AND pg_catalog.has_table_privilege(t.oid, 'UPDATE')
            AND pg_catalog.has_table_privilege(t.oid, 'DELETE'),
          false) AS usable,
        session_user::text AS role
      FROM (SELECT pg_catalog.to_regclass(?::text)::oid AS oid) AS t
      """;

  /** How long a refresh may take to end once it was cancelled. */
  private static final Duration CANCELLATION = Duration.ofSeconds(5);

  /** Nothing that a row holds becomes an object: others may write to the table. */
  private static final Serializer NO_DATA =
      new Serializer() {
        @Override
        public byte @Nullable [] serialize(@Nullable Object data) {
          return null;
        }

        @Override
        public <T> @Nullable T deserialize(Class<T> type, byte @Nullable [] data) {
          return null;
        }
      };

  private final TimeLimitedDataSource dataSource;
  private final WatchedDataSource refreshing;
  private final Duration silence;
  private final String table;
  private final Consumer<ScheduledRun> listener;
  private final WaitingDataSource patient;
  private final ExecutorService refreshes;
  private final List<RecurringTask<Void>> tasks;
  private final Scheduler scheduler;
  private boolean closed;

  /**
   * An instance, not started.
   *
   * @param refreshing what the jobs take their connections from
   * @param jobs at least one
   */
  SchedulerInstance(
      WatchedDataSource refreshing,
      @Nullable String schema,
      List<Job> jobs,
      Duration grace,
      Consumer<ScheduledRun> listener) {
    this.refreshing = refreshing;
    this.table =
        DSL.using(SQLDialect.POSTGRES)
            .render(schema == null ? DSL.name(TABLE) : DSL.name(schema, TABLE));
    this.listener = listener;
    Instant now = Instant.now();
    PollSettings polls =
        PollSettings.of(
            jobs.stream()
                .map(job -> job.times().shortestInterval(now))
                .min(Comparator.naturalOrder())
                .orElseThrow());
    this.silence = polls.silence();
    this.dataSource =
        new TimeLimitedDataSource(refreshing.delegate(), polls.connecting(), polls.answer());
    this.patient = new WaitingDataSource(dataSource, polls.polling());
    this.tasks = jobs.stream().map(this::task).toList();
    // Twice as many as needed: a refresh whose connection vanished without a word keeps its thread
    // until that is found out, and the instance that takes the run over needs another.
    int threads = 2 * tasks.size();
    this.refreshes = Executors.newFixedThreadPool(threads, daemons("wip-views-refresh"));
    this.scheduler =
        Scheduler.create(patient)
            .startTasks(tasks)
            .tableName(table)
            .jdbcCustomization(new PostgreSqlJdbcCustomization(false, false))
            .serializer(NO_DATA)
            // process@host
            .schedulerName(new SchedulerName.Fixed(ManagementFactory.getRuntimeMXBean().getName()))
            .threads(threads)
            .executorService(refreshes)
            .dueExecutor(Executors.newSingleThreadExecutor(daemons("wip-views-schedule")))
            .housekeeperExecutor(
                Executors.newScheduledThreadPool(2, daemons("wip-views-heartbeat")))
            .pollUsingLockAndFetch(0.5, 1)
            .pollingInterval(polls.polling())
            .heartbeatInterval(polls.heartbeat())
            .missedHeartbeatsLimit(PollSettings.MISSED_HEARTBEATS)
            .commitWhenAutocommitDisabled(true)
            .shutdownMaxWait(grace)
            .addSchedulerListener(new Watch())
            .build();
  }

  private static ThreadFactory daemons(String name) {
    AtomicInteger number = new AtomicInteger();
    return work -> {
      Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  private RecurringTask<Void> task(Job job) {
    return Tasks.recurring(job.name(), job.times())
        .execute((task, context) -> run(context.getExecution().executionTime, job));
  }

  /** Starts it, after checking what it needs. */
  SchedulerInstance start() {
    check();
    scheduler.start();
    return this;
  }

  private void check() {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement query = connection.prepareStatement(CHECK)) {
      query.setString(1, table);
      try (ResultSet row = query.executeQuery()) {
        row.next();
        if (row.getBoolean("standby")) {
          throw new WipViewsException(
              "cannot run a schedule on a standby: it is read-only",
              null,
              "25006",
              "Connect to the primary; a standby gets the rows by replication.",
              null);
        }
        if (!row.getBoolean("deployed")) {
          throw new NotDeployedException(
              "the table of the schedule, " + TABLE + ", is not deployed in this schema",
              "42P01",
              "Deploy it: wip-views update --with db-scheduler",
              null);
        }
        if (!row.getBoolean("usable")) {
          throw new WipViewsException(
              "role \"" + row.getString("role") + "\" may not read and write " + TABLE,
              null,
              "42501",
              "Deploy with this role as refresherRole: wip-views update --with db-scheduler --param"
                  + " refresherRole=NAME",
              null);
        }
      }
    } catch (SQLException e) {
      throw WipViewsException.of(null, e);
    }
  }

  private void run(Instant due, Job job) {
    Instant startedAt = Instant.now();
    List<Refresh> done = List.of();
    @Nullable WipViewsException failure = null;
    try {
      done = job.call().get();
    } catch (RefreshFailedException e) {
      done = e.refreshes();
      failure = e;
    } catch (WipViewsException e) {
      failure = e;
    }
    // An interrupt is meant for the refresh, which is cancelled; when the next run is due must
    // still be written.
    Thread.interrupted();
    Instant endedAt = Instant.now();
    Instant next = job.times().after(startedAt);
    Duration duration = Duration.between(startedAt, endedAt);
    Duration interval = Duration.between(next, job.times().after(next));
    report(
        new ScheduledRun(
            due,
            startedAt,
            duration,
            interval,
            endedAt.isAfter(next) && duration.compareTo(interval) > 0,
            done,
            Optional.ofNullable(failure)));
  }

  private void report(ScheduledRun run) {
    // a view that failed is at WARN in the log already
    boolean isNews =
        run.refreshes().stream().noneMatch(refresh -> refresh.outcome() == Refresh.Outcome.FAILED);
    boolean isWarning = run.slow() || run.failure().isPresent() && isNews;
    run.line().log(RUNS, isWarning ? Level.WARN : Level.INFO);
    try {
      listener.accept(run);
    } catch (RuntimeException e) {
      LOG.warn("the listener of a run failed", e);
    }
  }

  /**
   * Reports once what is wrong, in a sentence; inserts a row again that was deleted; looks for
   * connections that vanished.
   */
  private final class Watch extends AbstractSchedulerListener {

    private @Nullable String reported;

    @Override
    public void onSchedulerEvent(SchedulerEventType type) {
      if (type == SchedulerEventType.UNEXPECTED_ERROR) {
        explain();
      } else if (type == SchedulerEventType.RAN_DETECT_DEAD) {
        isWell();
        for (RecurringTask<Void> task : tasks) {
          scheduler.scheduleIfNotExists(task.schedulableInstance(RecurringTask.INSTANCE));
        }
        giveUpLostConnections();
      }
    }

    private void giveUpLostConnections() {
      try {
        refreshing.giveUpLost(patient, silence);
      } catch (SQLException e) {
        LOG.debug("lost connections are looked for again at the next heartbeat", e);
      }
    }

    private synchronized void isWell() {
      reported = null;
    }

    /** One thread at a time: several meet the same fault at once. */
    private synchronized void explain() {
      try {
        check();
      } catch (DatabaseUnavailableException e) {
        // the data source waits for it, and says so
      } catch (WipViewsException e) {
        if (!e.getMessage().equals(reported)) {
          reported = e.getMessage();
          LogLine.of("schedule")
              .with("state", "stalled")
              .withText("error", e.getMessage())
              .withText("remedy", e.remedy().orElse(""))
              .log(LOG, Level.WARN);
        }
      }
    }
  }

  @Override
  public Optional<Instant> nextRefresh() {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement query =
            connection.prepareStatement(
                "SELECT min(s.execution_time) FROM "
                    + table
                    + " AS s WHERE s.task_name = ANY (?::text[])")) {
      query.setArray(
          1,
          connection.createArrayOf("text", tasks.stream().map(RecurringTask::getName).toArray()));
      try (ResultSet row = query.executeQuery()) {
        row.next();
        return Optional.ofNullable(row.getTimestamp(1)).map(time -> time.toInstant());
      }
    } catch (SQLException e) {
      throw WipViewsException.of(null, e);
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    patient.close();
    scheduler.stop();
    try {
      refreshes.awaitTermination(CANCELLATION.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
