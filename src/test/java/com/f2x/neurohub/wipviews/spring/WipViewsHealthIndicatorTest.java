package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.boot.health.actuate.endpoint.HttpCodeStatusMapper;
import org.springframework.boot.health.actuate.endpoint.StatusAggregator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;

/** Whether the views can be read, and are fresh enough, as Spring Boot reports it. */
class WipViewsHealthIndicatorTest {

  private final TestDatabase database = TestDatabase.service();

  @BeforeEach
  void create() throws SQLException {
    database.create();
    WipViews.of(database.dataSource()).refreshAll();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  private Health health() {
    return health(database.dataSource());
  }

  /** With more patience than any answer takes. */
  private static Health health(DataSource dataSource) {
    return new WipViewsHealthIndicator(WipViews.of(dataSource), Duration.ofMinutes(3)).health();
  }

  private static Object state(Health health, String view) {
    return ((Map<?, ?>) health.getDetails().get(view)).get("state");
  }

  @Test
  void fresh_views_are_up() {
    Health health = health();

    assertThat(health.getStatus()).isEqualTo(Status.UP);
    assertThat(health.getDetails()).containsOnlyKeys("mv_orders", "mv_customers");
    assertThat(state(health, "mv_customers")).isEqualTo("fresh");
  }

  @Test
  void a_stale_view_is_stale() throws SQLException {
    database.execute(
        "UPDATE wip_view SET freshness_target = interval '1 microsecond' WHERE view_name ="
            + " 'mv_customers'");

    Health health = health();

    assertThat(health.getStatus().getCode()).isEqualTo("STALE");
    assertThat(state(health, "mv_customers")).isEqualTo("stale");
    assertThat(state(health, "mv_orders")).isEqualTo("fresh");
  }

  @Test
  void a_frozen_view_is_stale_whatever_its_age() throws SQLException {
    database.execute("SELECT wip_view_freeze('mv_customers')");

    Health health = health();

    assertThat(health.getStatus().getCode()).isEqualTo("STALE");
    assertThat(state(health, "mv_customers")).isEqualTo("frozen");
  }

  @Test
  void a_view_that_is_not_populated_is_down() throws SQLException {
    database.execute("REFRESH MATERIALIZED VIEW mv_customers WITH NO DATA");

    assertThat(health().getStatus()).isEqualTo(Status.DOWN);
    assertThat(state(health(), "mv_customers")).isEqualTo("unpopulated");
  }

  @Test
  void a_view_that_is_missing_is_down_whatever_else_is_stale() throws SQLException {
    database.execute(
        "UPDATE wip_view SET freshness_target = interval '1 microsecond'",
        "DROP MATERIALIZED VIEW mv_customers");

    assertThat(health().getStatus()).isEqualTo(Status.DOWN);
    assertThat(state(health(), "mv_customers")).isEqualTo("missing");
  }

  @Test
  void without_a_database_it_is_down_and_says_why() {
    PGSimpleDataSource nowhere = new PGSimpleDataSource();
    nowhere.setUrl(database.url().replace(database.name(), "no_such_database"));
    nowhere.setUser(database.user());
    nowhere.setPassword(database.password());

    Health health = health(nowhere);

    assertThat(health.getStatus()).isEqualTo(Status.DOWN);
    assertThat(health.getDetails())
        .extractingByKeys("error", "remedy")
        .containsExactly(
            "database \"no_such_database\" does not exist",
            "Check the database's name in the URL.");
  }

  @Thorough
  @Test
  void a_database_that_does_not_answer_is_down() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      PGSimpleDataSource nowhere = new PGSimpleDataSource();
      nowhere.setUrl("jdbc:postgresql://127.0.0.1:" + silent.getLocalPort() + "/mes");
      HealthIndicator indicator =
          new WipViewsHealthIndicator(WipViews.of(nowhere), Duration.ofSeconds(1));

      // it never answers: without a limit, this call would not return
      Health health = Await.result(Background.call(indicator::health));

      assertThat(health.getStatus()).isEqualTo(Status.DOWN);
      assertThat(health.getDetails())
          .containsEntry("error", "the database did not answer within 1 s")
          .containsKey("remedy");
    }
  }

  @Test
  void stale_rows_are_unhealthy_only_where_the_service_says_so() throws SQLException {
    database.execute("UPDATE wip_view SET freshness_target = interval '1 microsecond'");
    Status stale = health().getStatus();

    assertThat(StatusAggregator.getDefault().getAggregateStatus(Status.UP, stale))
        .isEqualTo(Status.UP);
    assertThat(HttpCodeStatusMapper.getDefault().getStatusCode(stale)).isEqualTo(200);

    assertThat(
            StatusAggregator.of("down", "out-of-service", "stale", "up", "unknown")
                .getAggregateStatus(Status.UP, stale))
        .isEqualTo(stale);
    assertThat(
            HttpCodeStatusMapper.of(Map.of("down", 503, "out-of-service", 503, "stale", 503))
                .getStatusCode(stale))
        .isEqualTo(503);
  }
}
