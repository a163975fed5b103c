package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;

import java.sql.Connection;
import java.sql.SQLException;
import org.jooq.DSLContext;
import org.jooq.RowCountQuery;
import org.jooq.exception.DataAccessException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clears what a concurrent refresh leaves behind. It waits for nobody, and leaves out the
 * truncation, for which readers would have to wait.
 *
 * <p>A concurrent refresh leaves every row that it rewrote behind. Autovacuum comes once a minute,
 * which is enough for one refresh a minute; this is for more. Other refreshes wait for its lock,
 * and it waits itself for a reader whose cursor stands on a page: so it has a limit of its own,
 * kept by the driver, since a VACUUM has no transaction to set one in. What it leaves behind is
 * autovacuum's, or the next one's.
 */
final class ViewVacuum {

  private static final Logger LOG = LoggerFactory.getLogger(WipViews.class);

  /** Below this, a vacuum costs more than the dead rows do. */
  private static final long DEAD_ROWS = 1_000;

  /** A vacuum of 10,000 rows takes a tenth of this. */
  private static final int SECONDS = 1;

  /** The statement that vacuums a view, if it is worth it and the role may; else nothing. */
  private static final String STATEMENT =
      """
      SELECT 'VACUUM (SKIP_LOCKED, ANALYZE, TRUNCATE false) '::text || pg_catalog.quote_ident(n.nspname::text) || '.'::text || pg_catalog.quote_ident(c.relname::text)
      FROM pg_catalog.pg_class AS ours
      JOIN pg_catalog.pg_namespace AS n ON n.oid = ours.relnamespace
      JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid
      WHERE ours.oid = pg_catalog.to_regclass(?::text)::oid
        AND c.relname = ?::text
        AND c.relkind = 'm'
        AND pg_catalog.pg_stat_get_dead_tuples(c.oid)
          >= greatest(?::bigint, 2::bigint * pg_catalog.pg_stat_get_live_tuples(c.oid))
        AND CASE
          WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE'::text) THEN true
          WHEN pg_catalog.current_setting('server_version_num')::integer >= 170000
            THEN pg_catalog.has_table_privilege(c.oid, 'MAINTAIN'::text)
          ELSE false
        END
      """;

  private ViewVacuum() {}

  /** Vacuums a view that was refreshed, if that is worth it and the role may. */
  static void run(Connection connection, DSLContext db, String refreshed) {
    try {
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(true);
      try {
        String statement =
            (String) db.fetchValue(STATEMENT, db.render(WIP_VIEW), refreshed, DEAD_ROWS);
        if (statement != null) {
          RowCountQuery vacuum = db.query(statement);
          vacuum.queryTimeout(SECONDS);
          Sessions.cancellable(refreshed, vacuum::cancel, vacuum::execute);
        }
      } finally {
        if (!connection.isClosed()) {
          connection.setAutoCommit(autoCommit);
        }
      }
    } catch (DataAccessException | SQLException | WipViewsException e) {
      // The refresh is done: a vacuum that is cancelled, or runs into a limit, fails nothing.
      LOG.debug("{} was not vacuumed", refreshed, e);
    }
  }
}
