package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The role that deploys may have default privileges for whatever it makes. */
class DefaultPrivilegesTest {

  private static final String ROLE = "favoured_" + ProcessHandle.current().pid();

  /** All but what runs with the caller's rights before anything can be noted: see deploy.sql. */
  private static final String GRANTED =
      """
      SELECT c.relname, acl.privilege_type
      FROM pg_class AS c, aclexplode(c.relacl) AS acl
      WHERE c.relname LIKE 'wip\\_view%' AND acl.grantee IN (0, 'ROLE'::regrole)
      UNION ALL
      SELECT p.proname, acl.privilege_type
      FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
      WHERE p.pronamespace = 'public'::regnamespace
        AND p.proname !~ '^mes_'
        AND p.proname NOT IN ('wip_view_try_lock', 'wip_view_acquire_exclusive', 'wip_view_holders', 'wip_view_limit_lock_waits', 'wip_view_objects', 'wip_view_pin_settings', 'wip_view_snapshot_objects', 'wip_view_revoke_default_privileges', 'wip_view_revoke_from_others', 'wip_view_has_column', 'wip_view_release')
        AND acl.grantee IN (0, 'ROLE'::regrole)
      ORDER BY 1, 2
      """
          .replace("ROLE", ROLE);

  @RegisterExtension static final TestDatabase database = TestDatabase.mes();

  private static WipViewsMigration migration;

  @BeforeAll
  static void deploy() throws Exception {
    database.execute(
        "CREATE ROLE " + ROLE,
        // not ALL: since 17 that is MAINTAIN on the views, too, and who has that may refresh them
        "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES,"
            + " TRIGGER ON TABLES TO "
            + ROLE,
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO " + ROLE,
        "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO " + ROLE + " WITH GRANT OPTION");
    migration = WipViewsMigration.of(database.dataSource()).with("db-scheduler");
    migration.update();
  }

  @AfterAll
  static void dropRole() throws SQLException {
    database.execute("DROP OWNED BY " + ROLE, "DROP ROLE " + ROLE);
  }

  @Test
  void default_privileges_give_no_rights_on_what_a_deploy_makes() throws Exception {
    assertThat(database.rows(GRANTED)).isEmpty();
    // readers of the views expect them there, as on every other table of the schema
    assertThat(
            database.value(
                "SELECT has_table_privilege('" + ROLE + "', 'mv_process_wip_queue', 'SELECT')"))
        .isEqualTo("t");
  }

  @Thorough
  @Test
  void what_was_granted_by_hand_survives_deploys_and_recoveries() throws Exception {
    database.execute(
        "GRANT SELECT ON wip_view_refresh, wip_view_history, wip_view_schedule TO " + ROLE,
        "GRANT EXECUTE ON FUNCTION refresh_wip_view(text) TO " + ROLE);

    migration.update();
    migration.recreate(List.of());

    assertThat(database.rows(GRANTED))
        .containsExactly(
            List.of("refresh_wip_view", "EXECUTE"),
            List.of("wip_view_history", "SELECT"),
            List.of("wip_view_refresh", "SELECT"),
            List.of("wip_view_schedule", "SELECT"));
    database.execute(
        "REVOKE SELECT ON wip_view_refresh, wip_view_history, wip_view_schedule FROM " + ROLE,
        "REVOKE EXECUTE ON FUNCTION refresh_wip_view(text) FROM " + ROLE);
  }

  @Thorough
  @Test
  void default_privileges_give_no_rights_on_a_recreated_function() throws Exception {
    database.execute("DROP FUNCTION refresh_wip_view(text)");

    migration.recreate(List.of());

    assertThat(database.rows(GRANTED)).isEmpty();
  }
}
