package com.f2x.neurohub.wipviews.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/** The real psql, where there is one on the PATH. */
public final class Psql {

  private Psql() {}

  /** Skips the calling test, saying why, where there is no psql. */
  public static void assumeInstalled() {
    if (!isInstalled()) {
      System.out.println("SKIPPED: there is no psql on the PATH");
    }
    assumeTrue(isInstalled(), "there is no psql on the PATH");
  }

  public static boolean isInstalled() {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "psql")));
  }

  /** What tells libpq the database. */
  public static Map<String, String> environment(TestDatabase database) {
    return Map.of(
        "PGHOST", PostgresServer.get().host(),
        "PGPORT", Integer.toString(PostgresServer.get().port()),
        "PGDATABASE", database.name(),
        "PGUSER", database.user(),
        "PGPASSWORD", database.password(),
        "PGCLIENTENCODING", "UTF8");
  }

  /** Runs a script, which must not fail anywhere; what it printed. */
  public static String run(TestDatabase database, String script)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder("psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-f", "-");
    builder.environment().putAll(environment(database));
    Path input = Files.createTempFile("psql", ".sql");
    try {
      Files.writeString(input, script);
      Process psql = builder.redirectInput(input.toFile()).redirectErrorStream(true).start();
      String output = new String(psql.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(psql.waitFor()).as(output).isZero();
      return output;
    } finally {
      Files.delete(input);
    }
  }
}
