package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.io.File;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import liquibase.command.CommandScope;
import liquibase.integration.commandline.LiquibaseCommandLine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

/** What an operator waits for, from the start of the process to its end. */
class CommandLineBench {

  @RegisterExtension static final Report report = new Report();

  private static final int TURNS = 7;
  private static final Path JAR = Path.of("target/wip-views-cli.jar");
  private static final String ROOT = "com/f2x/neurohub/wipviews/changelog/db.changelog-root.yaml";

  /** Liquibase's own class path has no other jars; with all those of the tests it starts slower. */
  private static final List<String> LIQUIBASE =
      List.of(
          "liquibase", "postgresql-", "picocli", "snakeyaml", "opencsv", "commons-", "jaxb-api");

  @Test
  void update_with_nothing_to_do() throws Exception {
    PGSimpleDataSource dataSource = BenchServer.get().smaller();
    Report.atMost(
        1,
        "j2",
        "update with nothing to do, in one JVM",
        "Liquibase's own status",
        Ratio.of(
            15,
            millis(() -> WipViewsMigration.of(dataSource).update()),
            millis(() -> status(dataSource))));
    assumeJar();
    Report.atMost(
        1,
        "j1",
        "update with nothing to do, whole process",
        "Liquibase's own status, whole process",
        Ratio.of(
            TURNS,
            millis(() -> wipViews(dataSource, "update")),
            millis(() -> liquibase(dataSource))));
  }

  @Test
  void freshness() throws Exception {
    assumeJar();
    PGSimpleDataSource dataSource = BenchServer.get().smaller();
    List<Double> times = new ArrayList<>();
    for (int turn = -1; turn < TURNS; turn++) {
      double time = millis(() -> wipViews(dataSource, "freshness")).cost();
      if (turn >= 0) {
        times.add(time);
      }
    }
    times.sort(null);
    double median = Ratio.median(times);
    Report.row(
        "j3",
        "wip-views freshness, whole process",
        "",
        "",
        "%.0f ms (%.0f–%.0f)".formatted(median, times.get(0), times.get(times.size() - 1)),
        "under 1,500 ms",
        median < 1500 ? "yes" : "no, by %.0f ms".formatted(median - 1500));
  }

  private static void assumeJar() {
    if (!Files.exists(JAR)) {
      System.out.println("SKIPPED: there is no " + JAR + "; mvn -Pbench verify makes it");
    }
    assumeTrue(Files.exists(JAR), "there is no " + JAR);
  }

  private static void status(PGSimpleDataSource dataSource) throws Exception {
    new CommandScope("status")
        .addArgumentValue("changelogFile", ROOT)
        .addArgumentValue("url", dataSource.getUrl())
        .addArgumentValue("username", dataSource.getUser())
        .setOutput(OutputStream.nullOutputStream())
        .execute();
  }

  private static void wipViews(PGSimpleDataSource dataSource, String command) throws Exception {
    java(
        List.of(
            "-jar",
            JAR.toString(),
            command,
            "--url",
            dataSource.getUrl(),
            "--username",
            "postgres"));
  }

  private static void liquibase(PGSimpleDataSource dataSource) throws Exception {
    String classPath =
        Stream.concat(
                Stream.of("target/classes"),
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                    .filter(
                        jar ->
                            LIQUIBASE.stream()
                                .anyMatch(Path.of(jar).getFileName().toString()::startsWith)))
            .collect(Collectors.joining(File.pathSeparator));
    java(
        List.of(
            "-classpath",
            classPath,
            LiquibaseCommandLine.class.getName(),
            "status",
            "--changelog-file=" + ROOT,
            "--url=" + dataSource.getUrl(),
            "--username=postgres"));
  }

  private static void java(List<String> arguments) throws Exception {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
    builder.environment().put("LIQUIBASE_ANALYTICS_ENABLED", "false");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }
}
