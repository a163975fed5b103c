package com.example.mes;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A test of the service's own on an embedded server, as the documents show it. */
@SpringBootTest(
    properties = {
      "service.viewer-password=viewer",
      "service.operator-password=operator",
      "wip-views.schedule.cron=0 0 0 1 1 *"
    })
class EmbeddedServerTest {

  @Autowired private WipViews views;

  @DynamicPropertySource
  static void database(DynamicPropertyRegistry properties) throws IOException {
    EmbeddedPostgres server =
        EmbeddedPostgres.builder().setPGStartupWait(Duration.ofMinutes(3)).start();
    WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();
    properties.add("spring.datasource.url", () -> server.getJdbcUrl("postgres", "postgres"));
    properties.add("spring.datasource.username", () -> "postgres");
    properties.add("spring.datasource.password", () -> "");
  }

  @Test
  void the_service_has_deployed_its_views() {
    assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
  }
}
