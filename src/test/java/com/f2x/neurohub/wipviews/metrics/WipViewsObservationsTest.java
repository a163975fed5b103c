package com.f2x.neurohub.wipviews.metrics;

import static io.micrometer.observation.tck.TestObservationRegistryAssert.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.OwnChangelog;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import io.micrometer.observation.Observation;
import io.micrometer.observation.tck.TestObservationRegistry;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Refreshes and promotions in a trace. */
class WipViewsObservationsTest {

  private final TestDatabase database = TestDatabase.service();
  private final TestObservationRegistry registry = TestObservationRegistry.create();
  private WipViews views;

  @BeforeEach
  void create() throws SQLException {
    database.create();
    views = WipViews.of(database.dataSource()).withObserver(WipViewsObservations.of(registry));
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  @Test
  void a_refresh_of_all_is_an_observation_per_view() {
    views.refreshAll();

    assertThat(registry)
        .hasNumberOfObservationsWithNameEqualTo("wip.view.refresh", 2)
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("wip.view.refresh")
                    .hasContextualNameEqualTo("refresh mv_customers")
                    .hasLowCardinalityKeyValue("view", "mv_customers")
                    .hasLowCardinalityKeyValue("outcome", "refreshed")
                    .doesNotHaveError());
    assertThat(registry).doesNotHaveAnyRemainingCurrentObservation();
  }

  @Test
  void what_the_caller_traces_encloses_it() {
    Observation.createNotStarted("request", registry)
        .observe(() -> views.withParallelism(2).refreshAll());

    assertThat(registry)
        .forAllObservationsWithNameEqualTo(
            "wip.view.refresh", observation -> observation.hasParentObservation())
        .hasNumberOfObservationsWithNameEqualTo("wip.view.refresh", 2);
  }

  @Test
  void the_database_works_within_its_scope() {
    // a tracer of JDBC asks for the current observation, as this does
    List<String> enclosing = new ArrayList<>();
    DataSource tracing =
        (DataSource)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {DataSource.class},
                (proxy, method, args) -> {
                  Observation current = registry.getCurrentObservation();
                  enclosing.add(current == null ? "" : current.getContext().getName());
                  return method.invoke(database.dataSource(), args);
                });
    WipViews traced = WipViews.of(tracing).withObserver(WipViewsObservations.of(registry));

    traced.refresh(WipViews.view("mv_orders"));

    assertThat(enclosing).contains("wip.view.refresh");
  }

  @Test
  void a_failure_is_the_observations_error() throws SQLException {
    try (Connection other = database.dataSource().getConnection();
        Statement holds = other.createStatement()) {
      other.setAutoCommit(false);
      holds.execute("COMMENT ON MATERIALIZED VIEW mv_orders IS 'held'");
      assertThatExceptionOfType(RefreshFailedException.class)
          .isThrownBy(
              () ->
                  views.withLockTimeout(Duration.ofMillis(50)).refresh(WipViews.view("mv_orders")));
    }

    assertThat(registry)
        .hasObservationWithNameEqualTo("wip.view.refresh")
        .that()
        .hasLowCardinalityKeyValue("outcome", "failed")
        .hasError();
  }

  @Thorough
  @Test
  void a_recreation_promotes_in_an_observation_per_view() {
    views.recreate(WipViews.view("mv_orders"));

    assertThat(registry)
        .hasSingleObservationThat()
        .hasNameEqualTo("wip.view.promote")
        .hasContextualNameEqualTo("promote mv_orders")
        .hasLowCardinalityKeyValue("view", "mv_orders")
        .hasBeenStopped()
        .doesNotHaveError();
  }

  @Thorough
  @Test
  void a_deploy_promotes_in_observations_and_names_a_failure(@TempDir Path folder)
      throws IOException {
    OwnChangelog own = OwnChangelog.in(folder).with(new OwnView("mv_new", "SELECT 1 AS id", "id"));
    WipViewsMigration migration =
        WipViewsMigration.of(database.dataSource()).withObserver(WipViewsObservations.of(registry));

    migration.withChangelog(own.location()).update();
    migration.withChangelog(own.location()).update();
    migration.freeze(List.of("mv_new"));
    own.with(new OwnView("mv_wrong", "SELECT 1 / count(*) AS id FROM orders WHERE false", "id"));
    assertThatExceptionOfType(WipViewsException.class)
        .isThrownBy(() -> migration.withChangelog(own.location()).update());

    assertThat(registry)
        .hasNumberOfObservationsWithNameEqualTo("wip.view.promote", 3)
        .hasNumberOfObservationsEqualTo(3)
        .hasAnObservation(one -> one.hasLowCardinalityKeyValue("view", "mv_wrong").hasError())
        .doesNotHaveAnyRemainingCurrentObservation();
  }

  @Test
  void a_refresh_in_the_callers_transaction_is_one_too() {
    DSL.using(database.dataSource(), SQLDialect.POSTGRES)
        .transaction(
            transaction ->
                WipViews.of(transaction)
                    .withObserver(WipViewsObservations.of(registry))
                    .refreshAll());

    assertThat(registry)
        .hasSingleObservationThat()
        .hasNameEqualTo("wip.view.refresh")
        .hasLowCardinalityKeyValue("view", "all")
        .hasLowCardinalityKeyValue("outcome", "refreshed");
  }
}
