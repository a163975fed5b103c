package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SqlErrorTest {

  @Test
  void a_pool_without_a_connection_is_a_database_that_is_away() {
    assertThat(SqlError.in(new SQLTransientConnectionException("timed out")).unavailable())
        .isTrue();
    assertThat(SqlError.in(new SQLNonTransientConnectionException("closed")).sqlState())
        .isEqualTo("08000");
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
