package com.example.board;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

@ExtendWith(OutputCaptureExtension.class)
class BoardTest {

  private static EmbeddedPostgres server;

  @BeforeAll
  static void start() throws IOException {
    server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setServerConfig("fsync", "off")
            .start();
    WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();
  }

  @AfterAll
  static void stop() throws IOException {
    server.close();
  }

  @Test
  void the_declared_bean_works_and_nothing_else_is_configured(CapturedOutput output)
      throws Exception {
    try (ConfigurableApplicationContext service =
        SpringApplication.run(
            Board.class,
            "--spring.datasource.url=" + server.getJdbcUrl("postgres", "postgres"),
            "--spring.datasource.username=postgres",
            "--server.port=0")) {
      WipViews views = service.getBean(WipViews.class);
      assertThat(views.refreshAll()).hasSize(2);
      assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);

      assertThat(
              Arrays.stream(service.getBeanDefinitionNames())
                  .filter(
                      name -> {
                        Class<?> type = service.getType(name);
                        return type != null
                            && type.getName().startsWith("com.f2x.neurohub.wipviews.");
                      }))
          .containsExactly("wipViews");
      assertThat(output.getOut())
          .containsOnlyOnce("wip-views configures nothing here: this is Spring Boot 3.");
      String port = service.getEnvironment().getProperty("local.server.port");
      assertThat(post(port, "/admin/refresh-wip-views")).isEqualTo(404);
      assertThat(post(port, "/actuator/wipviews")).isEqualTo(404);
    }
  }

  private static int post(String port, String path) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }
}
