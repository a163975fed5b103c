package com.f2x.neurohub.wipviews.migration;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A deploy as a process of its own, which a test can kill. It says READY when all its classes are
 * loaded, deploys when it gets a line, and says DONE.
 */
final class Deployer {

  private Deployer() {}

  /** Arguments: what to do (update or recreate), URL, user, password, URL to warm up with. */
  public static void main(String[] args) throws IOException, SQLException {
    WipViewsMigration migration = WipViewsMigration.of(dataSource(args[1], args));
    WipViewsMigration.of(dataSource(args[4], args)).update();
    System.out.println("READY");
    System.in.read();
    if (args[0].equals("update")) {
      migration.update();
    } else {
      migration.recreate(List.of());
    }
    System.out.println("DONE");
  }

  private static PGSimpleDataSource dataSource(String url, String... args) {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(url);
    dataSource.setUser(args[2]);
    dataSource.setPassword(args[3]);
    return dataSource;
  }

  static Process start(String what, String url, String user, String password, String warmUpUrl)
      throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Djava.util.logging.config.file=src/test/resources/logging.properties",
            "-classpath",
            System.getProperty("java.class.path"),
            Deployer.class.getName(),
            what,
            url,
            user,
            password,
            warmUpUrl)
        .redirectErrorStream(true)
        .start();
  }
}
