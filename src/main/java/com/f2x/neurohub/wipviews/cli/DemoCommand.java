package com.f2x.neurohub.wipviews.cli;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.cli.output.FactoryTables;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Grid;
import com.f2x.neurohub.wipviews.cli.output.Output;
import com.f2x.neurohub.wipviews.demo.DemoServer;
import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.demo.Readers;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvProcessWipQueueRecord;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvWipStatusDashboardRecord;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wip-views demo}. */
@Command(
    name = "demo",
    description = {
      "Show all of it on a small factory, in half a minute. Needs no database: it starts a"
          + " PostgreSQL of its own and stops it again."
    })
final class DemoCommand implements Callable<Integer> {

  private static final int LOTS_SHOWN = 8;
  private static final int READERS = 4;

  /** As a shell says that Ctrl-C ended a process. */
  private static final int STOPPED = 130;

  private static final String SERVER = "/io/zonky/test/db/postgres/embedded/EmbeddedPostgres.class";

  /** Long enough to be seen moving, and for the stations to get something done. */
  private static final Duration PACE = Duration.ofMillis(500);

  /** Both views at once, every row of them: what a dashboard does, at its worst. */
  private static final String READ =
      """
      SELECT sum(d.in_progress_count), max(q.wip_count_at_process)
      FROM mv_wip_status_dashboard AS d, mv_process_wip_queue AS q
      """;

  private static final String LONGEST_AT_A_STATION =
      """
      SELECT DISTINCT ON (place.process_number)
        item.wip_id,
        CASE WHEN newest.completed_at IS NULL THEN 'running' ELSE newest.result END
          || ' at ' || worked.process_number AS newest,
        place.process_number || ' ' || station.process_name_en AS station,
        extract(epoch FROM clock_timestamp() - place.since)::integer AS seconds,
        place.has_failed
      FROM wip_item_station AS place
      JOIN wip_items AS item ON item.id = place.wip_item_id
      JOIN processes AS station ON station.id = place.process_id
      CROSS JOIN LATERAL (
        SELECT history.result, history.completed_at, history.process_id
        FROM wip_process_history AS history
        WHERE history.wip_item_id = item.id
        ORDER BY history.started_at DESC, history.id DESC
        LIMIT 1
      ) AS newest
      JOIN processes AS worked ON worked.id = newest.process_id
      ORDER BY place.process_number, place.since
      """;

  @Spec private CommandSpec spec;

  @Option(
      names = "--lots",
      paramLabel = "N",
      defaultValue = "300",
      description = "Lots in the factory, 100 items each; default ${DEFAULT-VALUE}.")
  private int lots;

  @Option(
      names = "--production",
      paramLabel = "TIME",
      defaultValue = "4s",
      converter = DurationConverter.class,
      description = "How long production goes on before the second refresh; default 4s.")
  private Duration production;

  private Output output;

