package com.f2x.neurohub.wipviews.bench;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The benchmarks' own PostgreSQL, set up as for production, and the factories on it, each loaded
 * when it is first asked for. It ends with this JVM.
 */
final class BenchServer {

  /** What a server of a few gigabytes is given; all else is as it comes. */
  private static final Map<String, String> SETTINGS =
      Map.of(
          "shared_buffers", "1GB",
          "effective_cache_size", "3GB",
          "work_mem", "16MB",
          "maintenance_work_mem", "256MB",
          "max_wal_size", "8GB",
          "checkpoint_timeout", "15min",
          "random_page_cost", "1.1",
          "max_connections", "100");

  private static BenchServer instance;

  private final EmbeddedPostgres server;
  private final Map<Factory.Size, CompletableFuture<PGSimpleDataSource>> factories =
      new ConcurrentHashMap<>();

  private BenchServer(EmbeddedPostgres server) {
    this.server = server;
  }

  /** Units at the stations for each lot in progress: 8,000 in all with 1,000 open lots. */
  private static final int UNITS_IN_LINE = 20;

  /**
   * Lots of the large factory. With {@code -Dbench.lots=50000}, the MES's own plan: 5 million items
   * and 30 million executions.
   */
  static int lots() {
    return Integer.getInteger("bench.lots", 10_000);
  }

  /** Open lots of the large factory and of {@link #smaller()}: a tenth, unless it is said. */
  static int openLots() {
    return Integer.getInteger("bench.open.lots", Math.max(1, lots() / 10));
  }

  /** So many lots, with all the open ones. */
  static Factory.Size size(int lots) {
    return new Factory.Size(lots, openLots(), UNITS_IN_LINE);
  }

  static synchronized BenchServer get() {
    if (instance == null) {
      EmbeddedPostgres.Builder builder =
          EmbeddedPostgres.builder()
              .setLocaleConfig("locale", "C")
              .setLocaleConfig("encoding", "UTF8");
      SETTINGS.forEach(builder::setServerConfig);
      try {
        instance = new BenchServer(builder.start());
      } catch (IOException e) {
        throw new UncheckedIOException("no PostgreSQL for the benchmarks", e);
      }
    }
    return instance;
  }

  /** The large factory: the MES after some years. */
  PGSimpleDataSource large() {
    // both at once, so that the two are of the same hour
    CompletableFuture<PGSimpleDataSource> smaller = loading(tenthOfTheClosed());
    CompletableFuture<PGSimpleDataSource> large = loading(size(lots()));
    smaller.join();
    return large.join();
  }

  /** The same open lots, with a tenth of the closed ones. */
  PGSimpleDataSource smaller() {
    return factory(tenthOfTheClosed());
  }

  /** Lots of {@link #smaller()}. */
  int lotsOfSmaller() {
    return openLots() + (lots() - openLots()) / 10;
  }

  private Factory.Size tenthOfTheClosed() {
    return size(lotsOfSmaller());
  }

  /** An MES with a factory, the views on it, all of it vacuumed and analyzed. */
  PGSimpleDataSource factory(Factory.Size size) {
    return loading(size).join();
  }

  private CompletableFuture<PGSimpleDataSource> loading(Factory.Size size) {
    return factories.computeIfAbsent(
        size,
        absent ->
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return load(absent);
                  } catch (SQLException e) {
                    throw new CompletionException(e);
                  }
                },
                // a thread each, whatever the machine's common pool has
                task -> new Thread(task, "load-" + absent.lots()).start()));
  }

  private PGSimpleDataSource load(Factory.Size size) throws SQLException {
    PGSimpleDataSource dataSource =
        create("mes_" + size.lots() + "_" + size.openLots(), "template0");
    WipViewsMigration.of(dataSource).installMinimalMes();
    long start = System.nanoTime();
    try (Connection connection = dataSource.getConnection()) {
      Factory.load(connection, size, line -> {});
    }
    Duration loading = Duration.ofNanos(System.nanoTime() - start);
    WipViewsMigration.of(dataSource).update();
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      WipViews.of(dataSource).refreshAll();
      statement.execute("VACUUM ANALYZE");
      statement.execute("CHECKPOINT");
    }
    System.out.printf(
        Locale.ROOT,
        "loaded %,d lots, %,d of them open, in %.1f s%n",
        size.lots(),
        size.openLots(),
        loading.toMillis() / 1000.0);
    return dataSource;
  }

  /** A copy of a factory, for what changes it. Nobody may be connected to that meanwhile. */
  PGSimpleDataSource copy(PGSimpleDataSource factory, String name) throws SQLException {
    return create(name, factory.getDatabaseName());
  }

  /** An empty MES with the views on it. */
  PGSimpleDataSource mes(String name) throws SQLException {
    PGSimpleDataSource dataSource = create(name, "template0");
    WipViewsMigration.of(dataSource).installMinimalMes();
    WipViewsMigration.of(dataSource).update();
    return dataSource;
  }

  /** A database with the engine alone, and no view. */
  PGSimpleDataSource engine(String name) throws SQLException {
    PGSimpleDataSource dataSource = create(name, "template0");
    WipViewsMigration.of(dataSource).only("engine").update();
    return dataSource;
  }

  /** Drops such a copy, which may be as large as the factory. */
  void drop(PGSimpleDataSource copy) throws SQLException {
    onServer("DROP DATABASE " + copy.getDatabaseName() + " WITH (FORCE)");
  }

  private PGSimpleDataSource create(String name, String template) throws SQLException {
    onServer("CREATE DATABASE " + name + " TEMPLATE " + template);
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl("jdbc:postgresql://localhost:" + server.getPort() + "/" + name);
    dataSource.setUser("postgres");
    return dataSource;
  }

  /** Its version, and the settings that are not the server's own. */
  String description() {
    try (Connection connection = server.getPostgresDatabase().getConnection()) {
      return "PostgreSQL "
          + new Sql(connection).value("SHOW server_version")
          + SETTINGS.entrySet().stream()
              .sorted(Map.Entry.comparingByKey())
              .map(setting -> "; " + setting.getKey() + " " + setting.getValue())
              .collect(Collectors.joining());
    } catch (SQLException e) {
      throw new IllegalStateException("the server of the benchmarks does not answer", e);
    }
  }

  private void onServer(String sql) throws SQLException {
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
