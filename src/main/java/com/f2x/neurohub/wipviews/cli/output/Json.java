package com.f2x.neurohub.wipviews.cli.output;

import com.f2x.neurohub.wipviews.Blocker;
import com.f2x.neurohub.wipviews.DailyRefreshes;
import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RelationSize;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import com.f2x.neurohub.wipviews.migration.ColumnUser;
import com.f2x.neurohub.wipviews.migration.Plan;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.cfg.EnumFeature;
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
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .disable(DateTimeFeature.WRITE_DATES_AS_TIMESTAMPS)
            .enable(DateTimeFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
            .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .addMixIn(Freshness.class, FreshnessColumns.class)
            .addMixIn(DailyRefreshes.class, DailyColumns.class)
            .addMixIn(Blocker.class, BlockerColumns.class)
            .addMixIn(ColumnUser.class, ColumnUserColumns.class)
            .build();
  }

  private Json() {}

  public static String write(Object value) {
    return Mapper.INSTANCE.writeValueAsString(value);
  }

  /** A row of {@code wip_view_refresh}, or none: what a command that refreshes did with a view. */
  public record Attempt(
      @Nullable Long refreshId,
      String viewName,
      String outcome,
      @Nullable String mode,
      @Nullable String modeReason,
      @Nullable Instant requestedAt,
      @Nullable Instant startedAt,
      @Nullable Instant finishedAt,
      @Nullable Duration duration,
      @Nullable Long rows,
      @Nullable Long bytes,
      @Nullable Long servedBy,
      @Nullable String sqlstate,
      @Nullable String error,
      @Nullable String role,
      @Nullable String applicationName,
      @Nullable Long callId,
      @Nullable Integer pid) {

    public static Attempt of(Refresh refresh) {
      return new Attempt(
          refresh.id(),
          refresh.view(),
          ConstantNames.of(refresh.outcome()),
          ConstantNames.ofNullable(refresh.mode()),
          refresh.modeReason(),
          refresh.requestedAt(),
          refresh.startedAt(),
          refresh.finishedAt(),
          refresh.duration(),
          refresh.rows(),
          refresh.bytes(),
          refresh.servedBy(),
          refresh.sqlState(),
          refresh.error(),
          refresh.role(),
          refresh.applicationName(),
          refresh.callId(),
          refresh.pid());
    }

    /** No attempt was made: the view was fresh enough. */
    public static Attempt skipped(String view) {
      return new Attempt(
          null, view, "skipped", null, null, null, null, null, null, null, null, null, null, null,
          null, null, null, null);
    }
  }

  /** As the columns of {@code wip_view_freshness} are called. */
  private interface FreshnessColumns {
    @JsonProperty("view_name")
    String view();

    @JsonProperty("failures_in_a_row")
    long failuresInARow();
  }

  /** As the columns of {@code wip_view_daily} are called. */
  private interface DailyColumns {
    @JsonProperty("view_name")
    String view();
  }

  /** As the columns of {@code wip_view_column_users()} are called. */
  private interface ColumnUserColumns {
    @JsonProperty("table_name")
    String table();
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
