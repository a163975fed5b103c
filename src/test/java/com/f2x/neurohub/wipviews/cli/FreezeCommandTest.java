package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.RandomFactory;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An operator takes the views out of the way of the MES's migration, and puts them back. */
@Thorough
class FreezeCommandTest {

  private static final TestDatabase FACTORY = TestDatabase.deployed();

  /** What the views read, each column in a type that PostgreSQL rewrites the table for. */
  private static final List<String> MIGRATION =
      List.of(
          "ALTER TABLE lots ALTER COLUMN lot_number TYPE text, ALTER COLUMN status TYPE text",
          "ALTER TABLE wip_items ALTER COLUMN status TYPE text",
          "ALTER TABLE wip_process_history ALTER COLUMN result TYPE text,"
              + " ALTER COLUMN duration_seconds TYPE bigint");

  private final TestDatabase database = TestDatabase.copyOf(FACTORY);
  private Cli cli;

  @BeforeAll
  static void a_factory_that_others_look_at() throws Exception {
    FACTORY.create();
    try (Connection connection = FACTORY.connect()) {
      new RandomFactory(new Random(7), 10, 10, 0).load(connection);
    }
    WipViews.of(FACTORY.dataSource()).refreshAll();
    FACTORY.execute(
        "CREATE VIEW board AS SELECT lot_id, lot_number FROM mv_wip_status_dashboard",
        "CREATE VIEW stuck AS SELECT wip_item_id FROM wip_item_station WHERE has_failed",
        "CREATE VIEW theirs AS SELECT id, production_date FROM lots",
        "ANALYZE");
  }

  @AfterAll
  static void drop_the_factory() throws Exception {
    FACTORY.drop();
  }

  @BeforeEach
  void create() throws Exception {
    database.create();
    cli = Cli.on(database);
  }

  @AfterEach
  void drop() throws Exception {
    database.drop();
  }

  @TempDir private Path folder;

  private String said(String... command) {
    Cli.Result result = cli.run(command);
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
    return String.join(" ", result.outLines()).replaceAll(" +", " ");
  }

  @Test
  void the_tables_are_migrated_between_freeze_and_thaw() throws Exception {
    Map<String, String> before = CatalogSnapshot.of(database);
    String items = database.value("SELECT count(*) FROM wip_item_station");

    assertThat(said("freeze"))
        .contains("view public.theirs", "public.lots", "id, production_date")
        .contains("PostgreSQL will refuse to retype or drop one of these columns")
        .contains(
            "Frozen: mv_process_wip_queue, mv_wip_status_dashboard, wip_item_station. When the"
                + " tables are migrated: wip-views thaw");

    database.execute(MIGRATION.toArray(String[]::new));
    database.execute("DELETE FROM wip_process_history");
    assertThat(database.value("SELECT count(*) FROM wip_item_station")).isEqualTo(items);
    assertThat(said("refresh")).contains("frozen").doesNotContain("refreshed");
    assertThat(said("freshness")).contains("frozen since ");
    assertThat(said("history", "--summary")).contains("did nothing: the view was frozen");
    assertThat(said("update")).contains("mv_process_wip_queue: the view is frozen for ");
    Cli.Result stale = cli.run("freshness", "--fail-if-stale");
    assertThat(stale.exitCode()).isEqualTo(3);
    assertThat(stale.err().replaceAll("\\s+", " "))
        .contains("mv_process_wip_queue is frozen", "When the tables are migrated: wip-views thaw");
    Cli.Result doctor = cli.run("doctor");
    assertThat(doctor.exitCode()).isEqualTo(3);
    assertThat(doctor.out())
        .contains("the view is frozen for ", "wip-views thaw mv_process_wip_queue")
        .doesNotContain("recreate", "ANALYZE");
    Path report = folder.resolve("report.html");
    assertThat(cli.run("report", "--html", report.toString()).exitCode()).isZero();
    assertThat(Files.readString(report))
        .contains(">frozen<", "the view is frozen for ", "wip-views thaw mv_process_wip_queue");

    assertThat(said("thaw"))
        .contains("Thawed: wip_item_station, mv_wip_status_dashboard, mv_process_wip_queue.");

    assertThat(cli.run("freshness", "--fail-if-stale").exitCode()).isZero();
    assertThat(database.value("SELECT lot_number::text FROM board LIMIT 1")).isNotNull();
    assertThat(database.value("SELECT pg_typeof(lot_number)::text FROM board LIMIT 1"))
        .isEqualTo("text");
    assertThat(database.value("SELECT count(*) FROM wip_view_frozen")).isEqualTo("0");
    assertThat(database.value("SELECT count(*) FROM wip_view_drift()")).isEqualTo("0");
    assertThat(CatalogSnapshot.of(database).keySet()).isEqualTo(before.keySet());
  }

