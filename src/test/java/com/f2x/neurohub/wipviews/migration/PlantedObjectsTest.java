package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.Writer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Where everybody may create, as in public before PostgreSQL 15, somebody plants what fits better.
 */
@Thorough
class PlantedObjectsTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.mes();

  /** Left type, right type: where the system has no operator of exactly these. */
  private static final String[][] TYPES = {
    {"varchar", "varchar"},
    {"varchar", "text"},
    {"numeric", "bigint"},
    {"bigint", "numeric"},
    {"integer", "numeric"},
    {"numeric", "integer"},
    {"name", "varchar"},
    {"oid", "regclass"},
    {"regclass", "oid"},
    {"oid", "regnamespace"},
    {"regnamespace", "oid"}
  };

  /** Functions that the system has with other parameters, and what they return. */
  private static final String[][] FUNCTIONS = {
    {"round(numeric, bigint)", "numeric"},
    {"to_regclass(varchar)", "regclass"},
    {"set_config(varchar, varchar, boolean)", "text"},
    {"current_setting(varchar, boolean)", "text"},
    {"has_table_privilege(regclass, text)", "boolean"},
    {"has_schema_privilege(regnamespace, text)", "boolean"},
    {"pg_has_role(regrole, text)", "boolean"}
  };

  @BeforeAll
  static void planted() throws SQLException {
    database.execute(
        "DROP ROLE IF EXISTS planter",
        "CREATE ROLE planter",
        "GRANT ALL ON SCHEMA public TO planter",
        "CREATE TABLE caught (who name, what text)",
        "GRANT ALL ON caught TO PUBLIC");
    try (Connection connection = database.connect();
        var statement = connection.createStatement()) {
      statement.execute("SET ROLE planter");
      int number = 0;
      for (String[] types : TYPES) {
        for (String operator : new String[] {"=", "*", "/", "<>", ">"}) {
          String result = operator.equals("*") || operator.equals("/") ? "numeric" : "boolean";
          String function = "planted_" + number++;
          statement.execute(
              "CREATE FUNCTION public.%1$s(%2$s, %3$s) RETURNS %4$s LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.caught VALUES (current_user, '%5$s ' || current_query()); RETURN NULL; END $$"
                  .formatted(function, types[0], types[1], result, operator));
          statement.execute(
              "CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.%s)"
                  .formatted(operator, types[0], types[1], function));
        }
      }
      for (String[] function : FUNCTIONS) {
        statement.execute(
            "CREATE FUNCTION public.%s RETURNS %s LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.caught VALUES (current_user, current_query()); RETURN NULL; END $$"
                .formatted(function[0], function[1]));
      }
    }
    database.execute(
        "INSERT INTO lots (lot_number, product_model_id, production_date, status) VALUES ('L1', 1,"
            + " current_date, 'IN_PROGRESS')",
        "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status, current_process_id) SELECT"
            + " 'W' || n, 1, n, 'IN_PROGRESS', 1 FROM generate_series(1, 3) AS n",
        "INSERT INTO wip_process_history (wip_item_id, process_id, operator_id, result, started_at,"
            + " completed_at) SELECT id, 1, 1, 'PASS', now() - interval '5 minutes', now() -"
            + " interval '1 minute' FROM wip_items");
  }

  @Test
  void nothing_planted_runs_from_a_deploy_to_its_rollback() throws SQLException {
    WipViewsMigration migration = WipViewsMigration.of(database.dataSource());
    migration.update();
    WipViews views = WipViews.of(database.dataSource());
    views.refreshAll();
    views.recreate();
    migration.updateSql(Writer.nullWriter());
    assertThat(
            database.value(
                "SELECT passed_last_hour FROM mv_process_wip_queue WHERE process_number = 1"))
        .isEqualTo("3");
    migration.rollback();

    assertThat(caught()).isEmpty();
  }

  /** What Liquibase asks of its own table is looked up on the connection's path. */
  private static List<List<String>> caught() throws SQLException {
    return database.rows(
        "SELECT who, what FROM caught WHERE what !~ '(UPDATE|FROM) .{0,9}databasechangelog'");
  }
}