  @Override
  public Integer call() throws Exception {
    if (lots < 5) {
      throw new ParameterException(spec.commandLine(), "--lots must be at least 5");
    }
    requireServer();
    output = new Output(spec.commandLine());
    long start = System.nanoTime();
    begin("Starting an embedded PostgreSQL");
    long stop;
    long errors;
    try (DemoServer server = DemoServer.start()) {
      DataSource dataSource = server.dataSource(WipViewsCommand.NAME + " demo");
      end(value(dataSource, "SHOW server_version") + ", port " + server.port(), start);
      output.line("  its files are in " + server.directory());
      try {
        errors = show(dataSource);
      } catch (Exception e) {
        if (!server.wasToldToStop(e)) {
          throw e;
        }
        output.printError("stopped by a signal.");
        return STOPPED;
      }
      output.line("");
      stop = System.nanoTime();
      begin("Stopping the server");
    }
    end("its files are gone", stop);
    output.line("The demo took " + Formats.duration(since(start)) + ".");
    output.line("");
    output.line("On a database of yours:");
    output.line("  wip-views update --url jdbc:postgresql://HOST:PORT/DATABASE --username NAME");
    return errors == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  /**
   * Its binaries are four times as large as all else, so the command line's jar is without them.
   */
  private void requireServer() {
    if (DemoCommand.class.getResource(SERVER) == null) {
      throw new WipViewsException(
          "the demo's PostgreSQL is in a jar of its own, wip-views-demo.jar, which is not beside"
              + " the command line's",
          null,
          null,
          "Copy it there, from where mvn package makes it: target/wip-views-demo.jar.",
          null);
    }
  }

  private long show(DataSource dataSource) throws Exception {
    WipViews views = WipViews.of(dataSource);
    WipViewsMigration migration = WipViewsMigration.of(dataSource);

    long start = System.nanoTime();
    begin("Making a minimal MES");
    migration.installMinimalMes();
    end(value(dataSource, "SELECT count(*) FROM processes") + " stations", start);

    try (Connection connection = dataSource.getConnection()) {
      Factory factory = load(dataSource, connection);

      start = System.nanoTime();
      begin("Deploying the views (wip-views update)");
      migration.update();
      end("", start);
      output.heading("wip-views refresh");
      new Attempts(output).add(views.refreshAll()).printTable();

      FactoryTables tables = new FactoryTables(output);
      List<MvWipStatusDashboardRecord> dashboard = views.rows(MV_WIP_STATUS_DASHBOARD);
      List<MvProcessWipQueueRecord> queue = views.rows(MV_PROCESS_WIP_QUEUE);
      output.heading("mv_wip_status_dashboard: where the work of each open lot stands");
      tables.dashboard(dashboard, LOTS_SHOWN);
      output.heading("mv_process_wip_queue: what waits at each station, and how fast it goes");
      tables.queue(queue);
      tables.bars(queue);
      output.paragraph(Formats.WHERE_AN_ITEM_IS + " SELECT * FROM wip_item_station:");
      output.print(itemsLongestAtAStation(dataSource));
      output.heading("wip-views freshness");
      output.print(
          FreshnessCommand.table(output, views.freshness(), FreshnessCommand.recent(views)));

      output.line("");
      produce(factory, connection);
      new Attempts(output).add(views.refreshAll()).printTable();
      output.line("");
      tables.difference(queue, views.rows(MV_PROCESS_WIP_QUEUE));
    }
    return recreate(dataSource, views);
  }

  /** The item at each station that has been there for longest. */
  private Grid itemsLongestAtAStation(DataSource dataSource) throws Exception {
    Grid grid =
        output
            .grid()
            .left("ITEM")
            .left("NEWEST IN ITS HISTORY")
            .left("SO IT IS AT")
            .right("FOR")
            .left("");
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(LONGEST_AT_A_STATION)) {
      while (row.next()) {
        grid.row(
            row.getString("wip_id"),
            row.getString("newest"),
            row.getString("station"),
            Formats.seconds(row.getInt("seconds")),
            row.getBoolean("has_failed") ? output.bad("failed") : output.plain(""));
      }
    }
    return grid;
  }

  private Factory load(DataSource dataSource, Connection connection) throws Exception {
    long start = System.nanoTime();
    output.line("Loading a factory of " + Formats.count(lots, "lot"));
    Factory factory =
        Factory.load(
            connection, new Factory.Size(lots, lots / 5), progress -> output.line("  " + progress));
    output.line(
        "  "
            + Formats.count(Long.valueOf(value(dataSource, "SELECT count(*) FROM wip_items")))
            + " items and "
            + Formats.count(
                Long.valueOf(value(dataSource, "SELECT count(*) FROM wip_process_history")))
            + " history rows, "
            + Formats.duration(since(start)));
    return factory;
  }

  private void produce(Factory factory, Connection connection) throws Exception {
    long start = System.nanoTime();
    begin("Production goes on");
    int moved = 0;
    for (long step = 1; since(start).compareTo(production) < 0; step++) {
      moved += factory.produce(connection);
      output.begin(".");
      TimeUnit.NANOSECONDS.sleep(
          Math.min(PACE.multipliedBy(step).toNanos(), production.toNanos())
              - since(start).toNanos());
    }
    output.begin(" ");
    end(Formats.count(moved) + " moves of items", start);
  }

  /** Returns the number of reads that failed. */
  private long recreate(DataSource dataSource, WipViews views) throws Exception {
    output.heading("wip-views recreate, while " + READERS + " readers read both views");
    long start = System.nanoTime();
    Readers readers = Readers.start(dataSource, READERS, READ);
    Readers.Result result;
    Duration took;
    try {
      views.recreate();
      took = since(start);
    } finally {
      result = readers.stop();
    }
    output.line(
        "Both views and all functions recreated in "
            + Formats.duration(took)
            + ": "
            + Formats.count(result.reads(), "read")
            + ", "
            + Formats.count(result.errors(), "error")
            + ",");
    output.line("the slowest read took " + Formats.duration(result.slowest()) + ".");
    if (result.errors() > 0) {
      output.printError("reads failed during the recreation: " + result.firstError());
    }
    return result.errors();
  }

  private void begin(String step) {
    output.begin(step + " ... ");
  }

  private void end(String result, long start) {
    output.line(result + (result.isEmpty() ? "" : ", ") + Formats.duration(since(start)));
  }

  private static String value(DataSource dataSource, String query) throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }

  private static Duration since(long nanoTime) {
    return Duration.ofNanos(System.nanoTime() - nanoTime);
  }
}
