package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UsageTest {

  private static final String FORM = "jdbc:postgresql://HOST:PORT/DATABASE";

  private final Cli cli = Cli.without();

  @Test
  void help_names_every_command_and_the_exit_codes() {
    Cli.Result help = cli.run("--help");

    assertThat(help.exitCode()).isZero();
    assertThat(help.out())
        .contains("demo", "update", "refresh", "freshness", "history", "doctor", "blockers")
        .contains("recreate", "rollback")
        .contains("Exit codes")
        .contains("3   unhealthy");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "demo",
        "plan",
        "update",
        "refresh",
        "freshness",
        "history",
        "doctor",
        "blockers",
        "recreate",
        "schedule",
        "rollback"
      })
  void help_of_each_command_fits_80_columns(String command) {
    Cli.Result help = cli.run(command, "--help");

    assertThat(help.exitCode()).isZero();
    assertThat(help.outLines()).isNotEmpty().allMatch(line -> line.length() <= 80);
  }

  @Test
  void version_is_one_line() {
    assertThat(cli.run("--version").outLines()).hasSize(1).allMatch(l -> l.startsWith("wip-views"));
  }

  @Test
  void no_command_names_the_commands() {
    isWrongUsage(cli.run(), "refresh, freshness, history");
  }

  @Test
  void an_unknown_command_is_named() {
    isWrongUsage(cli.run("refrsh"), "unknown command \"refrsh\"");
  }

  @Test
  void an_unknown_option_is_named_without_its_value() {
    Cli.Result result = cli.run("refresh", "--pasword=hunter2");

    isWrongUsage(result, "unknown option --pasword");
    assertThat(result.err()).doesNotContain("hunter2");
  }

  @Test
  void a_password_as_an_argument_is_refused_and_not_repeated() {
    Cli.Result result = cli.run("freshness", "--password", "hunter2");

    isWrongUsage(result, "--password-file");
    assertThat(result.err()).doesNotContain("hunter2");
  }

  @Test
  void a_second_view_for_history_is_refused() {
    isWrongUsage(cli.run("history", "one", "two"), "unexpected argument \"two\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plan",
        "update",
        "refresh",
        "freshness",
        "history",
        "doctor",
        "blockers",
        "recreate",
        "schedule",
        "rollback"
      })
  void a_missing_connection_names_the_options(String command) {
    isWrongUsage(
        cli.run(command),
        "--url " + FORM,
        "--username",
        "--password-file",
        "WIP_VIEWS_URL",
        "PGHOST");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "postgres://user:hunter2@host/mes",
        "jdbc:mysql://host/mes?password=hunter2",
        "jdbc:postgresql://host:port/mes?password=hunter2",
        "host/mes"
      })
  void a_bad_url_names_the_right_form_and_is_not_repeated(String url) {
    Cli.Result result = cli.run("freshness", "--url", url);

    isWrongUsage(result, "--url is not of the form " + FORM);
    assertThat(result.err()).doesNotContain("hunter2");
  }

  @Test
  void a_bad_url_in_the_environment_names_the_variable() {
    isWrongUsage(
        cli.with("WIP_VIEWS_URL", "localhost").run("freshness"),
        "WIP_VIEWS_URL is not of the form");
  }

  @Test
  void a_socket_directory_in_pghost_is_refused() {
    isWrongUsage(cli.with("PGHOST", "/var/run/postgresql").run("freshness"), "PGHOST", "TCP");
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "0", "99999"})
  void a_port_that_is_none_is_refused(String port) {
    isWrongUsage(
        cli.with("PGHOST", "localhost").with("PGPORT", port).run("freshness"),
        "PGPORT is not a port from 1 to 65535: " + port);
  }

  @Test
  void a_service_of_libpq_is_refused_unless_there_is_a_url() {
    Cli service = cli.with("PGSERVICE", "mes").with("PGHOST", "localhost");

    isWrongUsage(service.run("freshness"), "PGSERVICE", "PGHOST", "--url");
    assertThat(service.run("freshness", "--url", "jdbc:postgresql://127.0.0.1:1/mes").exitCode())
        .isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mes:hunter2@host/mes", "mes:hunter2@host:5432/mes", "mes@host/mes"})
  void a_user_before_the_host_is_refused_and_not_repeated(String rest) {
    Cli.Result result = cli.run("freshness", "--url", "jdbc:postgresql://" + rest);

    isWrongUsage(result, "--url", "@", "--username", "--password-file");
    assertThat(result.err()).doesNotContain("hunter2");
  }

  @Test
  void two_options_of_which_one_is_enough_are_refused() {
    isWrongUsage(
        cli.run("update", "--with", "pg-cron", "--only", "pg-cron"),
        "give only one of --with and --only");
  }

  @Test
  void an_option_of_history_that_would_do_nothing_is_refused() {
    isWrongUsage(cli.run("history", "--days", "3"), "--days", "--summary");
    isWrongUsage(cli.run("history", "--summary", "--limit", "3"), "--limit", "--summary");
  }

  @Test
  void a_password_file_that_is_not_utf_8_is_named(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("password"), new byte[] {(byte) 0xb5, '\n'});

    isWrongUsage(
        cli.run("freshness", "--url", "jdbc:postgresql:mes", "--password-file", file.toString()),
        file + " is not UTF-8");
  }

  @Test
  void a_password_file_that_cannot_be_read_is_named() {
    isWrongUsage(
        cli.run("freshness", "--url", "jdbc:postgresql:mes", "--password-file", "no/such/file"),
        "cannot read the password file no/such/file");
  }

  @ParameterizedTest
  @ValueSource(strings = {"30", "soon", "-5s", "1.5h", ""})
  void a_duration_that_is_none_is_refused_with_examples(String duration) {
    isWrongUsage(
        cli.run("refresh", "--max-age", duration), "--max-age", "500ms, 30s, 5m, 2h or 1d");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--lock-timeout", "--statement-timeout"})
  void a_timeout_of_zero_is_refused(String option) {
    isWrongUsage(cli.run("refresh", option, "0s"), option + " must be at least 1ms");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--lock-timeout", "--statement-timeout"})
  void a_timeout_that_the_server_would_not_take_is_refused(String option) {
    isWrongUsage(cli.run("refresh", option, "25d"), option + " must be", "at most 24 d 20 h");
  }

  @Test
  void a_limit_of_zero_is_refused() {
    isWrongUsage(cli.run("history", "--limit", "0"), "--limit must be at least 1");
  }

  @Test
  void a_format_that_is_none_names_the_formats() {
    isWrongUsage(
        cli.run("history", "--format", "xml"), "--format", "'xml' is neither text nor json");
  }

  @Test
  void a_parameter_without_a_value_is_refused() {
    isWrongUsage(
        cli.run("update", "--param", "stuckAfter"), "--param must be NAME=VALUE, not stuckAfter");
  }

  @Test
  void an_unknown_parameter_names_the_known_ones() {
    isWrongUsage(
        cli.run("update", "--param", "stuckafter=1 hour"),
        "unknown parameter stuckafter",
        "stuckAfter",
        "readerRole");
  }

  @Test
  void an_unknown_opt_in_changelog_names_the_ones_there_are() {
    isWrongUsage(
        cli.run("update", "--with", "pgcron"),
        "unknown opt-in changelog pgcron",
        "there are db-scheduler, pg-cron");
    isWrongUsage(cli.run("update", "--only", "pgcron"), "unknown changelog pgcron");
  }

  @Test
  void a_parameter_of_an_opt_in_changelog_is_known_only_with_it() {
    isWrongUsage(cli.run("update", "--param", "cronZone=Asia/Seoul"), "unknown parameter cronZone");
    isWrongUsage(
        cli.run("update", "--with", "pg-cron", "--param", "cronZone=Asia/Seoul"),
        "no database was named");
    isWrongUsage(
        cli.run("update", "--only", "pg-cron", "--param", "readerRole=x"),
        "unknown parameter readerRole",
        "cronZone");
  }

  @Test
  void a_stack_trace_is_shown_only_with_debug() {
    assertThat(cli.run("freshness").err()).doesNotContain("\tat ");
    assertThat(cli.run("freshness", "--debug").err()).contains("\tat ");
    assertThat(cli.run("--debug", "freshness").err()).contains("\tat ");
  }

  @Test
  void an_error_is_coloured_on_a_terminal_only() {
    assertThat(cli.onTerminal().run("refrsh").err()).contains("\u001b[");
    assertThat(cli.run("refrsh").err()).doesNotContain("\u001b[");
  }

  private static void isWrongUsage(Cli.Result result, String... said) {
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.errLines())
        .singleElement()
        .asString()
        .startsWith("wip-views: ")
        .contains(said);
    assertThat(result.err()).contains("--help");
  }

  @Test
  void a_start_makes_the_model_of_its_own_command_alone() {
    WipViewsCommand.commandLine(Map.of())
        .getSubcommands()
        .forEach(
            (name, command) ->
                assertThat(WipViewsCommand.named(name, "--help"))
                    .singleElement()
                    .isEqualTo(command.getCommandSpec().userObject().getClass()));
    assertThat(WipViewsCommand.named()).isEqualTo(WipViewsCommand.named("--debug", "plan"));
    assertThat(WipViewsCommand.named("plam")).hasSizeGreaterThan(10);
  }
}
