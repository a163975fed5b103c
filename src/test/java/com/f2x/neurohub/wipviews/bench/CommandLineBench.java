package com.f2x.neurohub.wipviews.bench;

import static com.f2x.neurohub.wipviews.bench.Ratio.millis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.testing.Psql;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import liquibase.integration.commandline.LiquibaseCommandLine;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** What an operator waits for, from the start of the process to its end. */
class CommandLineBench {

  @RegisterExtension static final Report report = new Report();

  private static final int TURNS = 5;
  private static final Path JAR = Path.of("target/wip-views-cli.jar");
  private static final String ROOT = "com/f2x/neurohub/wipviews/changelog/db.changelog-root.yaml";

  /** Liquibase's own class path has no other jars; with all those of the tests it starts slower. */
  private static final List<String> LIQUIBASE =
      List.of(
          "liquibase", "postgresql-", "picocli", "snakeyaml", "opencsv", "commons-", "jaxb-api");

  @TempDir private Path folder;

  private static Path archive;

  @BeforeAll
  static void is_packaged() throws IOException {
    try (Stream<Path> files = Files.list(JAR.getParent())) {
      archive = files.filter(file -> file.toString().endsWith(".tar.gz")).findAny().orElse(null);
    }
    boolean packaged = Files.exists(JAR) && archive != null;
    if (!packaged) {
      System.out.println(
          "SKIPPED: there is no command line in target; mvn -Pbench verify makes it");
    }
    assumeTrue(packaged, "there is no command line in target");
  }

  @Test
  void update_with_nothing_to_do() throws Exception {
    PGSimpleDataSource dataSource = BenchServer.get().smaller();
    Report.behind("j1", "the whole process, in ms", steps("update", jar(dataSource, "update")));
    Report.atMost(
        1,
        "j1",
        "update with nothing to do, whole process",
        "Liquibase's own status, whole process",
        Ratio.of(
            TURNS,
            millis(() -> run(jar(dataSource, "update"))),
            millis(() -> liquibase(dataSource))));
  }

  @Test
  void freshness() throws Exception {
    PGSimpleDataSource dataSource = BenchServer.get().smaller();
    run(List.of("tar", "xzf", archive.toString(), "-C", folder.toString()));
    Path script;
    try (Stream<Path> unpacked = Files.list(folder)) {
      script = unpacked.findAny().orElseThrow().resolve("bin/wip-views");
    }
    List<String> freshness =
        List.of(
            script.toString(),
            "freshness",
            "--url",
            dataSource.getUrl(),
            "--username",
            dataSource.getUser());
    String database =
        "postgresql://%s@localhost:%d/%s"
            .formatted(
                dataSource.getUser(), dataSource.getPortNumbers()[0], dataSource.getDatabaseName());
    // the first run archives the classes
    run(freshness);
    Report.behind("j2", "the whole process, in ms", steps("freshness", freshness));
    Report.behind("j2", "of which the JVM", steps("java -version", java(List.of("-version"))));
    Report.behind(
        "j2",
        "and with the classes of the command line",
        steps("wip-views --version", List.of(script.toString(), "--version")));
    String what = "freshness, whole process, from the distribution with its class archive";
    if (Psql.isInstalled()) {
      Ratio ratio =
          Ratio.of(
              2 * TURNS,
              millis(() -> run(freshness)),
              millis(() -> run(List.of("psql", "-c", "table wip_view_freshness", database))));
      Report.atMost(10, "j2", what, "psql -c 'table wip_view_freshness'", ratio);
      Report.under(600, "j3", what, ratio.cost());
    } else {
      Report.under(600, "j3", what, Measured.of(TURNS, millis(() -> run(freshness))));
    }
  }

  private static List<String> steps(String name, List<String> command) throws Exception {
    return List.of(name + ": " + Measured.of(3, millis(() -> run(command))));
  }

  private static List<String> jar(PGSimpleDataSource dataSource, String command) {
    return java(
        List.of(
            "-jar",
            JAR.toString(),
            command,
            "--url",
            dataSource.getUrl(),
            "--username",
            dataSource.getUser()));
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
    run(
        java(
            List.of(
                "-classpath",
                classPath,
                LiquibaseCommandLine.class.getName(),
                "status",
                "--changelog-file=" + ROOT,
                "--url=" + dataSource.getUrl(),
                "--username=postgres")));
  }

  private static List<String> java(List<String> arguments) {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(arguments);
    return line;
  }

  private static void run(List<String> command) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LIQUIBASE_ANALYTICS_ENABLED", "false");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }
}
