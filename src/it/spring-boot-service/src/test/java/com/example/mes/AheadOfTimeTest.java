package com.example.mes;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.AnnotationConfigUtils;

/** The service as {@code process-aot} has prepared it. */
class AheadOfTimeTest {

  @Test
  void the_service_runs_with_what_was_prepared_ahead_of_time() throws Exception {
    System.setProperty("spring.aot.enabled", "true");
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setServerConfig("fsync", "off")
            .start()) {
      WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();
      SpringApplication application = new SpringApplication(MesDashboard.class);
      application.setMainApplicationClass(MesDashboard.class);
      try (ConfigurableApplicationContext service =
          application.run(
              "--DATABASE_URL=" + server.getJdbcUrl("postgres", "postgres"),
              "--DATABASE_USERNAME=postgres",
              "--DATABASE_PASSWORD=",
              "--VIEWER_PASSWORD=viewer",
              "--OPERATOR_PASSWORD=operator",
              "--wip-views.schedule.cron=0 0 0 1 1 *",
              "--server.port=0")) {
        // no class is read for annotations any more
        assertThat(
                service.containsBean(
                    AnnotationConfigUtils.CONFIGURATION_ANNOTATION_PROCESSOR_BEAN_NAME))
            .isFalse();
        assertThat(service.getBean(WipViews.class).rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
        String port = service.getEnvironment().getProperty("local.server.port");
        assertThat(post(port, "operator:operator")).isEqualTo(200);
        assertThat(post(port, "nobody:operator")).isEqualTo(401);
      }
    } finally {
      System.clearProperty("spring.aot.enabled");
    }
  }

  private static int post(String port, String user) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(
                    URI.create("http://localhost:" + port + "/admin/refresh-wip-views"))
                .header(
                    "Authorization", "Basic " + Base64.getEncoder().encodeToString(user.getBytes()))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }
}
