package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine;

class ConnectionOptionsTest {

  private final Cli libpq =
      Cli.without()
          .with("PGHOST", "pg-host")
          .with("PGPORT", "6543")
          .with("PGDATABASE", "pg_database")
          .with("PGUSER", "pg_user")
          .with("PGPASSWORD", "pg_password");

  private final Cli ours =
      libpq
          .with("WIP_VIEWS_URL", "jdbc:postgresql://our-host:7654/our_database")
          .with("WIP_VIEWS_USERNAME", "our_user")
          .with("WIP_VIEWS_PASSWORD", "our_password");

  @TempDir Path folder;

  @Test
  void libpqs_variables_are_enough() {
    PGSimpleDataSource source = options(libpq).dataSource();

    assertThat(source.getServerNames()).containsExactly("pg-host");
    assertThat(source.getPortNumbers()).containsExactly(6543);
    assertThat(source.getDatabaseName()).isEqualTo("pg_database");
    assertThat(source.getUser()).isEqualTo("pg_user");
    assertThat(source.getPassword()).isEqualTo("pg_password");
  }

  @Test
  void libpqs_defaults_hold() {
    PGSimpleDataSource source = options(Cli.without().with("PGDATABASE", "mes")).dataSource();

    assertThat(source.getServerNames()).containsExactly("localhost");
    assertThat(source.getPortNumbers()).containsExactly(5432);
    assertThat(
            options(Cli.without().with("PGHOST", "h").with("PGUSER", "joe"))
                .dataSource()
                .getDatabaseName())
        .isEqualTo("joe");
  }

  @Test
  void our_variables_come_before_libpqs() {
    PGSimpleDataSource source = options(ours).dataSource();

    assertThat(source.getServerNames()).containsExactly("our-host");
    assertThat(source.getPortNumbers()).containsExactly(7654);
    assertThat(source.getDatabaseName()).isEqualTo("our_database");
    assertThat(source.getUser()).isEqualTo("our_user");
    assertThat(source.getPassword()).isEqualTo("our_password");
  }

  @Test
  void pgoptions_are_passed_on_unless_the_url_has_its_own() {
    String settings = "-c wip_views.promote_limit=5min";

    assertThat(options(libpq.with("PGOPTIONS", settings)).dataSource().getOptions())
        .isEqualTo(settings);
    assertThat(options(ours.with("PGOPTIONS", settings)).dataSource().getOptions())
        .isEqualTo(settings);
    assertThat(
            options(
                    libpq.with("PGOPTIONS", settings),
                    "--url",
                    "jdbc:postgresql://host/database?options=-c%20work_mem=1GB")
                .dataSource()
                .getOptions())
        .isEqualTo("-c work_mem=1GB");
    assertThat(options(libpq).dataSource().getOptions()).isNull();
  }

  @Test
  void options_come_before_all_variables() throws Exception {
    Path password = Files.writeString(folder.resolve("password"), "file_password\nmore\n");

    PGSimpleDataSource source =
        options(
                ours,
                "--url",
                "jdbc:postgresql://host:8765/database",
                "--username",
                "user",
                "--password-file",
                password.toString())
            .dataSource();

    assertThat(source.getServerNames()).containsExactly("host");
    assertThat(source.getPortNumbers()).containsExactly(8765);
    assertThat(source.getDatabaseName()).isEqualTo("database");
    assertThat(source.getUser()).isEqualTo("user");
    assertThat(source.getPassword()).isEqualTo("file_password");
  }

  @Test
  void each_value_falls_back_on_its_own() {
    PGSimpleDataSource source =
        options(libpq.with("WIP_VIEWS_USERNAME", "our_user"), "--url", "jdbc:postgresql://h/d")
            .dataSource();

    assertThat(source.getUser()).isEqualTo("our_user");
    assertThat(source.getPassword()).isEqualTo("pg_password");
  }

  @Test
  void a_user_in_the_url_option_comes_before_the_variables() {
    PGSimpleDataSource source =
        options(ours, "--url", "jdbc:postgresql://h/d?user=url_user&password=url%20password")
            .dataSource();

    assertThat(source.getUser()).isEqualTo("url_user");
    assertThat(source.getPassword()).isEqualTo("url password");
  }

  @Test
  void a_user_in_the_url_is_between_our_variables_and_libpqs() {
    String url = "jdbc:postgresql://h/d?user=url_user&password=url_password";

    assertThat(options(ours.with("WIP_VIEWS_URL", url)).dataSource().getUser())
        .isEqualTo("our_user");
    assertThat(options(libpq.with("WIP_VIEWS_URL", url)).dataSource().getUser())
        .isEqualTo("url_user");
  }

  @Test
  void the_schema_is_the_option_our_variable_or_the_connections() {
    assertThat(options(ours).schema()).isNull();
    assertThat(options(ours.with("WIP_VIEWS_SCHEMA", "mes")).schema()).isEqualTo("mes");
    assertThat(options(ours.with("WIP_VIEWS_SCHEMA", "mes"), "--schema", "other").schema())
        .isEqualTo("other");
  }

  @Test
  void an_empty_variable_is_as_good_as_none() {
    assertThat(options(libpq.with("WIP_VIEWS_URL", "")).dataSource().getServerNames())
        .containsExactly("pg-host");
  }

  @Test
  void the_application_is_named_unless_the_url_names_it() {
    assertThat(options(ours).dataSource().getApplicationName()).isEqualTo("wip-views");
    assertThat(
            options(ours, "--url", "jdbc:postgresql://h/d?ApplicationName=cron")
                .dataSource()
                .getApplicationName())
        .isEqualTo("cron");
  }

  @Test
  void properties_of_the_url_are_kept() {
    assertThat(
            options(ours, "--url", "jdbc:postgresql://h/d?sslmode=require&currentSchema=mes")
                .dataSource()
                .getURL())
        .contains("sslmode=require", "currentSchema=mes");
  }

  @Test
  void libpqs_ssl_variables_hold_unless_the_url_says_otherwise() {
    Cli safe = libpq.with("PGSSLMODE", "verify-full").with("PGSSLROOTCERT", "/etc/ca.crt");

    PGSimpleDataSource source = options(safe).dataSource();
    assertThat(source.getSslMode()).isEqualTo("verify-full");
    assertThat(source.getSslRootCert()).isEqualTo("/etc/ca.crt");

    PGSimpleDataSource other =
        options(safe, "--url", "jdbc:postgresql://h/d?sslmode=require").dataSource();
    assertThat(other.getSslMode()).isEqualTo("require");
    assertThat(other.getSslRootCert()).isEqualTo("/etc/ca.crt");
  }

  private static ConnectionOptions options(Cli cli, String... args) {
    List<String> all = new ArrayList<>(List.of("freshness"));
    all.addAll(List.of(args));
    CommandLine root = cli.commandLine();
    root.parseArgs(all.toArray(String[]::new));
    return (ConnectionOptions) root.getSubcommands().get("freshness").getMixins().get("connection");
  }
}
