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
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
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
            .build();
  }

  private Json() {}

  public static String write(Object value) {
    return Mapper.INSTANCE.writeValueAsString(value);
  }

  /** A row of {@code wip_view_refresh}. */
  public record Attempt(
      Long refreshId,
      String viewName,
      String outcome,
      String mode,
      String modeReason,
      Instant requestedAt,
      Instant startedAt,
      Instant finishedAt,
      Duration duration,
      Long rows,
      Long bytes,
      Long servedBy,
      String sqlstate,
      String error,
      String role,
      String applicationName,
      Long callId,
      Integer pid) {

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

  /** A row of {@code wip_view_freshness}. */
  public record ViewFreshness(
      String viewName,
      String state,
      Instant lastRefreshedAt,
      Duration age,
      Duration target,
      Instant lastAttemptAt,
      String lastOutcome,
      String lastError,
      Duration lastDuration,
      Long rows,
      Long bytes,
      @JsonProperty("failures_in_a_row") long failuresInARow,
      Long deadRows,
      Instant runningSince,
      Duration runningFor,
      Integer runningPid,
      long waitingCallers,
      Instant frozenSince) {

    public static ViewFreshness of(Freshness freshness) {
      return new ViewFreshness(
          freshness.view(),
          ConstantNames.of(freshness.state()),
          freshness.lastRefreshedAt(),
          freshness.age(),
          freshness.target(),
          freshness.lastAttemptAt(),
          ConstantNames.ofNullable(freshness.lastOutcome()),
          freshness.lastError(),
          freshness.lastDuration(),
          freshness.rows(),
          freshness.bytes(),
          freshness.failuresInARow(),
          freshness.deadRows(),
          freshness.runningSince(),
          freshness.runningFor(),
          freshness.runningPid(),
          freshness.waitingCallers(),
          freshness.frozenSince());
    }
  }

  /** A row of {@code wip_view_daily}. */
  public record Day(
      String viewName,
      LocalDate day,
      long attempts,
      long refreshed,
      long coalesced,
      long failed,
      Duration p50Duration,
      Duration p95Duration,
      Duration maxDuration,
      long frozen) {

    public static Day of(DailyRefreshes refreshes) {
      return new Day(
          refreshes.view(),
          refreshes.day(),
          refreshes.attempts(),
          refreshes.refreshed(),
          refreshes.coalesced(),
          refreshes.failed(),
          refreshes.p50Duration(),
          refreshes.p95Duration(),
          refreshes.maxDuration(),
          refreshes.frozen());
    }
  }

  /** A view that was frozen or thawed, and what else uses the columns of its tables. */
  public record Freezing(List<String> views, List<UsedColumns> users) {}

  /** A row of {@code wip_view_column_users()}. */
  public record UsedColumns(String object, String tableName, List<String> columns) {

    public static UsedColumns of(ColumnUser user) {
      return new UsedColumns(user.object(), user.table(), user.columns());
    }
  }

  /** A row of {@code wip_view_blockers}. */
  public record Blocked(
      int blockedPid,
      String blockedRole,
      String blockedApplicationName,
      String blockedQuery,
      Duration blockedFor,
      String lockMode,
      String lockOn,
      int pid,
      String role,
      String applicationName,
      String state,
      String query,
      Duration transactionAge,
      String remedy) {

    public static Blocked of(Blocker blocker) {
      return new Blocked(
          blocker.blockedPid(),
          blocker.blockedRole(),
          blocker.blockedApplicationName(),
          blocker.blockedQuery(),
          blocker.blockedFor(),
          blocker.lockMode(),
          blocker.lockOn(),
          blocker.pid(),
          blocker.role(),
          blocker.applicationName(),
          blocker.state(),
          blocker.query(),
          blocker.transactionAge(),
          blocker.remedy());
    }
  }

  /**
   * What the doctor says.
   *
   * @param healthy true if there is no finding: nothing is wrong, and every check could look
   * @param findings what is wrong or unknown, after the fix if there was one
   * @param applied what {@code --fix} ran
   * @param sizes the views and the tables that they read
   */
  public record Diagnosis(
      boolean healthy, List<Found> findings, List<Applied> applied, List<Size> sizes) {

    public static Diagnosis of(
        List<Finding> findings, List<Applied> applied, List<RelationSize> sizes) {
      return new Diagnosis(
          findings.isEmpty(),
          findings.stream().map(Found::of).toList(),
          applied,
          sizes.stream().map(Size::of).toList());
    }
  }

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

  /** A finding. */
  public record Found(
      String check,
      String severity,
      String subject,
      String what,
      String why,
      List<String> remedy,
      boolean safe) {

    public static Found of(Finding finding) {
      return new Found(
          finding.check(),
          ConstantNames.of(finding.severity()),
          finding.subject(),
          finding.what(),
          finding.why(),
          finding.remedy(),
          finding.safe());
    }
  }

  /** A statement that was run, and why it failed; null if it did not. */
  public record Applied(String statement, String error) {}

  /** The size of a view or table. */
  public record Size(String name, long rows, long deadRows, Long bytes) {

    public static Size of(RelationSize size) {
      return new Size(size.name(), size.rows(), size.deadRows(), size.bytes());
    }
  }
}
