package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A database that cannot be reached: one line that says why, from every entrance. */
class DatabaseUnavailableExceptionTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String ROLE = "locked_out_of_" + database.name();
  private static final String WRONG = "not-the-right-password";
  private static boolean trusting;

  /** A server that trusts everybody is made to ask this one role for its password. */
  @BeforeAll
  static void a_role_that_needs_a_password() throws Exception {
    database.execute("CREATE ROLE " + ROLE + " LOGIN PASSWORD 'right'");
    trusting = getsIn();
    if (trusting) {
      hba("convert_to('host all " + ROLE + " all scram-sha-256' || chr(10), 'UTF8') || hba");
      Await.until("the server asks for a password", () -> !getsIn());
    }
  }

  @AfterAll
  static void the_server_is_as_it_was() throws Exception {
    if (trusting) {
      hba("substr(hba, position(convert_to(chr(10), 'UTF8') IN hba) + 1)");
    }
    database.execute("DROP ROLE " + ROLE);
  }

  private static boolean getsIn() throws SQLException {
    try (Connection connection = database.connect(ROLE, WRONG)) {
      return connection.isValid(0);
    } catch (SQLException e) {
      if (e.getSQLState().equals("28P01")) {
        return false;
      }
      throw e;
    }
  }

  private static void hba(String rewritten) throws SQLException {
    // a large object can only be exported by a later statement than the one that made it
    database.execute(
        "SELECT lo_from_bytea(1, "
            + rewritten
            + ") FROM pg_read_binary_file(current_setting('hba_file')) AS hba",
        "SELECT lo_export(1, current_setting('hba_file'))",
        "SELECT lo_unlink(1)",
        "SELECT pg_reload_conf()");
  }

  @Test
  void a_wrong_password_is_refused_in_one_line_without_the_password() {
    DataSource dataSource = database.dataSource(ROLE, WRONG);

    refused(
        dataSource,
        "28P01",
        "password authentication failed for user \"" + ROLE + "\"",
        "Check the user name and the password, and pg_hba.conf.");
  }

  @Test
  void an_unknown_database_is_named() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(database.url().replace(database.name(), "no_such_database"));
    dataSource.setUser(database.user());
    dataSource.setPassword(database.password());

    refused(
        dataSource,
        "3D000",
        "database \"no_such_database\" does not exist",
        "Check the database's name in the URL.");
  }

  @Test
  void a_server_that_does_not_run_is_named() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl("jdbc:postgresql://127.0.0.1:1/mes");
    dataSource.setUser("mes");

    refused(
        dataSource,
        "08001",
        "Connection to 127.0.0.1:1 refused.",
        "Check that the server runs, and its host and port.");
  }

  @Test
  void a_host_that_is_not_known_is_named() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl("jdbc:postgresql://no-such-host.invalid/mes");
    dataSource.setUser("mes");

    refused(
        dataSource,
        "08001",
        "unknown host no-such-host.invalid",
        "Check that the server runs, and its host and port.");
  }

  @Thorough
  @ParameterizedTest
  @ValueSource(strings = {"require", "bogus"})
  void what_is_wrong_with_ssl_is_said_to_be_ssl(String sslmode) throws SQLException {
    assumeThat(database.value("SHOW ssl")).isEqualTo("off");
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(database.url());
    dataSource.setUser(database.user());
    dataSource.setPassword(database.password());
    dataSource.setSslMode(sslmode);

    assertThatThrownBy(() -> WipViews.of(dataSource).freshness())
        .isInstanceOfSatisfying(
            DatabaseUnavailableException.class,
            e ->
                assertThat(e.remedy())
                    .hasValue(
                        "Check sslmode and the certificates, and whether the server has SSL on."));
  }

  private static void refused(
      DataSource dataSource, String sqlState, String message, String remedy) {
    Stream<ThrowingCallable> entrances =
        Stream.of(
            () -> WipViews.of(dataSource).freshness(),
            () -> WipViews.of(dataSource).refreshAll(),
            () -> WipViews.of(dataSource).history(null, 1),
            () -> WipViews.of(dataSource).recreate(),
            () -> WipViewsMigration.of(dataSource).update(),
            () -> WipViewsMigration.of(dataSource).rollback());
    entrances.forEach(
        entrance ->
            assertThatThrownBy(entrance)
                .isInstanceOfSatisfying(
                    DatabaseUnavailableException.class,
                    e -> {
                      assertThat(e.sqlState()).hasValue(sqlState);
                      assertThat(e.remedy()).hasValue(remedy);
                      assertThat(e.getMessage())
                          .startsWith(message)
                          .doesNotContain("\n")
                          .doesNotContain(WRONG);
                    }));
  }
}
