package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.Background;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.http.ProblemDetail;

/** What {@code /actuator/wipviews} answers; over HTTP it is called in src/it. */
class WipViewsEndpointTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.service();

  private final WipViewsEndpoint endpoint =
      new WipViewsEndpoint(WipViews.of(database.dataSource()));

  private static List<?> list(WebEndpointResponse<Object> response, String name) {
    assertThat(response.getStatus()).isEqualTo(200);
    return (List<?>) ((Map<?, ?>) response.getBody()).get(name);
  }

  private static ProblemDetail problem(WebEndpointResponse<Object> response) {
    ProblemDetail problem = (ProblemDetail) response.getBody();
    assertThat(response.getStatus()).isEqualTo(problem.getStatus());
    return problem;
  }

  @Test
  void reading_shows_freshness_and_as_many_attempts_as_asked_for() {
    endpoint.refresh();

    assertThat(list(endpoint.read(null), "views")).hasSize(2);
    assertThat(list(endpoint.read(1), "history")).hasSize(1);
    assertThat(list(endpoint.read("mv_customers", null), "views")).hasSize(1);
    assertThat(list(endpoint.read("mv_customers", null), "history"))
        .isNotEmpty()
        .allSatisfy(
            row -> assertThat(((Map<?, ?>) row).get("view_name")).isEqualTo("mv_customers"));
  }

  @Test
  void writing_refreshes_all_views_or_one() {
    assertThat(list(endpoint.refresh(), "views")).hasSize(2);
    assertThat(list(endpoint.refresh("mv_customers"), "views")).hasSize(1);
  }

  @Test
  void an_unknown_view_and_a_limit_below_one_are_named() {
    assertThat(problem(endpoint.read("no_such_view", null)).getDetail()).contains("no_such_view");
    assertThat(problem(endpoint.refresh("no_such_view")).getStatus()).isEqualTo(404);
    assertThat(problem(endpoint.read(0)).getStatus()).isEqualTo(400);
  }

  @Test
  void a_refresh_that_the_database_ended_is_unavailable() throws Exception {
    try (Connection other = database.connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
      Future<WebEndpointResponse<Object>> call =
          Background.call(() -> endpoint.refresh("mv_customers"));
      Await.until(
          "the refresh waits and is ended",
          () ->
              database.value(
                      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                          + " WHERE datname = current_database() AND wait_event_type = 'Lock'")
                  != null);

      ProblemDetail problem = problem(Await.result(call));

      assertThat(problem.getStatus()).isEqualTo(503);
      assertThat(problem.getProperties()).containsEntry("sqlstate", "57P01").containsKey("views");
    }
  }
}
