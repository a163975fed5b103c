package com.f2x.neurohub.wipviews.spring;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.Columns;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jooq.Field;
import org.jooq.Table;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.http.MediaType;
import org.springframework.test.web.servlet.assertj.MockMvcTester;
import org.springframework.test.web.servlet.assertj.MvcTestResult;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the caller of {@code POST /admin/refresh-wip-views} is told. */
class WipViewsHttpAutoConfigurationTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String PATH = "/admin/refresh-wip-views";

  /** What a test does with the endpoint. */
  private interface Calls {
    void with(MockMvcTester http) throws Exception;
  }

  private static void service(DataSource dataSource, Calls calls) {
    service(dataSource, "wip-views.lock-timeout=3m", calls);
  }

  private static void service(DataSource dataSource, String property, Calls calls) {
    new WebApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                WipViewsAutoConfiguration.class,
                WipViewsHttpAutoConfiguration.class,
                DispatcherServletAutoConfiguration.class,
                WebMvcAutoConfiguration.class))
        .withBean(DataSource.class, () -> dataSource)
        .withPropertyValues(
            "wip-views.http.enabled=true", "wip-views.http.allow-unprotected=true", property)
        .run(context -> calls.with(MockMvcTester.from(context)));
  }

  private static JsonNode problem(MvcTestResult answer, int status) throws Exception {
    assertThat(answer).hasStatus(status).hasContentType(MediaType.APPLICATION_PROBLEM_JSON);
    JsonNode problem = json(answer);
    assertThat(problem.get("status").asInt()).isEqualTo(status);
    return problem;
  }

  private static JsonNode json(MvcTestResult answer) throws Exception {
    return JsonMapper.builder().build().readTree(answer.getResponse().getContentAsString());
  }

  private static List<String> outcomes(JsonNode answer) {
    return answer
        .get("views")
        .valueStream()
        .map(view -> view.get("view_name").asString() + " " + view.get("outcome").asString())
        .toList();
  }

  private static List<String> columns(Table<?> table) {
    return columns(table.fields());
  }

  private static List<String> columns(Field<?>... fields) {
    return Stream.of(fields).map(Field::getName).toList();
  }

  @Test
  void each_view_is_answered_under_the_names_of_the_columns() {
    service(
        database.dataSource(),
        http -> {
          MvcTestResult answer = http.post().uri(PATH).exchange();

          assertThat(answer).hasStatus(200).hasContentType(MediaType.APPLICATION_JSON);
          assertThat(outcomes(json(answer)))
              .containsExactly(
                  "mv_wip_status_dashboard refreshed", "mv_process_wip_queue refreshed");
          JsonNode queue = json(answer).get("views").get(1);
          List<String> published = new ArrayList<>(columns(WIP_VIEW_REFRESH));
          // bookkeeping, which nobody outside reads
          published.removeAll(columns(WIP_VIEW_REFRESH.SERVED_FROM, WIP_VIEW_REFRESH.ROWS_AS_OF));
          assertThat(queue.propertyNames()).containsExactlyElementsOf(published);
          assertThat(queue.get("mode").asString()).isEqualTo("concurrent");
          assertThat(queue.get("rows").asInt()).isEqualTo(6);
          assertThat(queue.get("duration").isNumber()).isTrue();
          assertThat(queue.get("started_at").asString()).matches("2.*T.*Z");
          assertThat(queue.get("error").isNull()).isTrue();
        });
  }

  @Test
  void a_freshness_has_the_names_of_the_databases_columns() {
    assertThat(Columns.of(WipViews.of(database.dataSource()).freshness().get(0)).keySet())
        .containsExactlyElementsOf(columns(WIP_VIEW_FRESHNESS));
  }

  @Thorough
  @Test
  void it_is_a_conflict_while_every_view_is_locked() {
    service(
        database.dataSource(),
        "wip-views.lock-timeout=100ms",
        http -> {
          try (Connection other = holding("SELECT refresh_all_wip_views()")) {
            JsonNode problem = problem(http.post().uri(PATH).exchange(), 409);

            assertThat(problem.get("title").asString()).isEqualTo("Conflict");
            assertThat(problem.get("sqlstate").asString()).isEqualTo("55P03");
            assertThat(problem.get("remedy").asString()).contains("try again");
            assertThat(outcomes(problem))
                .containsExactly("mv_wip_status_dashboard failed", "mv_process_wip_queue failed");
            other.rollback();
          }
          assertThat(http.post().uri(PATH)).hasStatus(200);
        });
  }

  @Test
  void it_is_an_error_when_some_views_failed_and_says_which() {
    service(
        database.dataSource(),
        "wip-views.lock-timeout=100ms",
        http -> {
          try (Connection other = holding("SELECT refresh_wip_view('mv_process_wip_queue')")) {
            JsonNode problem = problem(http.post().uri(PATH).exchange(), 500);

            assertThat(problem.get("detail").asString()).startsWith("mv_process_wip_queue: ");
            assertThat(outcomes(problem))
                .containsExactly(
                    "mv_wip_status_dashboard refreshed", "mv_process_wip_queue failed");
            other.rollback();
          }
        });
  }

  private static Connection holding(String sql) throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
    return connection;
  }

  @Thorough
  @Test
  void without_a_database_the_service_is_unavailable() {
    PGSimpleDataSource nowhere = new PGSimpleDataSource();
    nowhere.setUrl("jdbc:postgresql://127.0.0.1:1/mes");
    nowhere.setPassword("not-to-be-told");

    service(
        nowhere,
        http -> {
          MvcTestResult answer = http.post().uri(PATH).exchange();

          assertThat(problem(answer, 503).get("detail").asString()).contains("refused");
          assertThat(answer).bodyText().doesNotContain("not-to-be-told", "\tat ", "Exception");
        });
  }

  @Test
  void where_nothing_is_deployed_the_problem_says_what_to_do() throws Exception {
    TestDatabase empty = TestDatabase.empty().create();
    try {
      service(
          empty.dataSource(),
          http ->
              assertThat(problem(http.post().uri(PATH).exchange(), 500).get("remedy").asString())
                  .contains("wip-views update"));
    } finally {
      empty.drop();
    }
  }

  @Thorough
  @Test
  void another_method_is_told_which_one_is_allowed() {
    service(
        database.dataSource(),
        http -> {
          MvcTestResult answer = http.get().uri(PATH).exchange();

          assertThat(answer).hasHeader("Allow", "POST");
          assertThat(problem(answer, 405).get("detail").asString()).contains("POST refreshes");
        });
  }
}
