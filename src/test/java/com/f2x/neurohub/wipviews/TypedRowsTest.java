package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.REFRESH_ALL_WIP_VIEWS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;
import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.jooq.tables.records.WipViewRefreshRecord;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import java.lang.reflect.RecordComponent;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jooq.Field;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SQL and Java say the same of a refresh: the same columns, of the same types, with one value. */
class TypedRowsTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final Map<String, Class<?>> JAVA_TYPES =
      Map.of(
          "int4", Integer.class,
          "int8", Long.class,
          "text", String.class,
          "timestamptz", OffsetDateTime.class,
          "interval", Duration.class);

  private final WipViews views = WipViews.of(database.dataSource());

  @Test
  void generated_columns_have_the_functions_names_and_types() throws Exception {
    List<String> columns = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT * FROM refresh_all_wip_views()")) {
      ResultSetMetaData described = result.getMetaData();
      for (int i = 1; i <= described.getColumnCount(); i++) {
        columns.add(
            described.getColumnName(i) + " " + JAVA_TYPES.get(described.getColumnTypeName(i)));
      }
    }

    assertThat(columns).containsExactlyElementsOf(columns(REFRESH_ALL_WIP_VIEWS.fields()));
    assertThat(columns).containsExactlyElementsOf(columns(WIP_VIEW_REFRESH.fields()));
  }

  private static List<String> columns(Field<?>[] fields) {
    return Arrays.stream(fields).map(field -> field.getName() + " " + field.getType()).toList();
  }

  @Test
  void a_refresh_has_a_component_for_each_column() {
    Map<String, String> renamed =
        Map.of("refreshId", "id", "viewName", "view", "sqlstate", "sqlState");

    assertThat(Arrays.stream(Refresh.class.getRecordComponents()).map(RecordComponent::getName))
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(WIP_VIEW_REFRESH.fields())
                // bookkeeping, which nobody outside reads
                .filter(field -> !field.equals(WIP_VIEW_REFRESH.SERVED_FROM))
                .filter(field -> !field.equals(WIP_VIEW_REFRESH.ROWS_AS_OF))
                .map(field -> camelCase(field.getName()))
                .map(name -> renamed.getOrDefault(name, name))
                .toList());
  }

  private static String camelCase(String name) {
    StringBuilder camelCase = new StringBuilder();
    for (String word : name.split("_")) {
      camelCase.append(
          camelCase.isEmpty()
              ? word
              : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1));
    }
    return camelCase.toString();
  }

  @Test
  void function_and_java_call_give_the_same_rows_but_for_times() throws Exception {
    List<Refresh> sql = new ArrayList<>();
    try (Connection connection = database.connect()) {
      DSL.using(connection, SQLDialect.POSTGRES)
          .selectFrom(REFRESH_ALL_WIP_VIEWS.call())
          .fetchInto(WipViewRefreshRecord.class)
          .forEach(row -> sql.add(Refresh.of(row)));
    }
    List<Refresh> java = views.refreshAll();

    assertThat(java)
        .usingRecursiveFieldByFieldElementComparatorIgnoringFields(
            "id", "callId", "pid", "requestedAt", "startedAt", "finishedAt", "duration")
        .containsExactlyElementsOf(sql);
    assertThat(sql)
        .extracting(Refresh::view)
        .containsExactly("mv_wip_status_dashboard", "mv_process_wip_queue");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "refresh_all_wip_views()",
        "refresh_process_wip_queue()",
        "refresh_wip_status_dashboard()",
        "refresh_wip_view('mv_process_wip_queue')"
      })
  void rows_of_a_function_are_those_of_the_history_as_in_java(String function) throws Exception {
    List<Map<String, Object>> returned;
    List<Map<String, Object>> kept = new ArrayList<>();
    try (Connection connection = database.connect()) {
      returned = ExpectedFigures.rows(connection, "SELECT * FROM " + function);
      for (Map<String, Object> row : returned) {
        kept.addAll(
            ExpectedFigures.rows(
                connection,
                "SELECT * FROM wip_view_refresh WHERE refresh_id = " + row.get("refresh_id")));
      }
    }
    assertThat(returned).isNotEmpty().isEqualTo(kept);

    List<Refresh> java = views.history(null, returned.size());
    for (int i = 0; i < returned.size(); i++) {
      same(java.get(returned.size() - 1 - i), returned.get(i));
    }
  }

  @Test
  void the_rows_that_java_returns_are_those_of_the_history() throws Exception {
    for (Refresh refresh : views.refreshAll()) {
      try (Connection connection = database.connect()) {
        same(
            refresh,
            ExpectedFigures.rows(
                    connection, "SELECT * FROM wip_view_refresh WHERE refresh_id = " + refresh.id())
                .get(0));
      }
    }
  }

  private static void same(Refresh java, Map<String, Object> row) {
    assertThat(row.get("refresh_id")).isEqualTo(java.id());
    assertThat(row.get("view_name")).isEqualTo(java.view());
    assertThat(row.get("outcome")).isEqualTo(java.outcome().name().toLowerCase(Locale.ROOT));
    assertThat(row.get("mode")).isEqualTo(java.mode().name().toLowerCase(Locale.ROOT));
    assertThat(row.get("mode_reason")).isEqualTo(java.modeReason());
    assertThat(row.get("requested_at")).isEqualTo(java.requestedAt());
    assertThat(row.get("started_at")).isEqualTo(java.startedAt());
    assertThat(row.get("finished_at")).isEqualTo(java.finishedAt());
    assertThat(java.duration())
        .isEqualTo(
            Duration.between((Instant) row.get("started_at"), (Instant) row.get("finished_at")));
    assertThat(row.get("rows")).isEqualTo(java.rows());
    assertThat(row.get("served_by")).isEqualTo(java.servedBy());
    assertThat(row.get("sqlstate")).isEqualTo(java.sqlState());
    assertThat(row.get("error")).isEqualTo(java.error());
    assertThat(row.get("role")).isEqualTo(java.role());
    assertThat(row.get("application_name")).isEqualTo(java.applicationName());
  }
}
