package com.f2x.neurohub.wipviews.cli.output;

import com.f2x.neurohub.wipviews.Blocker;
import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RelationSize;
import com.f2x.neurohub.wipviews.internal.Columns;
import com.f2x.neurohub.wipviews.migration.ColumnUser;
import com.f2x.neurohub.wipviews.migration.Plan;
import com.fasterxml.jackson.annotation.JsonIgnore;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategy;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.cfg.MapperConfig;
import tools.jackson.databind.introspect.AnnotatedMethod;
import tools.jackson.databind.json.JsonMapper;

/**
 * The JSON that scripts rely on. Its properties are named after the columns of {@code
 * wip_view_refresh}, {@code wip_view_freshness} and {@code wip_view_daily} and are always present,
 * possibly null; times are ISO 8601 in UTC, durations are seconds.
 */
public final class Json {

  /** Apart, so that a command which prints no JSON loads none of Jackson. */
  private static final class Mapper {

    static final JsonMapper INSTANCE =
        JsonMapper.builder()
            .propertyNamingStrategy(new ColumnNames())
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .disable(DateTimeFeature.WRITE_DATES_AS_TIMESTAMPS)
            .enable(DateTimeFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
            .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .addMixIn(Blocker.class, BlockerColumns.class)
            .build();
  }

  private static final class ColumnNames extends PropertyNamingStrategy {

    private static final long serialVersionUID = 1;

    @Override
    public String nameForGetterMethod(
        MapperConfig<?> config, AnnotatedMethod method, String defaultName) {
      return Columns.name(method.getAnnotated());
    }
  }

  private Json() {}

  public static String write(Object value) {
    return Mapper.INSTANCE.writeValueAsString(value);
  }

  /** The row of a view that was fresh enough, so that no attempt was made. */
  public static Map<String, @Nullable Object> skipped(String view) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    for (RecordComponent component : Refresh.class.getRecordComponents()) {
      row.put(Columns.name(component.getAccessor()), null);
    }
    row.put("view_name", view);
    row.put("outcome", "skipped");
    return row;
  }

  /** As the columns of {@code wip_view_blockers} are called. */
  private interface BlockerColumns {
    @JsonIgnore
    boolean isHidden();
  }

  /** A view that was frozen or thawed, and what else uses the columns of its tables. */
  public record Freezing(List<String> views, List<ColumnUser> users) {}

  /**
   * What the doctor says.
   *
   * @param healthy true if there is no finding: nothing is wrong, and every check could look
   * @param findings what is wrong or unknown, after the fix if there was one
   * @param applied what {@code --fix} ran
   * @param sizes the views and the tables that they read
   */
  public record Diagnosis(
      boolean healthy, List<Finding> findings, List<Applied> applied, List<RelationSize> sizes) {}

  /**
   * What a deploy would do.
   *
   * @param succeeds whether it would succeed
   */
  public record Planned(
      boolean succeeds,
      List<Plan.Changeset> changesets,
      List<Plan.View> views,
      List<Plan.Refusal> refusals) {

    public static Planned of(Plan plan) {
      return new Planned(plan.succeeds(), plan.changesets(), plan.views(), plan.refusals());
    }
  }

  /** A statement that was run, and why it failed; null if it did not. */
  public record Applied(String statement, @Nullable String error) {}
}
