package com.example.mes;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.testcontainers.service.connection.ServiceConnection;
import org.springframework.context.annotation.Bean;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/** A test of the service's own with Testcontainers, as the documents show it. */
@SpringBootTest(
    properties = {
      "service.viewer-password=viewer",
      "service.operator-password=operator",
      "wip-views.schedule.cron=0 0 0 1 1 *"
    })
class ContainerTest {

  @Autowired private WipViews views;

  @BeforeAll
  static void a_docker_engine_answers() {
    boolean answers = DockerClientFactory.instance().isDockerAvailable();
    if (!answers) {
      System.out.println("SKIPPED: no Docker engine answers");
    }
    assumeTrue(answers, "a Docker engine answers");
  }

  @TestConfiguration(proxyBeanMethods = false)
  static class Database {
    @Bean
    @ServiceConnection
    PostgreSQLContainer postgres() {
      PostgreSQLContainer postgres = new PostgreSQLContainer("postgres:14.20-alpine");
      postgres.start();
      PGSimpleDataSource mes = new PGSimpleDataSource();
      mes.setUrl(postgres.getJdbcUrl());
      mes.setUser(postgres.getUsername());
      mes.setPassword(postgres.getPassword());
      WipViewsMigration.of(mes).installMinimalMes();
      return postgres;
    }
  }

  @Test
  void the_service_has_deployed_its_views() {
    assertThat(views.rows(MV_PROCESS_WIP_QUEUE)).hasSize(6);
  }
}
