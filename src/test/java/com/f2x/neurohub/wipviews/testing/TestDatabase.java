package com.f2x.neurohub.wipviews.testing;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database of a test class's own, cloned from a template that is made once per JVM.
 *
 * <pre>{@code
 * @RegisterExtension static final TestDatabase database = TestDatabase.deployed();
 * }</pre>
 *
 * <p>The session's time zone is that of the JVM, which the build sets to one that is not UTC.
 */
public final class TestDatabase implements BeforeAllCallback, AfterAllCallback {

  /** What is in a database; made once per JVM on top of another one. */
  enum Template {
    /** Nothing in it. */
    EMPTY(null),
    /** The engine, and a table of orders. */
    ENGINE(EMPTY),
    /** The same with rows, and two views on them. */
    SERVICE(ENGINE),
    /** The minimal MES, without rows but the eight stations. */
    MES(EMPTY),
    /** The minimal MES and the views. */
    DEPLOYED(MES);

    private final Template base;

    Template(Template base) {
      this.base = base;
    }
  }

  private static final AtomicInteger NUMBER = new AtomicInteger();
  private static final Set<Template> MADE = EnumSet.noneOf(Template.class);

  private final Template template;
  private final TestDatabase original;
  private final String name =
      "test_" + ProcessHandle.current().pid() + "_" + NUMBER.incrementAndGet();
  private Connection idle;

  private TestDatabase(Template template, TestDatabase original) {
    this.template = template;
    this.original = original;
  }

  /** A database as another one is when this is created; nobody may be connected to that one. */
  public static TestDatabase copyOf(TestDatabase original) {
    return new TestDatabase(null, original);
  }

  /** A database with nothing in it. */
  public static TestDatabase empty() {
    return new TestDatabase(Template.EMPTY, null);
  }

  /**
   * A database without an MES, with the engine and a table {@code orders} of a service: id,
   * customer, amount.
   */
  public static TestDatabase engine() {
    return new TestDatabase(Template.ENGINE, null);
  }

  /**
   * The same with six orders of four customers, and with {@link OwnView#ORDERS} and {@link
   * OwnView#CUSTOMERS} on them, in this order.
   */
  public static TestDatabase service() {
    return new TestDatabase(Template.SERVICE, null);
  }

  /** A database with the minimal MES in the schema public: the eight stations, and no other row. */
  public static TestDatabase mes() {
    return new TestDatabase(Template.MES, null);
  }

  /** A database with the minimal MES and the views on it, as {@code update} deploys them. */
  public static TestDatabase deployed() {
    return new TestDatabase(Template.DEPLOYED, null);
  }

  @Override
  public void beforeAll(ExtensionContext context) throws SQLException {
    create();
  }

  @Override
  public void afterAll(ExtensionContext context) throws SQLException {
    drop();
  }

  /** Makes the database, for a test that wants a fresh one of its own. */
  public TestDatabase create() throws SQLException {
    if (original != null) {
      original.disconnect();
    }
    String source = original == null ? template(template) : original.name;
    // cloning waits for nobody: no two at once from one template
    synchronized (MADE) {
      onServer("CREATE DATABASE " + name + " TEMPLATE " + source);
    }
    return this;
  }

