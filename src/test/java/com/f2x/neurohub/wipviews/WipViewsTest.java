package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jooq.SQLDialect;
import org.jooq.impl.DefaultConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A view that is well, dropped, not populated, without its index or unknown; and a read-only
 * database.
 */
class WipViewsTest {

  private final TestDatabase database = TestDatabase.deployed();
  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeEach
  void a_fresh_database() throws Exception {
    database.create();
  }

  @AfterEach
  void nothing_is_left() throws Exception {
    database.drop();
  }

  @Test
  void a_view_is_refreshed_concurrently_and_the_answer_says_so() {
    Refresh refresh = views.refresh(MV_PROCESS_WIP_QUEUE);

    assertThat(refresh.view()).isEqualTo("mv_process_wip_queue");
    assertThat(refresh.outcome()).isEqualTo(Refresh.Outcome.REFRESHED);
    assertThat(refresh.mode()).isEqualTo(Refresh.Mode.CONCURRENT);
    assertThat(refresh.rows()).isEqualTo(6);
  }

  @Test
  void a_dropped_view_is_missing_and_the_other_one_fresh() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    assertThat(views.freshness())
        .extracting(Freshness::view, Freshness::state)
        .containsExactly(
            tuple("mv_wip_status_dashboard", Freshness.State.FRESH),
            tuple("mv_process_wip_queue", Freshness.State.MISSING));
    assertThat(views.freshness(MV_PROCESS_WIP_QUEUE).bytes()).isNull();
  }

  @Test
  void a_refresh_of_a_dropped_view_names_the_remedy() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    assertThatThrownBy(() -> views.refresh(MV_PROCESS_WIP_QUEUE))
        .isInstanceOfSatisfying(
            RefreshFailedException.class,
            e -> {
              assertThat(e.sqlState()).hasValue("42P01");
              assertThat(e.remedy())
                  .hasValue("Bring it back: wip-views recreate mv_process_wip_queue");
            })
        .hasMessageEndingWith(
            "materialized view \"mv_process_wip_queue\" is missing from schema \"public\"");
    assertThat(views.history(MV_PROCESS_WIP_QUEUE, 1))
        .extracting(Refresh::outcome)
        .containsExactly(Refresh.Outcome.FAILED);
    assertThat(views.freshness(MV_PROCESS_WIP_QUEUE).lastError())
        .contains("is missing from schema");
  }

  @Test
  void refreshing_all_refreshes_what_is_there_before_it_fails() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_wip_status_dashboard");

    assertThatThrownBy(views::refreshAll)
        .isInstanceOfSatisfying(
            RefreshFailedException.class,
            e ->
                assertThat(e.refreshes())
                    .extracting(Refresh::outcome)
                    .containsExactly(Refresh.Outcome.FAILED, Refresh.Outcome.REFRESHED));
  }

  @Test
  void the_function_for_all_views_undoes_all_when_one_is_missing() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");
    Freshness before = views.freshness(MV_WIP_STATUS_DASHBOARD);

    assertThatThrownBy(() -> database.value("SELECT refresh_all_wip_views()"))
        .hasMessageContaining("\"mv_process_wip_queue\" is missing")
        .hasMessageContaining("Bring it back: wip-views recreate mv_process_wip_queue");

    assertThat(views.freshness(MV_WIP_STATUS_DASHBOARD).lastRefreshedAt())
        .isEqualTo(before.lastRefreshedAt());
  }

  @Test
  void a_dropped_view_is_brought_back_by_recreate() throws Exception {
    database.execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    views.recreate(MV_PROCESS_WIP_QUEUE);

    assertThat(views.freshness(MV_PROCESS_WIP_QUEUE).state()).isEqualTo(Freshness.State.FRESH);
    assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
    assertThat(views.refresh(MV_PROCESS_WIP_QUEUE).mode()).isEqualTo(Refresh.Mode.CONCURRENT);
  }

  @Test
  void a_view_with_no_data_is_unpopulated_and_cannot_be_read() throws Exception {
    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    assertThat(views.freshness(MV_PROCESS_WIP_QUEUE).state())
        .isEqualTo(Freshness.State.UNPOPULATED);
    assertThatThrownBy(() -> views.rows(MV_PROCESS_WIP_QUEUE))
        .isInstanceOf(WipViewsException.class)
        .hasMessage("materialized view \"mv_process_wip_queue\" has not been populated");
  }

  @Test
  void only_the_first_refresh_of_a_view_with_no_data_is_plain() throws Exception {
    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    Refresh populating = views.refresh(MV_PROCESS_WIP_QUEUE);

    assertThat(populating.mode()).isEqualTo(Refresh.Mode.PLAIN);
    assertThat(populating.modeReason()).isEqualTo("the view was not populated");
    assertThat(populating.rows()).isEqualTo(6);
    assertThat(views.freshness(MV_PROCESS_WIP_QUEUE).state()).isEqualTo(Freshness.State.FRESH);
    assertThat(views.refresh(MV_PROCESS_WIP_QUEUE).mode()).isEqualTo(Refresh.Mode.CONCURRENT);
  }

  @Test
  void a_view_with_no_data_is_never_fresh_enough_to_be_skipped() throws Exception {
    database.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    assertThat(views.refreshIfOlderThan(MV_PROCESS_WIP_QUEUE, Duration.ofHours(1))).isPresent();
  }

  @Test
  void a_view_without_a_unique_index_is_refreshed_plainly() throws Exception {
    database.execute("DROP INDEX mv_process_wip_queue_process_id_idx");

    Refresh refresh = views.refresh(MV_PROCESS_WIP_QUEUE);

    assertThat(refresh.mode()).isEqualTo(Refresh.Mode.PLAIN);
    assertThat(refresh.modeReason()).isEqualTo("the view has no plain unique index");
  }

  @Test
  void an_unknown_view_is_refused_and_the_known_ones_are_named() {
    Stream<ThrowingCallable> entrances =
        Stream.of(
            () -> views.refresh(WIP_VIEW),
            () -> views.refreshIfOlderThan(WIP_VIEW, Duration.ZERO),
            () -> views.freshness(WIP_VIEW),
            () -> views.history(WIP_VIEW, 1));
    entrances.forEach(
        entrance ->
            assertThatThrownBy(entrance)
                .isInstanceOfSatisfying(
                    UnknownViewException.class,
                    e -> {
                      assertThat(e.view()).hasValue("wip_view");
                      assertThat(e.remedy().orElseThrow())
                          .endsWith(": mv_wip_status_dashboard, mv_process_wip_queue.");
                    })
                .hasMessage("unknown view \"wip_view\""));
  }

  @Test
  void the_function_refuses_an_unknown_name_whatever_is_in_it() throws Exception {
    for (String name :
        List.of("lots", "mv_process_wip_queue; DROP TABLE lots", "public.mv_process_wip_queue")) {
      assertThatThrownBy(() -> database.value("SELECT refresh_wip_view('" + name + "')"))
          .hasMessageStartingWith("ERROR: unknown view \"" + name + "\"");
    }
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh WHERE outcome = 'running'"))
        .isEqualTo("0");
  }

  @Test
  void a_read_only_database_is_read_and_not_refreshed() throws Exception {
    String attempts = database.value("SELECT count(*) FROM wip_view_refresh");
    database.execute("ALTER DATABASE " + database.name() + " SET default_transaction_read_only=on");

    assertThatThrownBy(() -> views.refresh(MV_PROCESS_WIP_QUEUE))
        .isInstanceOfSatisfying(
            WipViewsException.class,
            e -> {
              assertThat(e.sqlState()).hasValue("25006");
              assertThat(e.remedy().orElseThrow()).startsWith("Refresh on the primary");
            })
        .hasMessageEndingWith(
            "cannot refresh the view: this is a read-only standby or transaction");
    assertThatThrownBy(views::recreate).isInstanceOf(WipViewsException.class);
    assertThat(views.freshness()).hasSize(2);
    assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
    assertThat(database.value("SELECT count(*) FROM wip_view_refresh")).isEqualTo(attempts);
  }

  @Test
  void in_a_schema_where_nothing_is_deployed_every_call_says_so() throws Exception {
    database.execute("CREATE SCHEMA bare");
    WipViews bare = views.withSchema("bare");
    Stream<ThrowingCallable> entrances =
        Stream.of(
            bare::freshness,
            bare::refreshAll,
            () -> bare.refresh(MV_PROCESS_WIP_QUEUE),
            () -> bare.refreshIfOlderThan(MV_PROCESS_WIP_QUEUE, Duration.ZERO),
            () -> bare.history(null, 1),
            () -> bare.rows(MV_PROCESS_WIP_QUEUE),
            () -> views.withSchema("nowhere").freshness());
    entrances.forEach(
        entrance ->
            assertThatThrownBy(entrance)
                .isInstanceOfSatisfying(
                    NotDeployedException.class,
                    e ->
                        assertThat(e.remedy().orElseThrow())
                            .contains(
                                "Name the schema that it was deployed to, or deploy it: wip-views"
                                    + " update"))
                .hasMessageStartingWith("wip-views is not deployed in this schema: "));
  }

  @Thorough
  @Test
  void an_object_that_is_gone_is_named_and_recreate_restores_it() throws Exception {
    database.execute("DROP VIEW wip_view_daily", "DROP FUNCTION wip_view_why_plain(oid)");

    assertThatThrownBy(() -> views.daily(null, 1))
        .isInstanceOfSatisfying(
            NotDeployedException.class,
            e -> {
              assertThat(e.sqlState()).hasValue("42P01");
              assertThat(e.remedy()).hasValue("Bring it back: wip-views recreate");
            })
        .hasMessage(
            "wip-views is incomplete in this schema: wip_view_why_plain, wip_view_daily missing");

    assertThatThrownBy(() -> views.refresh(MV_PROCESS_WIP_QUEUE))
        .isInstanceOfSatisfying(
            RefreshFailedException.class,
            e -> {
              assertThat(e.view()).hasValue("mv_process_wip_queue");
              assertThat(e.remedy()).hasValue("Bring it back: wip-views recreate");
              assertThat(e.refreshes())
                  .extracting(Refresh::outcome)
                  .containsExactly(Refresh.Outcome.FAILED);
            })
        .hasMessageContaining("incomplete");

    views.recreate();
    assertThat(views.daily(null, 1)).isNotEmpty();
    views.refresh(MV_PROCESS_WIP_QUEUE);
  }

  @Test
  void an_object_that_is_gone_is_named_in_a_callers_transaction() throws Exception {
    database.execute("DROP VIEW wip_view_daily");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      WipViews joined =
          WipViews.of(new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES));

      assertThatThrownBy(() -> joined.daily(null, 1))
          .isInstanceOfSatisfying(
              NotDeployedException.class,
              e -> assertThat(e.remedy().orElseThrow()).contains("wip-views doctor"))
          .hasMessageContaining("\"wip_view_daily\" does not exist");
    }
  }

  @Test
  void a_typo_in_a_query_of_ones_own_is_described_as_it_is() {
    for (String typo :
        List.of("SELECT * FROM mv_proces_wip_queue", "SELECT length(1)", "SELECT no_such()")) {
      assertThatThrownBy(() -> views.read(db -> db.fetch(typo)))
          .isExactlyInstanceOf(WipViewsException.class)
          .hasMessageContaining("does not exist")
          .satisfies(e -> assertThat(((WipViewsException) e).remedy()).isEmpty());
    }
  }

  @Test
  void freshness_does_not_wait_for_a_session_that_has_locked_a_view() throws Exception {
    try (Connection locks = database.connect();
        Statement lock = locks.createStatement()) {
      locks.setAutoCommit(false);
      lock.execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue");

      // the lock is held until it has answered
      List<Freshness> freshness = Await.result(Background.call(() -> views.freshness()));

      assertThat(freshness).allMatch(view -> view.state() == Freshness.State.FRESH);
      assertThat(freshness).allMatch(view -> view.bytes() > 0);
    }
  }
}
