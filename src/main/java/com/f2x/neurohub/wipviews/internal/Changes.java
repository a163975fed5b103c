package com.f2x.neurohub.wipviews.internal;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.ChangeSet.ExecType;
import liquibase.changelog.ChangeSet.RunStatus;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.RanChangeSet;
import liquibase.changelog.visitor.AbstractChangeExecListener;
import liquibase.database.Database;
import liquibase.exception.LiquibaseException;
import liquibase.exception.UnexpectedLiquibaseException;
import org.jooq.impl.DSL;

/**
 * Which changesets of a deploy did something new: those that are new, that changed, or that
 * recreated what was gone. Those that run on every deploy do not count.
 */
final class Changes extends AbstractChangeExecListener {

  /** Their text differs with the parameters; what they did is in the settings. */
  private static final Set<String> SETTINGS = Set.of("settings", "thresholds");

  private final Target target;
  private final Set<String> again;
  private final String settings;
  private final List<String> names = new ArrayList<>();
  private boolean news;

  /**
   * @param target where the settings are
   * @param again changesets that run as in a recovery, by Liquibase's names
   */
  Changes(Target target, Set<String> again) throws SQLException {
    this.target = target;
    this.again = again;
    this.settings = settings();
  }

  /** Returns how many have run so far. */
  int count() {
    return names.size();
  }

  /** Returns their ids, in the order in which they ran, when all have run. */
  List<String> names() throws SQLException {
    List<String> all = new ArrayList<>(names);
    if (!all.contains("settings") && !settings.equals(settings())) {
      all.add("settings");
    }
    return all;
  }

  /** What parameters have set; empty if nothing is deployed yet, or this role may not read it. */
  private String settings() throws SQLException {
    return target.ask(
        db -> {
          long readable =
              db.resultQuery(
                      """
                      SELECT count(*)
                      FROM pg_class AS c
                      JOIN pg_namespace AS n ON n.oid = c.relnamespace
                      WHERE n.nspname = {0}
                        AND c.relname IN ('wip_view_settings', 'wip_view_role')
                        AND has_table_privilege(c.oid, 'SELECT')
                      """,
                      DSL.val(target.schema()))
                  .fetchSingle(0, Long.class);
          return readable == 2
              ? db.resultQuery(
                      """
                      SELECT (to_jsonb(s) - 'supporting_views')::text FROM {0} AS s
                      UNION ALL
                      SELECT to_jsonb(r)::text FROM {1} AS r
                      ORDER BY 1
                      """,
                      DSL.name(target.schema(), "wip_view_settings"),
                      DSL.name(target.schema(), "wip_view_role"))
                  .fetch(0, String.class)
                  .toString()
              : "";
        });
  }

  @Override
  public void willRun(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, RunStatus status) {
    news =
        status == RunStatus.NOT_RAN
            || !changeSet.isAlwaysRun()
            || again.contains(changeSet.toString(false))
            || !SETTINGS.contains(changeSet.getId()) && hasChanged(changeSet, database);
  }

  @Override
  public void ran(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, ExecType execType) {
    if (news && execType != ExecType.MARK_RAN) {
      names.add(changeSet.getId());
    }
  }

  private static boolean hasChanged(ChangeSet changeSet, Database database) {
    try {
      RanChangeSet ran = database.getRanChangeSet(changeSet);
      return ran.getLastCheckSum() == null || !changeSet.isCheckSumValid(ran.getLastCheckSum());
    } catch (LiquibaseException e) {
      throw new UnexpectedLiquibaseException(e);
    }
  }
}
