package com.f2x.neurohub.wipviews.internal.doctor;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.RelationSize;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.Test;

/** How the doctor looks, whatever it finds: without waiting, without rights, without a trace. */
class DoctorTest extends DiagnosedDatabase {

  @Test
  void a_schema_with_nothing_of_ours_is_not_deployed() throws Exception {
    database.execute("CREATE SCHEMA IF NOT EXISTS nothing");

    assertThatThrownBy(() -> views.withSchema("nothing").diagnose())
        .isInstanceOf(NotDeployedException.class)
        .hasMessageContaining("not deployed in this schema");
    assertThatThrownBy(() -> views.withSchema("nothing").blockers())
        .isInstanceOf(NotDeployedException.class);
    assertThatThrownBy(() -> views.withSchema("nothing").sizes())
        .isInstanceOf(NotDeployedException.class);
  }

  @Thorough
  @Test
  void it_waits_for_no_lock_and_says_what_it_could_not_look_at() throws Exception {
    try (Connection holder = database.connect();
        Statement lock = holder.createStatement()) {
      holder.setAutoCommit(false);
      lock.execute("LOCK TABLE wip_items, wip_process_history IN ACCESS EXCLUSIVE MODE");
      lock.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue");

      // the locks are held until it has looked
      List<Finding> findings = Await.result(Background.call(views::diagnose));
      List<RelationSize> sizes = Await.result(Background.call(views::sizes));

      assertThat(findings)
          .isNotEmpty()
          .allMatch(finding -> finding.severity() == Severity.UNKNOWN)
          .allMatch(finding -> finding.what().contains("another session has locked"))
          .extracting(Finding::check)
          .contains("drift");
      assertThat(sizes)
          .filteredOn(size -> size.bytes() == null)
          .extracting(RelationSize::name)
          .containsExactlyInAnyOrder("wip_items", "wip_process_history", "mv_process_wip_queue");
      holder.rollback();
    }
  }

  @Thorough
  @Test
  void a_role_that_may_only_read_gets_the_same_answer() throws Exception {
    assertThat(asReader().diagnose()).isEmpty();

    database.execute("DROP INDEX mv_process_wip_queue_process_id_idx");
    assertThat(asReader().diagnose()).isEqualTo(views.diagnose()).hasSize(1);
    views.recreate(MV_PROCESS_WIP_QUEUE);
  }

  @Test
  void a_role_that_may_not_look_is_told_where_it_could_not() throws Exception {
    database.execute("REVOKE EXECUTE ON FUNCTION wip_view_drift() FROM " + READER);

    assertThat(asReader().diagnose())
        .filteredOn(finding -> finding.severity() == Severity.UNKNOWN)
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.check()).isEqualTo("drift");
              assertThat(finding.what()).contains("permission denied for function wip_view_drift");
              assertThat(finding.why()).contains("readerRole");
            });
    apply(theOne("rights", READER, "wip_view_drift"));
  }

  @Test
  void it_works_in_a_callers_transaction_and_leaves_that_as_it_was() throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("CREATE TEMPORARY TABLE mine (i integer) ON COMMIT DROP");
      statement.execute("SET LOCAL lock_timeout = '7s'");
      WipViews inside =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));

      assertThat(inside.diagnose()).isEmpty();
      assertThat(inside.sizes())
          .extracting(RelationSize::name)
          .containsExactlyElementsOf(views.sizes().stream().map(RelationSize::name).toList());

      statement.execute("INSERT INTO mine VALUES (1)");
      assertThat(
              DSL.using(connection)
                  .fetchSingle("SELECT current_setting('lock_timeout') || count(*) FROM mine")
                  .get(0))
          .isEqualTo("7s1");
      connection.rollback();
    }
  }

  @Test
  void it_changes_nothing() throws Exception {
    String before =
        database.value("SELECT count(*) || max(refresh_id)::text FROM wip_view_refresh");
    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    views.diagnose();

    assertThat(database.value("SELECT count(*) || max(refresh_id)::text FROM wip_view_refresh"))
        .isEqualTo(before);
    apply(theOne("view-state", "mv_process_wip_queue", "not populated"));
  }

  @Test
  void sizes_are_those_of_the_views_and_the_tables_they_read() {
    assertThat(views.sizes())
        .extracting(RelationSize::name)
        .containsExactlyInAnyOrder(
            "mv_wip_status_dashboard",
            "mv_process_wip_queue",
            "lots",
            "processes",
            "wip_items",
            "wip_process_history");
    assertThat(views.sizes())
        .filteredOn(size -> size.name().equals("processes"))
        .allSatisfy(size -> assertThat(size.bytes()).isPositive());
  }

  @Thorough
  @Test
  void every_remedy_names_a_schema_that_is_not_the_connections() throws Exception {
    TestDatabase other = TestDatabase.empty().create();
    try {
      other.execute("CREATE SCHEMA \"My MES\"");
      WipViewsMigration migration = WipViewsMigration.of(other.dataSource()).withSchema("My MES");
      migration.installMinimalMes();
      migration.update();
      WipViews there = WipViews.of(other.dataSource()).withSchema("My MES");
      assertThat(there.diagnose()).isEmpty();
      other.execute(
          "REFRESH MATERIALIZED VIEW \"My MES\".mv_process_wip_queue WITH NO DATA",
          "DROP INDEX \"My MES\".mv_wip_status_dashboard_lot_id_idx",
          "DROP INDEX \"My MES\".idx_wip_process_history_completed_at");

      List<Finding> findings = there.diagnose();

      assertThat(findings)
          .flatExtracting(Finding::remedy)
          .contains(
              "SELECT * FROM \"My MES\".refresh_wip_view('mv_process_wip_queue');",
              "wip-views recreate mv_wip_status_dashboard --schema 'My MES'");
      for (Finding finding : findings) {
        apply(other, finding);
      }
      assertThat(there.diagnose()).isEmpty();
    } finally {
      other.drop();
    }
  }
}
