import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import org.jooq.codegen.GenerationTool;
import org.jooq.meta.jaxb.Configuration;
import org.jooq.meta.jaxb.ForcedType;
import org.jooq.meta.jaxb.Generate;
import org.jooq.meta.jaxb.Generator;
import org.jooq.meta.jaxb.Target;

/**
 * Generates the package {@code jooq} from an embedded PostgreSQL that ran the project's own
 * changelogs, so that the typed Java cannot differ from what is deployed.
 *
 * <p>Run by the build: {@code java GenerateJooq.java CLASSES LIBRARY_FOLDER OUTPUT_FOLDER}. An
 * output that is newer than every changelog, view and this file is left alone.
 */
class GenerateJooq {

  private static final List<Path> INPUTS =
      List.of(Path.of("changelog"), Path.of("views"), Path.of("src/codegen"), Path.of("pom.xml"));

  /** Held, or its level would be gone with the next garbage collection. */
  private static final Logger LIQUIBASE = Logger.getLogger("liquibase");

  public static void main(String[] args) throws Exception {
    String library = args[1];
    Path output = Path.of(args[2]);
    namePathsFromTheRoot(Path.of(args[0], library, "changelog"), library);
    Path done = output.resolveSibling("jooq.done");
    if (Files.exists(done) && newest() <= Files.getLastModifiedTime(done).toMillis()) {
      return;
    }
    System.setProperty("org.jooq.no-logo", "true");
    System.setProperty("org.jooq.no-tips", "true");
    System.setProperty("liquibase.analytics.enabled", "false");
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    System.setProperty("org.slf4j.simpleLogger.log.org.jooq", "error");
    LIQUIBASE.setLevel(Level.WARNING);
    // without the C locale the order of names, and so the generated code, would be the machine's
    try (EmbeddedPostgres server =
            EmbeddedPostgres.builder()
                .setPGStartupWait(Duration.ofMinutes(3))
                .setLocaleConfig("locale", "C")
                .setServerConfig("fsync", "off")
                .start();
        Connection connection = server.getPostgresDatabase().getConnection()) {
      deploy(connection, library + "/changelog/mes-schema.changelog.yaml");
      deploy(connection, library + "/changelog/db.changelog-root.yaml");
      connection.setAutoCommit(true);
      generate(connection, output);
    }
    Files.writeString(done, "");
  }

  /**
   * In the jar, a view's file has the path from its root: Liquibase before 4.32 does not find
   * ../views in a jar. The path is no part of a changeset's checksum.
   */
  private static void namePathsFromTheRoot(Path changelogs, String library) throws Exception {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(changelogs, "*.yaml")) {
      for (Path file : files) {
        String text = Files.readString(file);
        String named =
            text.replaceAll(
                "path: \\.\\./views/([^,]+), relativeToChangelogFile: true",
                "path: " + library + "/views/$1");
        if (!named.equals(text)) {
          Files.writeString(file, named);
        }
      }
    }
  }

  private static long newest() throws Exception {
    long newest = 0;
    for (Path input : INPUTS) {
      try (Stream<Path> files = Files.walk(input)) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          newest = Math.max(newest, Files.getLastModifiedTime(file).toMillis());
        }
      }
    }
    return newest;
  }

  private static void deploy(Connection connection, String changelog) throws Exception {
    Database database =
        DatabaseFactory.getInstance()
            .findCorrectDatabaseImplementation(new JdbcConnection(connection));
    Scope.child(
        Scope.Attr.ui,
        new liquibase.ui.LoggerUIService(),
        () ->
            new CommandScope("update")
                .addArgumentValue("database", database)
                .addArgumentValue("changelogFile", changelog)
                .setOutput(OutputStream.nullOutputStream())
                .execute());
  }

  private static void generate(Connection connection, Path output) throws Exception {
    GenerationTool tool = new GenerationTool();
    tool.setConnection(connection);
    tool.run(
        new Configuration()
            .withGenerator(
                new Generator()
                    .withDatabase(
                        new org.jooq.meta.jaxb.Database()
                            .withName("org.jooq.meta.postgres.PostgresDatabase")
                            .withInputSchema("public")
                            // the views and ours; not the MES, and not Liquibase's own tables
                            .withIncludes("mv_.*|wip_view.*|refresh_.*")
                            // the checks, which wip_view_findings() calls
                            .withExcludes("wip_view_find_.*")
                            .withOutputSchemaToDefault(true)
                            .withForcedTypes(
                                new ForcedType()
                                    .withUserType("java.time.Duration")
                                    .withConverter(
                                        "org.jooq.Converter.ofNullable(org.jooq.types.YearToSecond.class,"
                                            + " java.time.Duration.class,"
                                            // the driver reads seconds as a double, and jOOQ
                                            // cuts it off: a nanosecond short of a microsecond
                                            + " i -> i.toDuration().plusNanos(500)"
                                            + ".truncatedTo(java.time.temporal.ChronoUnit.MICROS),"
                                            + " org.jooq.types.YearToSecond::valueOf)")
                                    .withIncludeTypes("INTERVAL")))
                    .withGenerate(
                        new Generate()
                            .withJavaTimeTypes(true)
                            .withComments(true)
                            .withRecords(true)
                            .withGlobalObjectReferences(true)
                            .withNullableAnnotation(false))
                    .withTarget(
                        new Target()
                            .withPackageName("com.f2x.neurohub.wipviews.jooq")
                            .withDirectory(output.toString())
                            .withClean(true))));
  }
}
