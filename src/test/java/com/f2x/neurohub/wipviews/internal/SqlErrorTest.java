package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.NoSuchElementException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SqlErrorTest {

  /** As HikariCP, a driver's own pool and DBCP2 throw it; Tomcat and c3p0 have their own types. */
  static Stream<SQLException> usedUpPools() {
    return Stream.of(
        new SQLTransientConnectionException("Connection is not available"),
        new SQLTimeoutException("no connection in time"),
        new SQLException("Cannot get a connection", new NoSuchElementException("Timeout")));
  }

  @ParameterizedTest
  @MethodSource("usedUpPools")
  void a_used_up_pool_is_told_from_a_server_that_is_away(SQLException thrown) {
    SqlError error = SqlError.in(new RuntimeException("Error getting connection", thrown));

    assertThat(error.unavailable()).isTrue();
    assertThat(error.sqlState()).isEqualTo("08000");
    assertThat(error.message())
        .isEqualTo("all connections of the pool are in use: " + thrown.getMessage());
    assertThat(error.hint()).contains("pool");
  }

  @Test
  void a_pool_that_cannot_connect_says_what_the_driver_said() {
    SQLException refused = new SQLException("Connection refused", "08001");

    assertThat(SqlError.in(new SQLTransientConnectionException("not available", "08001", refused)))
        .isEqualTo(new SqlError("08001", "Connection refused", null));
    assertThat(SqlError.in(new SQLNonTransientConnectionException("closed")).sqlState())
        .isEqualTo("08000");
  }

  /** Agroal gives a plain SQLException, as every pool does that was closed. */
  @Test
  void what_has_no_sqlstate_while_connecting_is_of_the_pool() {
    SQLException thrown = new SQLException("Sorry, acquisition timeout!");

    assertThat(SqlError.in(thrown).unavailable()).isFalse();
    assertThat(SqlError.whileConnecting(thrown).unavailable()).isTrue();
    assertThat(SqlError.whileConnecting(thrown).message())
        .isEqualTo("the pool gave no connection: Sorry, acquisition timeout!");
    assertThat(SqlError.whileConnecting(new SQLException("refused", "28P01")).sqlState())
        .isEqualTo("28P01");
  }

  @Test
  void a_sqlstate_that_was_given_is_kept() {
    assertThat(SqlError.in(new SQLTransientConnectionException("full", "53300")).sqlState())
        .isEqualTo("53300");
    assertThat(SqlError.in(new SQLException("no state")).sqlState()).isNull();
    assertThat(SqlError.in(new SQLException("no state")).unavailable()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"08006", "28P01", "57P01", "3D000", "53300"})
  void a_database_that_is_away_refuses_or_has_gone(String sqlState) {
    assertThat(new SqlError(sqlState, "", null).unavailable()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"57014", "55P03", "42P01"})
  void a_statement_that_fails_is_not_a_database_that_is_away(String sqlState) {
    assertThat(new SqlError(sqlState, "", null).unavailable()).isFalse();
  }

  @Test
  void an_error_is_found_among_the_causes_and_said_in_one_line() {
    SqlError error =
        SqlError.in(new RuntimeException("wrapped", new SQLException("one\n  two", "22012")));

    assertThat(error).isEqualTo(new SqlError("22012", "one two", null));
    assertThat(SqlError.in(new RuntimeException("no database"))).isNull();
  }

  @Test
  void otherwise_the_innermost_message_says_what_happened() {
    assertThat(SqlError.innermostMessage(new RuntimeException("outer", new Exception("in\nner"))))
        .isEqualTo("in ner");
    assertThat(SqlError.innermostMessage(new IllegalStateException()))
        .isEqualTo("IllegalStateException");
  }
}
