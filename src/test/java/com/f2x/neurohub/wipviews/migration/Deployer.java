package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A deploy as a process of its own, which a test can kill. It begins when it gets a line, tells its
 * progress, and says DONE.
 */
record Deployer(Process process, BufferedReader out) implements AutoCloseable {

  private static final String DONE = "DONE";

  /** Arguments: what to do (update or recreate), URL, user, password. */
  public static void main(String[] args) throws IOException {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(args[1]);
    dataSource.setUser(args[2]);
    dataSource.setPassword(args[3]);
    dataSource.setApplicationName("deployer");
    WipViewsMigration migration =
        WipViewsMigration.of(dataSource).withProgress(System.out::println);
    System.in.read();
    if (args[0].equals("update")) {
      migration.update();
    } else {
      migration.recreate(List.of());
    }
    System.out.println(DONE);
  }

  /** Starts a process that waits for {@link #go()}. */
  static Deployer start(TestDatabase database, String what) throws IOException {
    return start(database, what, System.getProperty("java.class.path"));
  }

  /** The same with a jar in the place of the compiled classes. */
  static Deployer start(TestDatabase database, String what, LibraryJar jar) throws IOException {
    return start(database, what, jar.classPath());
  }

  private static Deployer start(TestDatabase database, String what, String classPath)
      throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Djava.util.logging.config.file=src/test/resources/logging.properties",
                "-classpath",
                classPath,
                Deployer.class.getName(),
                what,
                database.url(),
                database.user(),
                database.password())
            .redirectErrorStream(true)
            .start();
    return new Deployer(
        process,
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)));
  }

  void go() throws IOException {
    process.getOutputStream().write('\n');
    process.getOutputStream().flush();
  }

  void awaitDone() throws IOException {
    awaitLines(Integer.MAX_VALUE);
  }

  /** Waits for its end, which is a success, and returns what it told. */
  List<String> output() throws IOException, InterruptedException {
    List<String> lines = out.lines().toList();
    assertThat(Await.exitCode(process)).as(() -> String.join("\n", lines)).isZero();
    return lines.subList(0, lines.size() - 1);
  }

  /** Waits until it has told so many lines of progress; whether it was done before. */
  boolean awaitLines(int number) throws IOException {
    List<String> told = new ArrayList<>();
    while (told.size() < number) {
      String line = out.readLine();
      if (line == null) {
        throw new AssertionError("a deploy ended early:\n" + String.join("\n", told));
      }
      if (line.equals(DONE)) {
        return true;
      }
      told.add(line);
    }
    return false;
  }

  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
