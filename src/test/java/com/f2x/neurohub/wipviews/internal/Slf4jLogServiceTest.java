package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class Slf4jLogServiceTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  @Test
  void liquibase_logs_through_slf4j_and_prints_nothing_itself() throws Exception {
    ProcessBuilder command =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.log.liquibase=info",
            "-classpath",
            System.getProperty("java.class.path"),
            "com.f2x.neurohub.wipviews.cli.WipViewsCommand",
            "update");
    command.environment().put("WIP_VIEWS_URL", database.url());
    command.environment().put("WIP_VIEWS_USERNAME", database.user());
    command.environment().put("WIP_VIEWS_PASSWORD", database.password());
    Process update = command.start();
    String out = new String(update.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(update.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(update.waitFor()).as(err).isZero();
    assertThat(out.lines()).singleElement().asString().startsWith("No changes to deploy");
    assertThat(err.lines())
        .allMatch(line -> line.startsWith("[main] INFO liquibase."))
        .anyMatch(line -> line.endsWith("Update command completed successfully."));
  }
}
