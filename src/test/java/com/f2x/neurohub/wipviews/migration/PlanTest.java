package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.Plan.Action;
import com.f2x.neurohub.wipviews.migration.Plan.Change;
import com.f2x.neurohub.wipviews.migration.Plan.Changeset;
import com.f2x.neurohub.wipviews.migration.Plan.Column;
import com.f2x.neurohub.wipviews.migration.Plan.Dependant;
import com.f2x.neurohub.wipviews.migration.Plan.Fate;
import com.f2x.neurohub.wipviews.migration.Plan.View;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.CatalogSnapshot;
import com.f2x.neurohub.wipviews.testing.ChangedView;
import com.f2x.neurohub.wipviews.testing.OwnChangelog;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a deploy would do, from a real build that is rolled back. */
class PlanTest {

  @TempDir private Path folder;
  private TestDatabase database;
  private WipViewsMigration library;

  @BeforeEach
  void orders() throws SQLException {
    use(TestDatabase.engine());
    ChangedView.load(database);
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private void use(TestDatabase wanted) throws SQLException {
    if (database != null) {
      database.drop();
    }
    database = wanted.create();
    library = WipViewsMigration.of(database.dataSource());
  }

  private WipViewsMigration with(OwnChangelog changelog) {
    return library.only("engine").withChangelog(changelog.location());
  }

  private OwnChangelog empty() {
    return OwnChangelog.in(folder);
  }

  private void deploy(OwnView... views) throws IOException {
    OwnChangelog changelog = empty();
    for (OwnView view : views) {
      changelog = changelog.with(view);
    }
    with(changelog).update();
  }

  private Map<String, String> everything() throws SQLException {
    Map<String, String> all = new TreeMap<>(CatalogSnapshot.of(database));
    all.put("objects", database.objects().toString());
    all.put(
        "log",
        database
            .rows(
                "SELECT id, md5sum, dateexecuted, orderexecuted, exectype, tag, deployment_id FROM"
                    + " databasechangelog ORDER BY id")
            .toString());
    all.put("registry", database.rows("SELECT * FROM wip_view ORDER BY view_name").toString());
    all.put("history", database.rows("SELECT * FROM wip_view_refresh ORDER BY 1").toString());
    all.put("settings", database.rows("SELECT * FROM wip_view_settings").toString());
    return all;
  }

  private Plan planOf(OwnChangelog changelog) throws SQLException {
    Map<String, String> before = everything();
    Plan plan = with(changelog).plan();
    assertThat(CatalogSnapshot.differences(everything(), before)).isEmpty();
    return plan;
  }

  @Test
  void it_says_what_would_change_and_changes_nothing() throws Exception {
    deploy(ChangedView.BEFORE);
    database.execute(
        "CREATE VIEW amounts AS SELECT customer, amount FROM mv_customers",
        "CREATE MATERIALIZED VIEW total AS SELECT sum(amount) AS amount FROM amounts",
        "CREATE VIEW over_total AS SELECT amount FROM total",
        "COMMENT ON COLUMN mv_customers.orders IS 'by hand'",
        "GRANT SELECT (orders) ON mv_customers TO pg_monitor",
        "ALTER MATERIALIZED VIEW mv_customers SET (fillfactor = 70)",
        "SELECT refresh_wip_view('mv_customers')");
    OwnChangelog next = empty().with(ChangedView.AFTER);

    Plan plan = planOf(next);

    assertThat(plan.succeeds()).isTrue();
    assertThat(plan.changesets())
        .containsExactly(new Changeset("mv_customers", "service", "service/changelog.yaml", null));
    View view = plan.views().get(0);
    assertThat(view.action()).isEqualTo(Action.REPLACE);
    assertThat(view.columns())
        .containsExactly(
            new Column("amount", Change.KEPT, "bigint", "bigint", 1, false),
            new Column("orders", Change.DROPPED, "bigint", null, 0, false),
            new Column(
                "seen_at",
                Change.KEPT,
                "timestamp with time zone",
                "timestamp with time zone",
                9,
                true),
            new Column("largest", Change.ADDED, null, "integer", 0, false));
    assertThat(view.rows())
        .isEqualTo(new Plan.Rows(List.of("customer"), 10L, 9L, 0L, 1L, 1L, null));
    assertThat(view.buildTime()).isPositive();
    assertThat(view.refreshTime()).isPositive();
    assertThat(view.dependants())
        .containsExactly(
            new Dependant("view", "public.amounts", Fate.REPLACED, null),
            new Dependant("view", "public.over_total", Fate.UNTOUCHED, null),
            new Dependant("materialized view", "public.total", Fate.UNTOUCHED, null));
    assertThat(view.lost())
        .containsExactly(
            "COMMENT ON COLUMN public.mv_customers.orders IS 'by hand'",
            "GRANT SELECT (orders) ON public.mv_customers TO pg_monitor");
    assertThat(view.holders()).isEmpty();

    with(next).update();
    assertThat(database.value("SELECT count(*) FROM mv_customers")).isEqualTo("9");
    assertThat(planOf(next).hasNothingToDo()).isTrue();
  }

  @Thorough
  @Test
  void it_names_all_that_a_deploy_would_refuse() throws Exception {
    deploy(ChangedView.BEFORE, OwnView.BIG_CUSTOMERS);
    database.execute(
        "CREATE VIEW counts AS SELECT customer, orders FROM mv_customers",
        "CREATE VIEW over_counts AS SELECT customer FROM counts",
        "CREATE INDEX by_hand ON mv_customers (orders)",
        "CREATE STATISTICS together ON orders, amount FROM mv_customers",
        "CREATE FUNCTION all_orders() RETURNS numeric LANGUAGE sql AS"
            + " 'SELECT sum(orders) FROM public.mv_customers'");

    Plan plan = planOf(empty().with(ChangedView.AFTER));

    assertThat(plan.succeeds()).isFalse();
    assertThat(plan.views().get(0).dependants())
        .extracting(Dependant::kind, Dependant::name, Dependant::fate)
        .containsExactlyInAnyOrder(
            tuple("index", "public.by_hand", Fate.REFUSED),
            tuple("view", "public.counts", Fate.REFUSED),
            tuple("view", "public.over_counts", Fate.UNDECIDED),
            tuple("materialized view", "public.mv_big_customers", Fate.REBUILT),
            tuple("statistics object", "together", Fate.REFUSED),
            tuple("function", "all_orders()", Fate.REFUSED));
    assertThat(plan.refusals())
        .singleElement()
        .satisfies(
            refusal -> {
              assertThat(refusal.subject()).isEqualTo("mv_customers");
              assertThat(refusal.reason())
                  .contains("view public.counts: column", "index public.by_hand: column")
                  .contains("DROP INDEX", "has no column orders any more", "all_orders()");
              assertThat(refusal.remedy()).isEqualTo("Change or drop these first.");
            });
  }

  @Thorough
  @Test
  void a_file_that_fails_is_a_refusal() throws Exception {
    OwnView broken = new OwnView("mv_broken", "SELECT nothing FROM orders", "nothing");

    Plan plan = planOf(empty().with(broken).with(ChangedView.BEFORE));

    assertThat(plan.views()).isEmpty();
    assertThat(plan.refusals())
        .singleElement()
        .satisfies(
            refusal -> {
              assertThat(refusal.subject()).isEqualTo("mv_broken");
              assertThat(refusal.reason()).isEqualTo("column \"nothing\" does not exist");
            });
  }

  @Thorough
  @Test
  void a_view_is_planned_on_top_of_those_planned_before() throws Exception {
    deploy(ChangedView.BEFORE, OwnView.BIG_CUSTOMERS);
    OwnView reader =
        new OwnView("mv_big_customers", "SELECT customer, largest FROM mv_customers", "customer");

    Plan plan = planOf(empty().with(ChangedView.AFTER).with(reader));

    assertThat(plan.refusals()).isEmpty();
    assertThat(plan.views()).extracting(View::view).containsExactly("mv_customers", reader.name());
    assertThat(plan.views().get(1).columns())
        .containsExactly(new Column("largest", Change.ADDED, null, "integer", 0, false));
    assertThat(plan.views().get(1).rows().built()).isEqualTo(9);
  }

  @Thorough
  @Test
  void changesets_between_are_run_named_or_left() throws Exception {
    OwnView visits = new OwnView("mv_visits", "SELECT id FROM visits", "id");
    OwnView paid = new OwnView("mv_paid", "SELECT id FROM orders WHERE paid", "id");

    Plan plan =
        planOf(
            empty()
                .with("visits", "runOnChange: false", "CREATE TABLE visits (id integer)")
                .with(visits)
                .with(
                    "index",
                    "runInTransaction: false",
                    "CREATE INDEX CONCURRENTLY by_customer ON orders (customer)")
                .with("paid", "runOnChange: false", "ALTER TABLE orders ADD paid boolean")
                .with(paid));

    assertThat(plan.succeeds()).isTrue();
    assertThat(plan.changesets())
        .extracting(Changeset::id, Changeset::notTried)
        .containsExactly(
            tuple("visits", null),
            tuple("mv_visits", null),
            tuple("index", "cannot run in a transaction"),
            tuple("paid", "others would wait for orders"),
            tuple(
                "mv_paid",
                "fails without paid, which was not tried: column \"paid\" does not exist"));
    assertThat(plan.views()).extracting(View::action).containsExactly(Action.CREATE);
  }

  @Thorough
  @Test
  void readers_and_refreshes_go_on_and_a_killed_plan_leaves_nothing() throws Exception {
    deploy(ChangedView.BEFORE);
    database.execute(
        "CREATE FUNCTION gate() RETURNS boolean LANGUAGE sql VOLATILE AS"
            + " 'SELECT pg_advisory_xact_lock_shared(4711) IS NULL'");
    OwnView waits =
        new OwnView(
            "mv_customers",
            "SELECT DISTINCT customer, public.gate() AS open FROM orders",
            "customer");
    WipViewsMigration migration = with(empty().with(waits));
    String waiting =
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted";
    Map<String, String> before = everything();
    try (Connection gate = database.inTransaction("SELECT pg_advisory_xact_lock(4711)")) {
      Future<Plan> plan = Background.call(migration::plan);
      String pid =
          Await.until("the plan builds", () -> database.value(waiting), found -> found != null);

      assertThat(database.value("SELECT count(*) FROM mv_customers")).isEqualTo("10");
      assertThat(WipViews.of(database.dataSource()).refreshAll()).hasSize(1);
      database.execute(
          "REFRESH MATERIALIZED VIEW mv_customers", "INSERT INTO orders VALUES (101, 'c1', 1)");
      database.execute("SELECT pg_terminate_backend(" + pid + ")");
      Await.end(plan);
      gate.rollback();
    }
    before.remove("history");
    before.remove("registry");
    Map<String, String> after = everything();
    after.keySet().retainAll(before.keySet());
    assertThat(CatalogSnapshot.differences(after, before)).isEmpty();
  }

  @Thorough
  @Test
  void a_view_that_is_gone_or_empty_is_planned_too() throws Exception {
    deploy(ChangedView.BEFORE);
    database.execute("REFRESH MATERIALIZED VIEW mv_customers WITH NO DATA");
    assertThat(planOf(empty().with(ChangedView.AFTER)).views())
        .extracting(View::action, view -> view.rows().live(), view -> view.rows().built())
        .containsExactly(tuple(Action.REPLACE, null, 9L));

    database.execute("DROP MATERIALIZED VIEW mv_customers");
    assertThat(planOf(empty().with(ChangedView.AFTER)).views())
        .extracting(View::action, view -> view.rows().live(), view -> view.rows().built())
        .containsExactly(tuple(Action.BRING_BACK, null, 9L));
  }

  @Thorough
  @Test
  void a_frozen_view_stays_as_it_is() throws Exception {
    deploy(ChangedView.BEFORE);
    library.freeze(List.of("mv_customers"));

    Plan plan = planOf(empty().with(ChangedView.AFTER));

    assertThat(plan.refusals()).isEmpty();
    assertThat(plan.views()).extracting(View::action).containsExactly(Action.DEFER);
  }

  @Thorough
  @Test
  void who_holds_the_view_is_named() throws Exception {
    deploy(ChangedView.BEFORE);
    try (Connection report = database.inTransaction("SELECT count(*) FROM mv_customers")) {
      assertThat(planOf(empty().with(ChangedView.AFTER)).views().get(0).holders())
          .singleElement()
          .satisfies(
              holder -> {
                assertThat(holder.description()).contains("holds public.mv_customers");
                assertThat(holder.remedy()).startsWith("SELECT pg_terminate_backend(");
              });
      report.rollback();
    }
  }

  @Thorough
  @Test
  void a_first_deploy_is_planned_where_nothing_is() throws Exception {
    use(TestDatabase.mes());
    List<String> before = database.objects();

    Plan plan = library.plan();

    assertThat(plan.refusals()).isEmpty();
    assertThat(plan.changesets())
        .extracting(Changeset::id)
        .contains("registry", "promote", "guide");
    assertThat(plan.changesets()).filteredOn(step -> step.notTried() != null).isEmpty();
    assertThat(plan.views())
        .extracting(View::view, View::action)
        .containsExactly(
            tuple("mv_wip_status_dashboard", Action.CREATE),
            tuple("mv_process_wip_queue", Action.CREATE));
    assertThat(database.objects()).isEqualTo(before);
    assertThat(library.plan().changesets()).isEqualTo(plan.changesets());
    assertThat(library.update())
        .containsAll(plan.changesets().stream().map(Changeset::id).toList());
  }

  @Test
  void what_is_missing_is_a_refusal() throws Exception {
    use(TestDatabase.empty());

    Plan plan = library.plan();

    assertThat(plan.refusals())
        .singleElement()
        .satisfies(refusal -> assertThat(refusal.reason()).contains("wip_items"));
    assertThat(database.objects()).containsExactly("schema public");
  }

  @Thorough
  @Test
  void an_older_engine_is_planned_on() throws Exception {
    use(TestDatabase.empty());
    try (InputStream dump =
        new GZIPInputStream(PlanTest.class.getResourceAsStream("/upgrade/5dc4a87.sql.gz"))) {
      database.execute(new String(dump.readAllBytes(), StandardCharsets.UTF_8));
    }
    Map<String, String> before = everything();

    Plan plan = library.plan();

    assertThat(plan.refusals()).isEmpty();
    assertThat(plan.changesets()).extracting(Changeset::id).contains("registry", "promote");
    assertThat(CatalogSnapshot.differences(everything(), before)).isEmpty();
    library.update();
    assertThat(library.plan().hasNothingToDo()).isTrue();
  }
}
