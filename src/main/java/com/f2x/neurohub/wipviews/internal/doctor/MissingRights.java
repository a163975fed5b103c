package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_RIGHTS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_SETTINGS;

import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewRightsRecord;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jooq.impl.DSL;

/** A role that lost what a deploy gave it, or is gone. */
final class MissingRights implements Check {

  /** More objects than this are counted. */
  private static final int NAMED = 3;

  @Override
  public String id() {
    return "rights";
  }

  @Override
  public List<Fault> look(Site site) {
    List<Fault> faults = new ArrayList<>();
    for (boolean byDeploy : new boolean[] {true, false}) {
      Map<String, List<WipViewRightsRecord>> byRole = new LinkedHashMap<>();
      for (WipViewRightsRecord right :
          site.db()
              .selectFrom(WIP_VIEW_RIGHTS)
              .where(WIP_VIEW_RIGHTS.HELD.isFalse())
              .and(WIP_VIEW_RIGHTS.BY_DEPLOY.eq(byDeploy))) {
        byRole.computeIfAbsent(right.getRole(), role -> new ArrayList<>()).add(right);
      }
      byRole.forEach((role, missing) -> faults.add(missing(role, missing, byDeploy)));
    }
    faults.addAll(gone(site));
    return faults;
  }

  private Fault missing(String role, List<WipViewRightsRecord> missing, boolean byDeploy) {
    String named =
        missing.stream()
            .limit(NAMED)
            .map(right -> right.getPrivilege() + " on " + right.getObject())
            .collect(Collectors.joining(", "));
    int more = missing.size() - NAMED;
    Fault fault =
        Fault.of(
            this,
            role,
            "the role lacks " + named + (more > 0 ? " and " + more + " more" : ""),
            byDeploy
                ? "The deploy gave it these rights; what it does with them fails."
                : "Refreshes run with its rights, and fail.",
            missing.stream().map(right -> right.getStatement() + ";").toArray(String[]::new));
    return byDeploy ? fault.thatIsSafe() : fault;
  }

  private List<Fault> gone(Site site) {
    return site.db()
        .resultQuery(
            """
            SELECT
              gone.roles,
              format('UPDATE %I.wip_view_settings SET refresher_role = %L, reader_role = %L;', {1}, there.refreshers, there.readers)
            FROM {0} AS s
            CROSS JOIN LATERAL (
              SELECT string_agg(DISTINCT trim(n.role), ', ') AS roles
              FROM regexp_split_to_table(s.refresher_role || ',' || s.reader_role, ',') AS n (role)
              WHERE trim(n.role) <> '' AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = trim(n.role))
            ) AS gone
            CROSS JOIN LATERAL (
              SELECT
                coalesce((
                  SELECT string_agg(trim(n.role), ',')
                  FROM regexp_split_to_table(s.refresher_role, ',') AS n (role)
                  JOIN pg_roles AS r ON r.rolname = trim(n.role)), '') AS refreshers,
                coalesce((
                  SELECT string_agg(trim(n.role), ',')
                  FROM regexp_split_to_table(s.reader_role, ',') AS n (role)
                  JOIN pg_roles AS r ON r.rolname = trim(n.role)), '') AS readers
            ) AS there
            WHERE gone.roles IS NOT NULL
            """,
            WIP_VIEW_SETTINGS, DSL.val(site.schema()))
        .fetch(
            row ->
                Fault.of(
                    this,
                    row.get(0, String.class),
                    "no such role, but the settings name it",
                    "Whatever logged in as that role cannot any more. Create it again and deploy,"
                        + " or take it off the settings.",
                    row.get(1, String.class)));
  }
}
