package com.f2x.neurohub.wipviews.promote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Of two instances of a service the older one may deploy last. */
class ViewVersionTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  @BeforeEach
  void noView() throws SQLException {
    database.execute("SELECT wip_view_remove(view_name) FROM wip_view");
  }

  /** Deploys the view with its version in its rows, and returns what the server said last. */
  private static String deploy(String name, String version) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      String literal = version == null ? "NULL" : "'" + version + "'";
      statement.execute("SELECT wip_view_stage('" + name + "')");
      statement.execute(
          "CREATE MATERIALIZED VIEW " + name + " AS SELECT 1 AS id, " + literal + " AS of_version");
      statement.execute("CREATE UNIQUE INDEX " + name + "_id_idx ON " + name + " (id)");
      statement.execute("SELECT wip_view_promote('" + name + "', version => " + literal + ")");
      String said = statement.getWarnings().getMessage();
      connection.commit();
      return said;
    }
  }

  private static String live(String name) throws SQLException {
    return database.value("SELECT of_version FROM " + name);
  }

  @ParameterizedTest
  @CsvSource({"2, 1", "2.10, 2.9", "2.1, 2.0.9", "2026.11.27, 2026.9.30", "3-SNAPSHOT, 2.9", "1,"})
  void an_older_version_leaves_a_newer_one_and_says_so(String newer, String older)
      throws Exception {
    deploy("mv_a", newer);

    assertThat(deploy("mv_a", older))
        .startsWith("mv_a stays as version " + newer + " has deployed it");

    assertThat(live("mv_a")).isEqualTo(newer);
    assertThat(database.value("SELECT version FROM wip_view")).isEqualTo(newer);
    assertThat(database.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^wip_'")).isEmpty();
    assertThat(database.rows("SELECT * FROM wip_view_drift()")).isEmpty();
  }

  @Thorough
  @ParameterizedTest
  @CsvSource({"1, 2", "2.9, 2.10", "2.0, 2", "2, 2.0", "2.1-SNAPSHOT, 2.1", ", 1", ","})
  void the_same_version_or_a_newer_one_takes_over(String older, String newer) throws Exception {
    deploy("mv_a", older);

    deploy("mv_a", newer);

    assertThat(live("mv_a")).isEqualTo(newer);
  }

  @Thorough
  @Test
  void to_go_back_is_a_version_too() throws Exception {
    deploy("mv_a", "1");
    deploy("mv_a", "2");
    deploy("mv_a", "1");
    assertThat(live("mv_a")).isEqualTo("2");

    deploy("mv_a", "3");
    assertThat(live("mv_a")).isEqualTo("3");
  }

  @ParameterizedTest
  @ValueSource(strings = {"next", "", "v2"})
  void a_version_without_a_number_is_refused(String version) {
    assertThatThrownBy(() -> deploy("mv_a", version))
        .hasMessageContaining("version \"" + version + "\" of mv_a does not begin with a number");
  }

  @Thorough
  @Test
  void the_registry_brings_back_the_version_that_it_has() throws Exception {
    deploy("mv_a", "2");
    database.execute("DROP MATERIALIZED VIEW mv_a");

    assertThatThrownBy(() -> deploy("mv_a", "1"))
        .hasMessageContaining("mv_a is missing; version 2 of it was deployed, and this is 1")
        .hasMessageContaining("wip-views recreate mv_a");

    database.execute("SELECT wip_view_recreate('mv_a')");
    assertThat(live("mv_a")).isEqualTo("2");
    assertThat(database.value("SELECT version FROM wip_view")).isEqualTo("2");
  }

  @Thorough
  @Test
  void an_older_version_does_not_bring_back_a_former_name() throws Exception {
    deploy("mv_old", "2");
    database.execute("SELECT wip_view_rename('mv_old', 'mv_new')");

    assertThat(deploy("mv_old", "1")).startsWith("mv_new stays as version 2 has deployed it");

    assertThat(database.rows("SELECT view_name, former_names FROM wip_view"))
        .containsExactly(List.of("mv_new", "{mv_old}"));
    assertThat(database.value("SELECT to_regclass('mv_old')")).isNull();
  }
}