  /** Drops the database, whoever is connected to it. */
  public void drop() throws SQLException {
    disconnect();
    onServer("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
  }

  /** Ends the session that is kept for the next statement. */
  private synchronized void disconnect() throws SQLException {
    if (idle != null) {
      idle.close();
      idle = null;
    }
  }

  private static String template(Template template) throws SQLException {
    if (template == Template.EMPTY) {
      return "template0";
    }
    String name = "template_" + ProcessHandle.current().pid() + "_" + template.name().toLowerCase();
    synchronized (MADE) {
      if (MADE.add(template)) {
        String base = template(template.base);
        onServer("DROP DATABASE IF EXISTS " + name);
        onServer("CREATE DATABASE " + name + " TEMPLATE " + base);
        fill(template, dataSource(name));
      }
    }
    return name;
  }

  /** Makes in an empty database what a template has. */
  static void make(Template template, DataSource dataSource) throws SQLException {
    if (template != Template.EMPTY) {
      make(template.base, dataSource);
      fill(template, dataSource);
    }
  }

  private static void fill(Template template, DataSource dataSource) throws SQLException {
    switch (template) {
      case ENGINE -> {
        WipViewsMigration.of(dataSource).only("engine").update();
        onDatabase(
            dataSource,
            "CREATE TABLE orders (id integer PRIMARY KEY, customer text NOT NULL, amount integer"
                + " NOT NULL)");
      }
      case SERVICE -> {
        onDatabase(
            dataSource,
            "INSERT INTO orders VALUES (1, 'ann', 70), (2, 'ann', 50), (3, 'bob', 20), (4, 'cho',"
                + " 30), (5, 'cho', 120), (6, 'dae', 10)");
        try (Connection connection = dataSource.getConnection()) {
          OwnView.ORDERS.promoteOn(connection);
          OwnView.CUSTOMERS.promoteOn(connection);
        }
      }
      case MES -> {
        WipViewsMigration.of(dataSource).installMinimalMes();
        // no MES has the table of Liquibase before the first deploy
        onDatabase(dataSource, "DROP TABLE databasechangelog");
      }
      case DEPLOYED -> {
        WipViewsMigration.of(dataSource).update();
        // a view that was added to the project has tests of its own
        onDatabase(
            dataSource,
            "SELECT wip_view_remove(view_name) FROM wip_view"
                + " WHERE view_name NOT IN ('mv_wip_status_dashboard', 'mv_process_wip_queue')");
      }
      case EMPTY -> throw new AssertionError("has nothing in it");
    }
  }

  private static void onDatabase(DataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Runs a statement on what is not in a database: roles, tablespaces, databases themselves. */
  public static void onServer(String sql) throws SQLException {
    try (Connection connection = PostgresServer.get().connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  public String name() {
    return name;
  }

  public String url() {
    return PostgresServer.get().url(name);
  }

  public String user() {
    return PostgresServer.get().user();
  }

  public String password() {
    return PostgresServer.get().password();
  }

  /** Connections of the superuser. */
  public DataSource dataSource() {
    return dataSource(name);
  }

  private static DataSource dataSource(String database) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(PostgresServer.get().url(database));
    dataSource.setUser(PostgresServer.get().user());
    dataSource.setPassword(PostgresServer.get().password());
    return dataSource;
  }

  /** Connections of another role. */
  public DataSource dataSource(String role, String rolePassword) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(url());
    dataSource.setUser(role);
    dataSource.setPassword(rolePassword);
    return dataSource;
  }

  /** A connection of the superuser, in autocommit. */
  public Connection connect() throws SQLException {
    return dataSource().getConnection();
  }

  /** A connection of another role. */
  public Connection connect(String role, String rolePassword) throws SQLException {
    return DriverManager.getConnection(url(), role, rolePassword);
  }

  /** A session whose transaction has run a statement, and goes on until the session is closed. */
  public Connection inTransaction(String sql) throws SQLException {
    Connection connection = connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
    return connection;
  }

  /**
   * Runs statements, each in a transaction of its own, in a session of their own: what they did
   * counts in the statistics when that ends.
   */
  public void execute(String... statements) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  /** Reads one value. */
  public String value(String query) throws SQLException {
    List<List<String>> rows = rows(query);
    return rows.isEmpty() ? null : rows.get(0).get(0);
  }

  /**
   * Reads rows, as text, in a session of the superuser that is as if it were new: a server takes
   * longer to open one than to answer most of what a test asks.
   */
  public List<List<String>> rows(String query) throws SQLException {
    Connection connection;
    synchronized (this) {
      connection = idle;
      idle = null;
    }
    if (connection == null || !connection.isValid(0)) {
      connection = connect();
    }
    try (Statement statement = connection.createStatement()) {
      List<List<String>> rows;
      try (ResultSet result = statement.executeQuery(query)) {
        rows = rows(result);
      }
      statement.execute("DISCARD ALL");
      synchronized (this) {
        if (idle == null) {
          idle = connection;
          connection = null;
        }
      }
      return rows;
    } finally {
      if (connection != null) {
        connection.close();
      }
    }
  }

  private static List<List<String>> rows(ResultSet result) throws SQLException {
    List<List<String>> rows = new ArrayList<>();
    while (result.next()) {
      List<String> row = new ArrayList<>();
      for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
        row.add(result.getString(i));
      }
      rows.add(row);
    }
    return rows;
  }

  /**
   * Reads what there is: schemas, relations and routines, each as kind and name. Without the
   * system's own and Liquibase's table, which outlives whatever it keeps account of.
   */
  public List<String> objects() throws SQLException {
    return rows(
            """
            SELECT 'schema ' || quote_ident(n.nspname) AS object
            FROM pg_namespace AS n
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            UNION ALL
            SELECT 'relation ' || c.relkind::text || ' ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname)
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND c.relname !~ '^databasechangelog'
            UNION ALL
            SELECT 'routine ' || p.prokind::text || ' ' || quote_ident(n.nspname) || '.' || p.oid::regprocedure
            FROM pg_proc AS p
            JOIN pg_namespace AS n ON n.oid = p.pronamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 1
            """)
        .stream()
        .map(row -> row.get(0))
        .toList();
  }
}
