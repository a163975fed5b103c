package com.example.mes;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.zaxxer.hikari.HikariDataSource;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Predicate;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The whole service, called over HTTP, on a PostgreSQL of its own that is stopped at the end. */
@SpringBootTest(
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    properties = {
      "wip-views.lock-timeout=300ms",
      "wip-views.schedule.cron=0 0 0 1 1 *", // a run would get in the way of what is asserted
      "logging.level.io.zonky=warn",
      "logging.level.liquibase=warn"
    })
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MesDashboardTest {

  private static final String REFRESH = "/admin/refresh-wip-views";
  private static final String HEALTH = "/actuator/health/wipViews";
  private static final List<String> SECRETS =
      List.of("database-secret", "viewer-secret", "operator-secret");

  private static final HttpClient CLIENT = HttpClient.newHttpClient();
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final List<String> RESPONSES = new ArrayList<>();

  private static EmbeddedPostgres server;

  @Autowired private WipViews views;
  @Autowired private DataSource pool;
  @LocalServerPort private int port;

  /** The MES is there before the service; the service deploys the rest. */
  @DynamicPropertySource
  static void environment(DynamicPropertyRegistry environment) throws IOException {
    server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setServerConfig("fsync", "off")
            .setServerConfig("autovacuum", "off")
            .start();
    WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();
    environment.add("DATABASE_URL", () -> server.getJdbcUrl("postgres", "postgres"));
    environment.add("DATABASE_USERNAME", () -> "postgres");
    environment.add("DATABASE_PASSWORD", () -> SECRETS.get(0));
    environment.add("VIEWER_PASSWORD", () -> SECRETS.get(1));
    environment.add("OPERATOR_PASSWORD", () -> SECRETS.get(2));
  }

  @BeforeEach
  void the_views_are_fresh() throws SQLException {
    if (server != null) {
      execute("UPDATE wip_view SET freshness_target = interval '20 minutes'");
      views.refreshAll();
    }
  }

  /** Whatever was asked, by whom, and in which state. */
  @AfterAll
  static void no_response_tells_a_password_or_a_stack_trace() throws IOException {
    if (server != null) {
      server.close();
    }
    assertThat(RESPONSES)
        .hasSizeGreaterThan(20)
        .allSatisfy(
            response ->
                assertThat(response)
                    .doesNotContain(SECRETS)
                    .doesNotContain("\tat ", "\\tat ", "Exception"));
  }

  private HttpResponse<String> call(String method, String path, String user) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (user != null) {
      String credentials = user + ":" + user + "-secret";
      request.header(
          "Authorization",
          "Basic "
              + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)));
    }
    HttpResponse<String> response =
        CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    RESPONSES.add(response.headers().map() + " " + response.body());
    return response;
  }

  /**
   * Gets until it is as wanted: a reading that takes longer than two seconds, on a machine that is
   * busy, is given up.
   */
  private HttpResponse<String> get(String path, String user, Predicate<JsonNode> wanted)
      throws Exception {
    Instant deadline = Instant.now().plus(Duration.ofMinutes(3));
    HttpResponse<String> response = call("GET", path, user);
    while (!wanted.test(json(response))) {
      assertThat(Instant.now()).as(response.body()).isBefore(deadline);
      response = call("GET", path, user);
    }
    return response;
  }

  private HttpResponse<String> health(String user, String status) throws Exception {
    return get(HEALTH, user, health -> health.path("status").asString("").equals(status));
  }

  private static JsonNode json(HttpResponse<String> response) {
    return JSON.readTree(response.body());
  }

  private static JsonNode problem(HttpResponse<String> response, int status) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
    assertThat(json(response).get("status").asInt()).isEqualTo(status);
    return json(response);
  }

  private static List<String> outcomes(JsonNode answer) {
    return answer
        .get("views")
        .valueStream()
        .map(view -> view.get("view_name").asString() + " " + view.get("outcome").asString())
        .toList();
  }

  private static void execute(String... statements) throws SQLException {
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static String value(String query) throws SQLException {
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      return row.next() ? row.getString(1) : null;
    }
  }

  @Test
  void it_has_deployed_its_table_and_the_views_at_the_start() throws Exception {
    assertThat(value("SELECT to_regclass('shift_note')")).isEqualTo("shift_note");
    JsonNode stations = json(call("GET", "/stations", "viewer"));
    assertThat(stations).hasSize(6);
    assertThat(stations.get(0).get("name").asString()).isEqualTo("Laser Marking");
  }

  @Test
  void the_next_refresh_is_on_the_schedule() throws Exception {
    assertThat(
            value(
                "SELECT to_char(execution_time AT TIME ZONE 'Asia/Seoul', 'MM-DD HH24:MI')"
                    + " FROM wip_view_schedule"))
        .isEqualTo("01-01 00:00");
  }

  @Test
  void nobody_refreshes_without_saying_who_it_is() throws Exception {
    assertThat(call("POST", REFRESH, null).statusCode()).isEqualTo(401);
    assertThat(call("POST", "/actuator/wipviews", null).statusCode()).isEqualTo(401);
    assertThat(call("GET", "/actuator/wipviews", null).statusCode()).isEqualTo(401);
  }

  @Test
  void a_viewer_may_not_refresh() throws Exception {
    assertThat(call("POST", REFRESH, "viewer").statusCode()).isEqualTo(403);
    assertThat(call("POST", "/actuator/wipviews", "viewer").statusCode()).isEqualTo(403);
  }

  @Test
  void people_in_a_browser_are_protected_against_forged_requests() throws Exception {
    assertThat(call("POST", "/logout", "operator").statusCode()).isEqualTo(403);
  }

  @Test
  void an_operator_refreshes_and_is_told_what_happened_to_each_view() throws Exception {
    HttpResponse<String> response = call("POST", REFRESH, "operator");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(outcomes(json(response)))
        .containsExactly("mv_wip_status_dashboard refreshed", "mv_process_wip_queue refreshed");
    assertThat(json(response).at("/views/1/rows").asInt()).isEqualTo(6);
    problem(call("GET", REFRESH, "operator"), 405);
  }

  @Test
  void it_is_a_conflict_while_another_session_holds_the_views() throws Exception {
    try (Connection other = server.getPostgresDatabase().getConnection();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("SELECT refresh_all_wip_views()");

      JsonNode problem = problem(call("POST", REFRESH, "operator"), 409);

      assertThat(outcomes(problem))
          .containsExactly("mv_wip_status_dashboard failed", "mv_process_wip_queue failed");
      assertThat(problem.get("remedy").asString()).contains("try again");
      other.rollback();
    }
    assertThat(call("POST", REFRESH, "operator").statusCode()).isEqualTo(200);
  }

  @Test
  void the_service_is_unavailable_while_no_connection_can_be_had() throws Exception {
    pool.unwrap(HikariDataSource.class).setConnectionTimeout(500);
    List<Connection> all = new ArrayList<>();
    try {
      for (int i = 0; i < 5; i++) {
        all.add(pool.getConnection());
      }
      problem(call("POST", REFRESH, "operator"), 503);
    } finally {
      for (Connection connection : all) {
        connection.close();
      }
      pool.unwrap(HikariDataSource.class).setConnectionTimeout(30_000);
    }
  }

  @Test
  void fresh_views_are_up_and_only_an_operator_sees_the_details() throws Exception {
    assertThat(json(health(null, "UP")).toString()).isEqualTo("{\"status\":\"UP\"}");
    assertThat(json(health("operator", "UP")).at("/details/mv_process_wip_queue/state").asString())
        .isEqualTo("fresh");
  }

  @Test
  void stale_rows_are_reported_and_the_service_goes_on_serving_them() throws Exception {
    execute("UPDATE wip_view SET freshness_target = interval '1 microsecond'");

    assertThat(health(null, "STALE").statusCode()).isEqualTo(200);
    get("/actuator/health", null, health -> health.path("status").asString("").equals("UP"));
  }

  @Test
  void a_view_that_is_not_populated_takes_the_service_down() throws Exception {
    execute("REFRESH MATERIALIZED VIEW mv_process_wip_queue WITH NO DATA");

    assertThat(health(null, "DOWN").statusCode()).isEqualTo(503);
    assertThat(json(call("GET", "/actuator/health", null)).get("status").asString())
        .isEqualTo("DOWN");
    assertThat(call("POST", REFRESH, "operator").statusCode()).isEqualTo(200);
    assertThat(health(null, "UP").statusCode()).isEqualTo(200);
  }

  @Test
  void a_view_that_is_missing_takes_the_service_down() throws Exception {
    execute("DROP MATERIALIZED VIEW mv_process_wip_queue");

    assertThat(health(null, "DOWN").statusCode()).isEqualTo(503);
    assertThat(outcomes(problem(call("POST", REFRESH, "operator"), 500)))
        .containsExactly("mv_wip_status_dashboard refreshed", "mv_process_wip_queue failed");
    views.recreate(MV_PROCESS_WIP_QUEUE);
    assertThat(health(null, "UP").statusCode()).isEqualTo(200);
  }

  @Test
  void the_actuator_shows_freshness_and_history() throws Exception {
    JsonNode all = json(call("GET", "/actuator/wipviews?limit=3", "viewer"));
    assertThat(all.get("views")).hasSize(2);
    assertThat(all.get("history")).hasSize(3);

    JsonNode one = json(call("GET", "/actuator/wipviews/mv_process_wip_queue", "viewer"));
    assertThat(one.get("views")).hasSize(1);
    assertThat(one.at("/views/0/state").asString()).isEqualTo("fresh");
    assertThat(one.get("history").valueStream())
        .isNotEmpty()
        .allMatch(row -> row.get("view_name").asString().equals("mv_process_wip_queue"));
  }

  @Test
  void the_services_metrics_have_those_of_the_views() throws Exception {
    get(
        "/actuator/metrics/wip.view.target?tag=view:mv_process_wip_queue",
        "viewer",
        target -> target.at("/measurements/0/value").asDouble(0) == 20 * 60);
  }

  @Test
  void the_actuator_refreshes_all_views_or_one() throws Exception {
    assertThat(outcomes(json(call("POST", "/actuator/wipviews", "operator")))).hasSize(2);
    assertThat(outcomes(json(call("POST", "/actuator/wipviews/mv_process_wip_queue", "operator"))))
        .containsExactly("mv_process_wip_queue refreshed");
  }

  @Test
  void the_actuator_names_what_is_wrong_with_a_call() throws Exception {
    assertThat(
            problem(call("GET", "/actuator/wipviews/no_such_view", "viewer"), 404)
                .get("detail")
                .asString())
        .contains("no_such_view");
    problem(call("POST", "/actuator/wipviews/no_such_view", "operator"), 404);
    problem(call("GET", "/actuator/wipviews?limit=0", "viewer"), 400);
  }

  @Test
  @Order(Integer.MAX_VALUE)
  void without_a_database_the_service_says_that_it_is_unavailable() throws Exception {
    server.close();
    server = null;
    pool.unwrap(HikariDataSource.class).setConnectionTimeout(500);

    JsonNode problem = problem(call("POST", REFRESH, "operator"), 503);

    assertThat(problem.get("title").asString()).isEqualTo("Service Unavailable");
    assertThat(problem.get("remedy").asString()).contains("server runs");
    problem(call("GET", "/actuator/wipviews", "viewer"), 503);
    assertThat(call("GET", HEALTH, null).statusCode()).isEqualTo(503);
    assertThat(json(call("GET", HEALTH, "operator")).at("/details/remedy").asString())
        .contains("server runs");
  }
}