  @Test
  void one_view_alone_leaves_what_the_other_reads() throws Exception {
    assertThat(said("freeze", "mv_process_wip_queue"))
        .contains("Frozen: mv_process_wip_queue. When");
    assertThat(said("refresh")).contains("frozen", "refreshed");
    assertThat(said("freeze")).contains("Frozen: mv_wip_status_dashboard, wip_item_station. When");
    assertThat(said("freeze")).contains("Nothing was frozen that was not before.");
    assertThat(said("thaw", "mv_process_wip_queue"))
        .contains("Thawed: wip_item_station, mv_process_wip_queue.");
    assertThat(said("thaw")).contains("Thawed: mv_wip_status_dashboard.");
    assertThat(said("thaw")).contains("Nothing to thaw: no view is frozen.");
    assertThat(cli.run("freeze", "mv_none").exitCode()).isEqualTo(2);
  }

  @Test
  void the_item_station_follows_a_change_of_its_types() throws Exception {
    said("freeze");
    database.execute(
        "ALTER TABLE wip_process_history ALTER COLUMN wip_item_id TYPE integer",
        "ALTER TABLE wip_items ALTER COLUMN id TYPE integer, ALTER COLUMN lot_id TYPE integer");
    Cli.Result refused = cli.run("thaw");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err().replaceAll("\\s+", " "))
        .contains("cannot replace public.wip_item_station, whose columns change", "public.stuck")
        .contains("Drop these first, and create them again afterwards.");
    database.execute("DROP VIEW stuck");

    said("thaw");

    assertThat(
            database.value(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                    + " WHERE attrelid = 'wip_item_station'::regclass AND attname = 'lot_id'"))
        .isEqualTo("integer");
    assertThat(database.value("SELECT col_description('wip_item_station'::regclass, 1)"))
        .isNotNull();
    assertThat(cli.run("freshness", "--fail-if-stale").exitCode()).isZero();
  }

  @Test
  void recreate_thaws_and_rollback_takes_the_copies_along() throws Exception {
    said("freeze");
    said("recreate", "mv_process_wip_queue");
    assertThat(database.rows("SELECT view_name FROM wip_view_frozen"))
        .containsExactly(List.of("mv_wip_status_dashboard"));
    database.execute("DROP VIEW board", "DROP VIEW stuck");
    said("rollback", "--yes");

    assertThat(database.objects()).noneMatch(object -> object.contains("wip_view"));
  }

  @Test
  void json_has_what_was_frozen_and_what_else_uses_the_columns() {
    var frozen = cli.run("freeze", "--format", "json").json();
    assertThat(frozen.at("/views").toString())
        .isEqualTo("[\"mv_process_wip_queue\",\"mv_wip_status_dashboard\",\"wip_item_station\"]");
    assertThat(frozen.at("/users/0").toString())
        .isEqualTo(
            "{\"object\":\"view public.theirs\",\"table_name\":\"public.lots\","
                + "\"columns\":[\"id\",\"production_date\"]}");
    assertThat(cli.run("freshness", "--format", "json").json().at("/0/frozen_since").asString())
        .isNotEmpty();
    assertThat(cli.run("thaw", "--format", "json").json().at("/views").size()).isEqualTo(3);
  }
}
