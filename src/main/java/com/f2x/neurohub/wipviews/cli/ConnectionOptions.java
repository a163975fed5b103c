package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The database and the role. Each value by itself: an option, else a variable of ours, else one of
 * libpq's. A user or password inside a URL ranks where the URL does.
 */
final class ConnectionOptions {

  private static final String FORM = "jdbc:postgresql://HOST:PORT/DATABASE";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = FORM + "; else WIP_VIEWS_URL, else PGHOST, PGPORT, PGDATABASE.")
  private @Nullable String url;

  @Option(
      names = "--username",
      paramLabel = "NAME",
      description = "Role to log in with; else WIP_VIEWS_USERNAME, else PGUSER.")
  private @Nullable String username;

  @Option(
      names = "--password-file",
      paramLabel = "FILE",
      description =
          "File whose first line is the password; else WIP_VIEWS_PASSWORD, else PGPASSWORD.")
  private @Nullable Path passwordFile;

  @Option(
      names = "--schema",
      paramLabel = "NAME",
      description =
          "Schema of the MES tables and the views; else WIP_VIEWS_SCHEMA, else the first one of the"
              + " search_path.")
  private @Nullable String schema;

  WipViews views() {
    return WipViews.of(dataSource()).withSchema(schema());
  }

  WipViewsMigration migration() {
    try {
      return WipViewsMigration.of(dataSource()).withSchema(schema());
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  /**
   * Takes the schema by the name that it has in the changelog.
   *
   * @param parameter the schema; null if it was not given so
   */
  void schemaParameter(@Nullable String parameter) {
    if (parameter == null) {
      return;
    }
    if (schema != null && !schema.equals(parameter)) {
      throw wrong(
          "--schema " + schema + " and --param schema=" + parameter + " are the same thing");
    }
    schema = parameter;
  }

  /** Returns the schema; null for the one on top of the search_path. */
  @Nullable String schema() {
    return first(schema, variable("WIP_VIEWS_SCHEMA"));
  }

  PGSimpleDataSource dataSource() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    Properties inUrl = new Properties();
    String given = first(url, variable("WIP_VIEWS_URL"));
    if (given != null) {
      inUrl = parsed(given);
      dataSource.setUrl(given);
    } else {
      libpq(dataSource);
    }
    String userInUrl = inUrl.getProperty("user");
    String passwordInUrl = inUrl.getProperty("password");
    boolean optionUrl = url != null;
    dataSource.setUser(
        first(
            username,
            optionUrl ? userInUrl : null,
            variable("WIP_VIEWS_USERNAME"),
            userInUrl,
            variable("PGUSER")));
    dataSource.setPassword(
        first(
            passwordFile == null ? null : firstLine(passwordFile),
            optionUrl ? passwordInUrl : null,
            variable("WIP_VIEWS_PASSWORD"),
            passwordInUrl,
            variable("PGPASSWORD")));
    if (inUrl.getProperty("sslmode") == null) {
      dataSource.setSslMode(first(variable("PGSSLMODE")));
    }
    if (inUrl.getProperty("sslrootcert") == null) {
      dataSource.setSslRootCert(first(variable("PGSSLROOTCERT")));
    }
    if (inUrl.getProperty("options") == null) {
      dataSource.setOptions(variable("PGOPTIONS"));
    }
    if (inUrl.getProperty("ApplicationName") == null) {
      dataSource.setApplicationName(WipViewsCommand.NAME);
    }
    return dataSource;
  }

  private Properties parsed(String given) {
    boolean postgresql = given.startsWith("jdbc:postgresql:");
    if (postgresql && given.split("\\?", 2)[0].contains("@")) {
      throw wrong(
          optionOrVariable()
              + " has an @ before its parameters, which the driver would take for a part of the"
              + " host: use --username and --password-file");
    }
    // The driver would log what it cannot parse, with the password that may be in it.
    Properties properties = postgresql ? Driver.parseURL(given, null) : null;
    if (properties == null) {
      throw wrong(optionOrVariable() + " is not of the form " + FORM);
    }
    return properties;
  }

  private String optionOrVariable() {
    return url == null ? "WIP_VIEWS_URL" : "--url";
  }

  private void libpq(PGSimpleDataSource dataSource) {
    if (first(variable("PGSERVICE")) != null) {
      throw wrong("PGSERVICE is not read: set PGHOST and PGDATABASE in its place, or give --url");
    }
    String host = variable("PGHOST");
    String database = variable("PGDATABASE");
    if (host == null && database == null) {
      throw wrong(
          "no database was named: give --url "
              + FORM
              + " with --username and --password-file, or set WIP_VIEWS_URL, or PGHOST and"
              + " PGDATABASE");
    }
    if (host != null && host.startsWith("/")) {
      throw wrong("PGHOST is a socket's directory, but only TCP is supported: name a host");
    }
    dataSource.setServerNames(new String[] {host == null ? "localhost" : host});
    dataSource.setPortNumbers(new int[] {port()});
    // libpq's rule: the database of the user's own name.
    dataSource.setDatabaseName(first(database, username, variable("PGUSER")));
  }

  private int port() {
    String port = variable("PGPORT");
    if (port == null) {
      return 5432;
    }
    if (!port.matches("\\d{1,5}") || Integer.parseInt(port) < 1 || Integer.parseInt(port) > 65535) {
      throw wrong("PGPORT is not a port from 1 to 65535: " + port);
    }
    return Integer.parseInt(port);
  }

  private String firstLine(Path file) {
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      String line = reader.readLine();
      return line == null ? "" : line;
    } catch (CharacterCodingException e) {
      throw wrong("the password file " + file + " is not UTF-8");
    } catch (IOException e) {
      throw wrong("cannot read the password file " + file);
    }
  }

  private @Nullable String variable(String name) {
    return ((WipViewsCommand) spec.root().userObject()).environment().get(name);
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private static @Nullable String first(@Nullable String... values) {
    for (String value : values) {
      if (value != null && !value.isEmpty()) {
        return value;
      }
    }
    return null;
  }
}
