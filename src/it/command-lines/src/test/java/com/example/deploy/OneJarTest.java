package com.example.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

class OneJarTest {

  private static final String JAR = System.getProperty("cli.jar");

  @Test
  void the_one_jar_deploys_refreshes_and_shows() throws Exception {
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setPGStartupWait(Duration.ofMinutes(3))
            .setLocaleConfig("locale", "C")
            .setServerConfig("fsync", "off")
            .start()) {
      WipViewsMigration.of(server.getPostgresDatabase()).installMinimalMes();

      String deployed = wipViews(server, "update", "--with", "db-scheduler");
      assertTrue(deployed.contains("mv_process_wip_queue"), deployed);
      assertEquals("", wipViews(server, "refresh", "--quiet"));
      String fresh = wipViews(server, "freshness", "--fail-if-stale", "--format", "json");
      assertTrue(fresh.replace(" ", "").contains("\"state\":\"fresh\""), fresh);
    }
  }

  @Test
  void it_holds_what_the_command_line_needs_and_no_more() throws Exception {
    try (JarFile jar = new JarFile(JAR)) {
      assertTrue(jar.getEntry("META-INF/services/liquibase.database.Database") != null);
      assertTrue(jar.getEntry("META-INF/services/java.sql.Driver") != null);
      assertEquals(
          List.of(),
          jar.stream()
              .map(entry -> entry.getName())
              .filter(
                  name ->
                      name.startsWith("org/springframework/") || name.startsWith("io/micrometer/"))
              .limit(3)
              .toList());
    }
  }

  private static String wipViews(EmbeddedPostgres server, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-jar",
                JAR));
    command.addAll(List.of(arguments));
    command.add("--url");
    command.add(server.getJdbcUrl("postgres", "postgres"));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output;
  }
}
