package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FINDINGS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_SIZES;

import com.f2x.neurohub.wipviews.internal.SqlError;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewFindingsRecord;
import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewSizesRecord;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.conf.MappedSchema;
import org.jooq.conf.RenderMapping;
import org.jooq.conf.Settings;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;

/**
 * Looks at a deployed schema, and changes nothing. The checks are functions of the database, which
 * {@code wip_view_findings()} runs; what only the files at hand can tell is in {@link
 * DeployedFiles}.
 *
 * <p>Each look is in a read-only subtransaction that is rolled back, gives up on a lock at once,
 * and finds no name but the system's unqualified. It works inside a caller's transaction too, and
 * leaves that as it was.
 */
public final class Doctor {

  /** A look that would have to wait longer for a lock is given up. */
  private static final String LOCK_TIMEOUT = "100ms";

  private final Connection connection;
  private final DSLContext db;
  private final String schema;
  private final String defaultSchema;

  private Doctor(Connection connection, String registry) {
    // the only look with the search_path of the connection
    Record place =
        DSL.using(connection, SQLDialect.POSTGRES)
            .fetchSingle(
                """
                SELECT n.nspname, coalesce(pg_catalog.current_schema(), '')
                FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE c.oid = ?::pg_catalog.regclass
                """,
                registry);
    this.connection = connection;
    this.schema = place.get(0, String.class);
    this.defaultSchema = place.get(1, String.class);
    this.db =
        DSL.using(
            connection,
            SQLDialect.POSTGRES,
            new Settings()
                .withExecuteLogging(false)
                .withRenderMapping(
                    new RenderMapping()
                        .withSchemata(new MappedSchema().withInput("").withOutput(schema))));
  }

  /**
   * Runs every check.
   *
   * @param connection a connection of a role that may read {@code wip_view}; given back as it was
   * @param registry the registry's name as the connection finds it
   * @return what was found, and which checks could not look
   */
  public static List<WipViewFindingsRecord> examine(Connection connection, String registry)
      throws SQLException {
    return with(connection, registry, Doctor::examine);
  }

  /**
   * Reads the sizes of the views and of the tables that they read.
   *
   * @param connection as for {@link #examine}
   * @param registry as for {@link #examine}
   * @return the sizes, the most rows first
   */
  public static List<WipViewSizesRecord> sizes(Connection connection, String registry)
      throws SQLException {
    return with(
        connection,
        registry,
        doctor -> doctor.look(() -> doctor.db.selectFrom(WIP_VIEW_SIZES()).fetch()));
  }

  private static <T> T with(Connection connection, String registry, Work<T> work)
      throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(false);
    try {
      return work.on(new Doctor(connection, registry));
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

  private List<WipViewFindingsRecord> examine() throws SQLException {
    DeployedFiles files =
        new DeployedFiles(db, schema, schema.equals(defaultSchema) ? null : schema);
    if (look(files::isRenamed)) {
      // the functions look in a schema which is not there
      return List.of(files.renamed());
    }
    List<WipViewFindingsRecord> found = new ArrayList<>(look(files::findings));
    boolean isIncomplete = !found.isEmpty() && DeployedFiles.isIncomplete(found.get(0));
    for (WipViewFindingsRecord finding : ask()) {
      // what is missing keeps checks from looking, and is one finding all the same
      if (!isIncomplete || !DeployedFiles.isIncomplete(finding)) {
        found.add(finding);
      }
    }
    return List.copyOf(found);
  }

  private List<WipViewFindingsRecord> ask() throws SQLException {
    try {
      return look(() -> db.selectFrom(WIP_VIEW_FINDINGS(defaultSchema)).fetch());
    } catch (DataAccessException e) {
      SqlError error = SqlError.in(e);
      return switch (error == null || error.sqlState() == null ? "" : error.sqlState()) {
        case "42501" -> List.of(DeployedFiles.denied(error.message()));
        // not there, or the one of an earlier version
        case "42883", "42703" -> List.of();
        default -> throw e;
      };
    }
  }

  /** Rolls back whatever happens, so that settings end with the look, and an error with it too. */
  private <T> T look(Supplier<T> look) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      db.execute(
          "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"
              + " pg_catalog.set_config('lock_timeout', ?, true),"
              + " pg_catalog.set_config('transaction_read_only', 'on', true)",
          LOCK_TIMEOUT);
      return look.get();
    } finally {
      if (!connection.isClosed()) {
        connection.rollback(before);
        connection.releaseSavepoint(before);
      }
    }
  }
}
