package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.Psql;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * The distribution that {@code mvn package} has left in target, unpacked into an empty folder and
 * used from there as cron uses it: with nothing in the environment but what the crontab puts there.
 */
@Thorough
class DistributionTest {

  @RegisterExtension static final TestDatabase mes = TestDatabase.mes();

  /** To be read by everybody, unlike a test's own. */
  @TempDir(factory = Shared.class)
  private static Path folder;

  private static Path archive;

  private final TestDatabase database = TestDatabase.copyOf(mes);

  /** A folder that other users may read. */
  static final class Shared implements TempDirFactory {
    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context)
        throws IOException {
      return Files.setPosixFilePermissions(
          Files.createTempDirectory("distribution"), PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  /** What a command came to. */
  private record Run(int exitCode, String out, String err) {

    String succeeded() {
      assertThat(exitCode).as("%s%s", out, err).isZero();
      assertThat(err).isEmpty();
      return out;
    }
  }

  @BeforeAll
  static void is_there() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("target"))) {
      archive = files.filter(file -> file.toString().endsWith(".tar.gz")).findAny().orElse(null);
    }
    if (archive == null) {
      System.out.println("SKIPPED: there is no distribution in target; mvn package makes it");
    }
    assumeTrue(archive != null, "there is no distribution in target");
  }

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  /** Unpacks it into a new folder of this name. */
  private static Path unpacked(String name) throws Exception {
    Path into = Files.createDirectory(folder.resolve(name));
    run(
            Map.of("PATH", "/usr/bin:/bin"),
            "tar",
            "-xzf",
            archive.toAbsolutePath().toString(),
            "-C",
            into.toString())
        .succeeded();
    try (Stream<Path> files = Files.list(into)) {
      return files.findFirst().orElseThrow();
    }
  }

  private static Run run(Map<String, String> environment, String... command) throws Exception {
    Path out = Files.createTempFile(folder, "out", "");
    Path err = Files.createTempFile(folder, "err", "");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    int exitCode = Await.exitCode(builder.start());
    return new Run(exitCode, Files.readString(out), Files.readString(err));
  }

  /** The variables of a crontab, and the Java of this test. */
  private Map<String, String> crontab(String... more) {
    Map<String, String> environment = new HashMap<>(CommandLineProcess.environment(database));
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    for (int i = 0; i < more.length; i += 2) {
      environment.put(more[i], more[i + 1]);
    }
    return environment;
  }

  private static List<Path> archives(Path home) throws IOException {
    try (Stream<Path> files = Files.list(home.resolve("lib"))) {
      return files.filter(file -> file.toString().contains(".jsa")).toList();
    }
  }

  @Test
  void it_runs_from_cron_through_symlinks_in_a_spaced_folder() throws Exception {
    Path home = unpacked("a folder");
    Path current = Files.createSymbolicLink(folder.resolve("current"), folder.relativize(home));
    Path link = folder.resolve("wip-views");
    Files.createSymbolicLink(link, folder.relativize(current.resolve("bin/wip-views")));
    String wipViews = link.toString();

    run(crontab(), wipViews, "update", "--with", "db-scheduler").succeeded();
    assertThat(run(crontab(), wipViews, "refresh", "--quiet").succeeded()).isEmpty();
    assertThat(run(crontab(), wipViews, "freshness", "--fail-if-stale").succeeded())
        .contains("mv_process_wip_queue");
    assertThat(run(crontab(), wipViews, "doctor", "--format", "json").succeeded())
        .contains("\"healthy\"");

    Run unknown = run(crontab(), wipViews, "refresh", "mv_unknown");
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).startsWith("wip-views: ").contains("mv_unknown");
  }

  @Test
  void the_first_run_archives_classes_that_later_ones_use() throws Exception {
    Path home = unpacked("archived");
    String wipViews = home.resolve("bin/wip-views").toString();
    Path log = folder.resolve("classes.log");
    assertThat(run(crontab(), wipViews, "--version").succeeded()).startsWith("wip-views ");
    assertThat(archives(home)).singleElement().satisfies(made -> assertThat(made).isNotEmptyFile());

    run(crontab(), wipViews, "update").succeeded();
    run(
            crontab("WIP_VIEWS_JAVA_OPTS", "-Xmx128m -Xlog:class+load:file=" + log),
            wipViews,
            "freshness")
        .succeeded();

    assertThat(log)
        .content()
        .contains("org.jooq.impl.DSL source: shared objects file")
        .contains("com.f2x.neurohub.wipviews.WipViews source: shared objects file");
  }

  @Test
  void a_run_that_cannot_archive_succeeds_and_tries_once() throws Exception {
    Path home = unpacked("unlisted");
    String wipViews = home.resolve("bin/wip-views").toString();
    Files.delete(home.resolve("lib/wip-views-cli.classes"));

    assertThat(run(crontab(), wipViews, "--version").succeeded()).startsWith("wip-views ");
    assertThat(archives(home)).singleElement().satisfies(made -> assertThat(made).isEmptyFile());
    assertThat(run(crontab(), wipViews, "--version").succeeded()).startsWith("wip-views ");
  }

  @Test
  void a_user_who_may_not_write_there_runs_it() throws Exception {
    boolean root = "root".equals(System.getProperty("user.name"));
    boolean other = !root || Files.isExecutable(Path.of("/usr/bin/setpriv"));
    if (!other) {
      System.out.println("SKIPPED: root may write everywhere, and there is no setpriv");
    }
    assumeTrue(other, "root may write everywhere, and there is no setpriv");
    Path home = unpacked("read-only");
    Files.setPosixFilePermissions(
        home.resolve("lib"), PosixFilePermissions.fromString("r-xr-xr-x"));
    List<String> command = new ArrayList<>();
    if (root) {
      command.addAll(
          List.of("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
    }
    command.addAll(List.of(home.resolve("bin/wip-views").toString(), "--version"));

    assertThat(run(crontab(), command.toArray(String[]::new)).succeeded()).startsWith("wip-views ");
    assertThat(archives(home)).isEmpty();
  }

  @Test
  void without_java_it_says_what_to_do() throws Exception {
    String wipViews = unpacked("javaless").resolve("bin/wip-views").toString();

    Run wrong = run(crontab("JAVA_HOME", "/nowhere"), wipViews, "--version");

    assertThat(wrong.exitCode()).isEqualTo(1);
    assertThat(wrong.err())
        .isEqualTo("wip-views: JAVA_HOME is /nowhere, but there is no /nowhere/bin/java.\n");
  }

  @Test
  void the_demo_names_the_jar_that_it_needs() throws Exception {
    Run demo = run(crontab(), unpacked("demo").resolve("bin/wip-views").toString(), "demo");

    assertThat(demo.exitCode()).isEqualTo(1);
    assertThat(demo.err().lines())
        .singleElement()
        .asString()
        .startsWith("wip-views: ")
        .contains("wip-views-demo.jar");
  }

  @Test
  void its_script_deploys_by_psql_all_that_update_would() throws Exception {
    Psql.assumeInstalled();
    Path home = unpacked("script");

    String script = Files.readString(home.resolve("sql/deploy.sql"));

    Psql.run(database, script);

    assertThat(run(crontab(), home.resolve("bin/wip-views").toString(), "plan").succeeded())
        .contains("Nothing to deploy.");
    assertThat(database.rows("SELECT refresh_all_wip_views()")).hasSize(2);
    assertThatThrownBy(() -> Psql.run(database, script)).hasMessageContaining("already");
  }

  @Test
  void a_shell_completes_policies_opt_ins_and_view_names() throws Exception {
    Path home = unpacked("completed");
    String wipViews = home.resolve("bin/wip-views").toString();
    run(crontab(), wipViews, "update").succeeded();

    assertThat(completed(home, "schedule", "--policy", "")).contains("production", "development");
    assertThat(completed(home, "update", "--only", "")).contains("engine", "pg-cron");
    assertThat(completed(home, "refresh", "mv_p")).isEqualTo("mv_process_wip_queue");
    assertThat(completed(home, "refresh", "--max-age", "")).isEmpty();
  }

  private String completed(Path home, String... words) throws Exception {
    String line = "'" + home.resolve("bin/wip-views") + "' '" + String.join("' '", words) + "'";
    return run(
            crontab("PATH", "/usr/bin:/bin"),
            "bash",
            "-c",
            "compopt() { :; }; . '%s'; COMP_WORDS=(%s); COMP_CWORD=%d; %s; echo \"${COMPREPLY[*]}\""
                .formatted(
                    home.resolve("completion/wip-views.bash"),
                    line,
                    words.length,
                    "_complete_wip-views-names"))
        .succeeded()
        .strip();
  }

  @Test
  void it_has_what_an_operator_installs_beside_it() throws Exception {
    Path home = unpacked("whole");

    for (String file :
        List.of(
            "bin/wip-views.cmd",
            "systemd/wip-views.service",
            "monitoring/prometheus-rules.yaml",
            "monitoring/grafana-dashboard.json",
            "changelog/db.changelog-root.yaml",
            "views/wip_views/02_mv_process_wip_queue.sql",
            "sql/minimal-mes.sql",
            "docs/install.md",
            "licenses/THIRD-PARTY.txt",
            "licenses/postgresql/META-INF/LICENSE",
            "LICENSE")) {
      assertThat(home.resolve(file)).isNotEmptyFile();
    }
    for (String command : WipViewsCommand.commandLine(Map.of()).getSubcommands().keySet()) {
      assertThat(home.resolve("man/man1/wip-views-" + command + ".1"))
          .content(StandardCharsets.UTF_8)
          .contains(".SH SYNOPSIS\nwip\\-views " + command.replace("-", "\\-"));
    }
    try (Stream<Path> libraries = Files.list(home.resolve("liquibase_libs"))) {
      assertThat(libraries).singleElement().asString().contains("liquibase-sessionlock-");
    }
  }
}
