package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a command loads before it does anything, which is most of what its user waits for. */
class StartTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  @Test
  void freshness_loads_nothing_of_what_other_commands_need() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xlog:class+load",
            "-classpath",
            System.getProperty("java.class.path"),
            WipViewsCommand.class.getName(),
            "freshness",
            "--url",
            database.url(),
            "--username",
            database.user());
    builder.environment().put("WIP_VIEWS_PASSWORD", database.password());
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();

    List<String> loaded =
        output
            .lines()
            .filter(line -> line.contains(" source: "))
            .map(line -> line.replaceFirst("^.*\\] (\\S+) source: .*$", "$1"))
            .toList();
    assertThat(loaded)
        .contains(WipViewsCommand.class.getName(), "org.jooq.impl.DSL")
        .noneMatch(name -> name.startsWith("liquibase."))
        .noneMatch(name -> name.startsWith("tools.jackson."))
        .noneMatch(name -> name.startsWith("io.zonky."));
  }
}
