package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database, or a JVM, whose settings are not the usual ones: everything does what it does
 * elsewhere, and what one session printed is read by another.
 */
@Thorough
class SessionSettingsTest {

  private final TestDatabase database = TestDatabase.mes();
  private final WipViewsMigration migration = WipViewsMigration.of(database.dataSource());

  @BeforeEach
  void create() throws SQLException {
    database.create();
  }

  @AfterEach
  void drop() throws SQLException {
    database.drop();
  }

  /** All of a kind at once, then each kind and its other values. */
  static Stream<String> of_a_database_change_nothing_that_wip_views_does() {
    String printed =
        "intervalstyle = iso_8601; datestyle = 'German, DMY'; timezone = 'Asia/Kolkata';"
            + " extra_float_digits = '-15'; bytea_output = escape; xmlbinary = hex;"
            + " quote_all_identifiers = on";
    String meant =
        "standard_conforming_strings = off; escape_string_warning = off; backslash_quote = on;"
            + " transform_null_equals = on; array_nulls = off; xmloption = document";
    String called =
        "plpgsql.variable_conflict = use_column; plpgsql.extra_errors = 'all';"
            + " check_function_bodies = off; row_security = off";
    String limits =
        "idle_in_transaction_session_timeout = '1h'; statement_timeout = '1h'; lock_timeout = '1h'";
    String deferred =
        "default_transaction_isolation = serializable; default_transaction_deferrable = on";
    return Stream.of(
        String.join("; ", printed, meant, called, limits, "search_path = ''"),
        deferred + "; session_replication_role = replica",
        printed,
        meant,
        called,
        limits,
        deferred,
        "search_path = ''",
        "session_replication_role = replica",
        "intervalstyle = sql_standard; datestyle = 'SQL, DMY'; lc_messages = 'C'",
        "plpgsql.variable_conflict = use_variable",
        "default_transaction_isolation = 'repeatable read'");
  }

  @ParameterizedTest
  @MethodSource
  void of_a_database_change_nothing_that_wip_views_does(String settings) throws Exception {
    List<String> objects = database.objects();
    for (String setting : settings.split("; *")) {
      database.execute("ALTER DATABASE " + database.name() + " SET " + setting);
    }

    deploysRefreshesAndRollsBack();

    database.execute("ALTER DATABASE " + database.name() + " RESET ALL");
    assertThat(database.objects()).isEqualTo(objects);
  }

  @Test
  void what_one_session_deployed_is_no_drift_to_another() throws Exception {
    PGSimpleDataSource other = (PGSimpleDataSource) database.dataSource();
    other.setOptions(
        "-c intervalstyle=iso_8601 -c quote_all_identifiers=on -c datestyle=German,DMY"
            + " -c standard_conforming_strings=off -c extra_float_digits=0");
    WipViewsMigration.of(other).update();

    assertThat(database.rows("SELECT wip_view_drift()")).isEmpty();
    assertThat(problems()).isEmpty();
    migration.recreate(List.of());
    assertThat(WipViews.of(other).diagnose()).extracting(Finding::check).doesNotContain("drift");
  }

  static Stream<String> of_the_jvm_change_nothing_either() {
    return Stream.of("ar-EG-u-nu-arab", "tr-TR", "th-TH-u-ca-buddhist-nu-thai");
  }

  @ParameterizedTest
  @MethodSource
  void of_the_jvm_change_nothing_either(String locale) throws Exception {
    Locale usual = Locale.getDefault();
    TimeZone zone = TimeZone.getDefault();
    Locale.setDefault(Locale.forLanguageTag(locale));
    TimeZone.setDefault(TimeZone.getTimeZone("Pacific/Chatham"));
    try {
      deploysRefreshesAndRollsBack();
    } finally {
      Locale.setDefault(usual);
      TimeZone.setDefault(zone);
    }
  }

  @Test
  void a_limit_of_the_database_is_not_one_of_a_deploy() throws Exception {
    database.execute("ALTER DATABASE " + database.name() + " SET statement_timeout = '1h'");
    migration.update();
    String limits = "SELECT limits FROM deploy_limits";
    database.execute(
        "CREATE MATERIALIZED VIEW deploy_limits AS"
            + " SELECT current_setting('statement_timeout') AS limits FROM mv_process_wip_queue");
    assertThat(database.value(limits)).isEqualTo("1h");

    migration.recreate(List.of("mv_process_wip_queue"));
    assertThat(database.value(limits)).isEqualTo("0");

    PGSimpleDataSource limited = (PGSimpleDataSource) database.dataSource();
    limited.setOptions("-c statement_timeout=2h");
    WipViewsMigration.of(limited).recreate(List.of("mv_process_wip_queue"));
    assertThat(database.value(limits)).isEqualTo("2h");
  }

  private void deploysRefreshesAndRollsBack() throws SQLException {
    migration.update();
    List<String> lines = new ArrayList<>();
    migration.withProgress(lines::add).update();
    assertThat(lines)
        .containsExactly(
            "preflight", "engine-preflight", "settings", "thresholds", "access", "drift");
    assertThat(
            database.rows(
                "SELECT FROM pg_catalog.pg_class WHERE relname ~ '^wip_views_wip_.*_idx$'"))
        .isEmpty();

    bothAreRefreshed();
    database.execute("CALL public.refresh_wip_views()");
    assertThat(problems()).isEmpty();
    migration.recreate(List.of());
    bothAreRefreshed();
    migration.rollback();
  }

  private void bothAreRefreshed() {
    WipViews views = WipViews.of(database.dataSource()).withSchema("public");
    assertThat(views.refreshAll())
        .extracting(Refresh::outcome)
        .containsExactly(Refresh.Outcome.REFRESHED, Refresh.Outcome.REFRESHED);
    assertThat(views.freshness()).extracting(Freshness::state).containsOnly(Freshness.State.FRESH);
    assertThat(views.freshness()).allSatisfy(view -> assertThat(view.target()).hasMinutes(20));
  }

  private List<Finding> problems() {
    return WipViews.of(database.dataSource()).withSchema("public").diagnose().stream()
        .filter(finding -> !finding.check().equals("never-analyzed"))
        .toList();
  }
}
