package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;

import com.f2x.neurohub.wipviews.internal.MissingObjects;
import com.f2x.neurohub.wipviews.internal.SqlError;
import com.f2x.neurohub.wipviews.internal.doctor.Site.ReadTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.conf.MappedSchema;
import org.jooq.conf.RenderMapping;
import org.jooq.conf.Settings;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;

/**
 * Looks at a deployed schema, and changes nothing: each look is in a read-only subtransaction that
 * is rolled back, gives up on a lock at once, and finds no name but the system's unqualified. It
 * works inside a caller's transaction too, and leaves that as it was.
 */
public final class Doctor {

  /** Those of the engine, in the order in which an operator would mend. */
  static final List<Check> CHECKS =
      List.of(
          new Incomplete(),
          new Registered(),
          new ViewState(),
          new PlainRefresh(),
          new Drift(),
          new NeverAnalyzed(),
          new Blocked(),
          new RunningRefresh(),
          new DeadRows(),
          new Bloat(),
          new FailuresInARow(),
          new SlowRefresh(),
          new MissingRights(),
          new CronJobs());

  /** Those of the WIP part, which look at the MES, after them. */
  static final List<Check> WIP_CHECKS =
      List.of(new MesIndexes(), new ForgottenItems(), new ItemsAtNoStation(), new FutureRows());

  /** A look that would have to wait longer for a lock is given up. */
  private static final int LOCK_TIMEOUT_MILLIS = 100;

  private final Connection connection;
  private final Site site;

  private Doctor(Connection connection, Site site) {
    this.connection = connection;
    this.site = site;
  }

  /**
   * Runs every check.
   *
   * @param connection a connection of a role that may read {@code wip_view}; given back as it was
   * @param registry the registry's name as the connection finds it
   * @return what was found, and which checks could not look
   */
  public static List<Fault> examine(Connection connection, String registry) throws SQLException {
    return with(connection, registry, Doctor::examine);
  }

  /**
   * Reads the sizes of the views and of the tables that they read.
   *
   * @param connection as for {@link #examine}
   * @param registry as for {@link #examine}
   * @return the sizes, the most rows first
   */
  public static List<Sizes.Size> sizes(Connection connection, String registry) throws SQLException {
    return with(connection, registry, Sizes::read);
  }

  private static <T> T with(Connection connection, String registry, Work<T> work)
      throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(false);
    try {
      return work.on(new Doctor(connection, site(connection, registry)));
    } finally {
      if (autoCommit && !connection.isClosed()) {
        connection.rollback();
        connection.setAutoCommit(true);
      }
    }
  }

  private interface Work<T> {
    T on(Doctor doctor) throws SQLException;
  }

  private static Site site(Connection connection, String registry) throws SQLException {
    // the only look with the search_path of the connection
    Record place =
        DSL.using(connection, SQLDialect.POSTGRES)
            .fetchSingle(
                """
                SELECT n.nspname, n.nspname = pg_catalog.current_schema()
                FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE c.oid = ?::pg_catalog.regclass
                """,
                registry);
    String schema = place.get(0, String.class);
    DSLContext db =
        DSL.using(
            connection,
            SQLDialect.POSTGRES,
            new Settings()
                .withExecuteLogging(false)
                .withRenderMapping(
                    new RenderMapping()
                        .withSchemata(new MappedSchema().withInput("").withOutput(schema))));
    boolean isDefault = Boolean.TRUE.equals(place.get(1, Boolean.class));
    Site site = new Site(db, schema, isDefault, false, List.of());
    boolean hasWipPart =
        new Doctor(connection, site).look(at -> MissingObjects.hasWipPart(at.db(), schema));
    List<ReadTable> tables =
        new Doctor(connection, site)
            .look(
                at ->
                    at.db()
                        .resultQuery(Site.READ_TABLES, WIP_VIEW, DSL.val(schema))
                        .fetch(
                            row ->
                                new ReadTable(
                                    row.get(0, String.class),
                                    row.get(1, String.class),
                                    row.get(2, String.class),
                                    row.get(3, Long.class))));
    return new Site(db, schema, isDefault, hasWipPart, tables);
  }

  private List<Fault> examine() throws SQLException {
    // the others would call functions that look in a schema which is not there
    List<Check> checks = new ArrayList<>();
    if (look(Incomplete::renamed)) {
      checks.add(new Incomplete());
    } else {
      checks.addAll(CHECKS);
      checks.addAll(site.hasWipPart() ? WIP_CHECKS : List.of());
    }
    List<Fault> faults = new ArrayList<>();
    for (Check check : checks) {
      for (Fault fault : examine(check)) {
        // what is missing keeps other checks from looking, and is one finding all the same
        if (faults.stream().noneMatch(earlier -> mends(earlier, fault))) {
          faults.add(fault);
        }
      }
    }
    return List.copyOf(faults);
  }

  private static boolean mends(Fault earlier, Fault later) {
    return earlier.looked()
        && later.looked()
        && earlier.subject() == null
        && later.subject() == null
        && earlier.remedy().equals(later.remedy());
  }

  private List<Fault> examine(Check check) throws SQLException {
    try {
      return look(check::look);
    } catch (DataAccessException e) {
      SqlError error = SqlError.in(e);
      return switch (error == null || error.sqlState() == null ? "" : error.sqlState()) {
        case "55P03" ->
            List.of(
                notLooked(
                    check,
                    "another session has locked what it reads",
                    "Whoever has locked it ends it; then look again.",
                    site.command("blockers")));
        case "42501" ->
            List.of(
                notLooked(
                    check,
                    error.message(),
                    "Look as the owner, or deploy with the parameter readerRole naming this"
                        + " role."));
        // a signature or a column that is not the one of this library
        case "42P01", "42883", "42703" ->
            List.of(
                Fault.of(
                    check,
                    null,
                    error.message(),
                    "What a deploy makes is not there as it should be, so this check could not"
                        + " look.",
                    site.command("recreate")));
        default -> throw e;
      };
    }
  }

  private static Fault notLooked(Check check, String reason, String what, String... remedy) {
    return new Fault(
        check.id(), false, null, "could not look: " + reason, what, List.of(remedy), false);
  }

  /** Rolls back whatever happens, so that settings end with the look, and an error with it too. */
  <T> T look(Function<Site, T> look) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      site.db()
          .execute(
              "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"
                  + " pg_catalog.set_config('lock_timeout', ?, true),"
                  + " pg_catalog.set_config('transaction_read_only', 'on', true)",
              LOCK_TIMEOUT_MILLIS + "ms");
      return look.apply(site);
    } finally {
      if (!connection.isClosed()) {
        connection.rollback(before);
        connection.releaseSavepoint(before);
      }
    }
  }
}
