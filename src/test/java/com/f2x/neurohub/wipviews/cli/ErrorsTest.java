package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.PostgresServer;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorsTest {

  private static final String SECRET = "hunter2-not-to-be-seen";

  @RegisterExtension static final TestDatabase database = TestDatabase.mes();

  private final Cli cli = Cli.on(database);

  @ParameterizedTest
  @ValueSource(strings = {"refresh", "freshness", "history"})
  void a_schema_where_nothing_is_deployed_says_how_to_deploy(String command) {
    isOneLine(cli.run(command), "wip-views is not deployed in this schema", "wip-views update");
  }

  @ParameterizedTest
  @ValueSource(strings = {"refresh", "freshness", "history", "update", "recreate"})
  void a_schema_that_is_not_there_is_named(String command) {
    isOneLine(cli.run(command, "--schema", "no_such_schema"), "no_such_schema");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "refresh",
        "freshness",
        "history",
        "update",
        "update --sql",
        "recreate",
        "rollback"
      })
  void a_database_that_is_not_there_is_named(String command) {
    isOneLine(
        cli.with("WIP_VIEWS_URL", PostgresServer.get().url("no_such_database"))
            .run(command.split(" ")),
        "database \"no_such_database\" does not exist",
        "Check the database's name in the URL.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"refresh", "update", "rollback"})
  void a_port_where_nobody_listens_is_named(String command) {
    isOneLine(
        cli.with("WIP_VIEWS_URL", "jdbc:postgresql://127.0.0.1:1/mes").run(command),
        "127.0.0.1:1 refused",
        "Check");
  }

  @Test
  void a_wrong_password_says_so_and_is_not_repeated() throws Exception {
    String role = "scram_" + database.name();
    String hba = database.value("SELECT pg_read_file(current_setting('hba_file'))");
    database.execute(
        "CREATE ROLE " + role + " LOGIN PASSWORD 'right'",
        // the embedded server trusts everybody, unless a line before says otherwise
        hbaFile("host all " + role + " all scram-sha-256\n" + hba),
        "SELECT pg_reload_conf()");
    try {
      Await.until("the server asks for a password", () -> !connects(role, SECRET));

      for (String command : new String[] {"refresh", "update", "rollback"}) {
        Cli.Result inVariable =
            cli.with("WIP_VIEWS_USERNAME", role).with("WIP_VIEWS_PASSWORD", SECRET).run(command);
        Cli.Result inUrl =
            Cli.without()
                .run(command, "--url", database.url() + "?user=" + role + "&password=" + SECRET);

        isOneLine(inVariable, "password authentication failed", role, "Check the user name");
        isOneLine(inUrl, "password authentication failed", role, "Check the user name");
      }
    } finally {
      database.execute(hbaFile(hba), "SELECT pg_reload_conf()", "DROP ROLE " + role);
    }
  }

  private static boolean connects(String role, String password) {
    try {
      database.connect(role, password).close();
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  private static String hbaFile(String lines) throws SQLException {
    return "COPY (SELECT unnest(string_to_array("
        + quoted(lines.stripTrailing())
        + ", E'\\n'))) TO "
        + quoted(database.value("SHOW hba_file"));
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  @Test
  void a_role_that_may_not_is_told_what_to_ask_for() throws SQLException {
    TestDatabase deployed = TestDatabase.deployed().create();
    String role = "reader_" + deployed.name();
    deployed.execute("CREATE ROLE " + role + " LOGIN PASSWORD '" + SECRET + "'");
    try {
      isOneLine(
          Cli.on(deployed)
              .with("WIP_VIEWS_USERNAME", role)
              .with("WIP_VIEWS_PASSWORD", SECRET)
              .run("refresh"),
          "permission denied",
          "refresherRole");
    } finally {
      deployed.drop();
      database.execute("DROP ROLE " + role);
    }
  }

  @Test
  void a_stack_trace_with_debug_holds_no_password_either() {
    Cli.Result result =
        Cli.without()
            .run(
                "refresh",
                "--debug",
                "--url",
                PostgresServer.get().url("no_such_database") + "?user=postgres&password=" + SECRET);

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("\tat ").doesNotContain(SECRET);
  }

  @Test
  void a_role_in_a_parameter_that_is_not_there_is_named() {
    isOneLine(cli.run("update", "--param", "readerRole=no_such_role"), "no_such_role");
  }

  /** In a JVM of its own, whose logging is that of the command line. */
  @Thorough
  @Test
  void a_bad_url_is_not_logged_by_the_driver_either(@TempDir Path folder) throws Exception {
    CommandLineProcess freshness =
        CommandLineProcess.start(
            database,
            folder,
            "freshness",
            "--url=jdbc:postgresql://host:port/mes?password=" + SECRET);

    assertThat(freshness.exitCode()).isEqualTo(2);
    assertThat(freshness.outLines()).isEmpty();
    assertThat(freshness.errLines()).singleElement().asString().doesNotContain(SECRET);
  }

  private static void isOneLine(Cli.Result result, String... said) {
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.out()).isEmpty();
    assertThat(result.errLines())
        .singleElement()
        .asString()
        .startsWith("wip-views: ")
        .contains(said)
        .doesNotContain(SECRET);
  }
}
