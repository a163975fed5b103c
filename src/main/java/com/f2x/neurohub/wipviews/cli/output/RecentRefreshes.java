package com.f2x.neurohub.wipviews.cli.output;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_HISTORY;

import com.f2x.neurohub.wipviews.WipViews;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jooq.Record3;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** The last refreshes of a view, in the order in which they were asked for. */
public record RecentRefreshes(List<Attempt> attempts) {

  private static final String LEVELS = "▁▂▃▄▅▆▇█";
  private static final String FAILED = "×";

  /**
   * An attempt that was refreshed or failed.
   *
   * @param at when it was asked for
   * @param took how long it took; null if it failed. Zero if a clock that was set back says less.
   */
  public record Attempt(Instant at, @Nullable Duration took) {
    public Attempt {
      took = took != null && took.isNegative() ? Duration.ZERO : took;
    }
  }

  /**
   * Reads the last refreshes of every registered view.
   *
   * @param limit how many of each at most
   * @return by name of the view, in refresh order; empty where there is none
   */
  public static Map<String, RecentRefreshes> byView(WipViews views, int limit) {
    Table<Record3<OffsetDateTime, Duration, Long>> last =
        DSL.lateral(
            DSL.select(
                    WIP_VIEW_HISTORY.REQUESTED_AT,
                    WIP_VIEW_HISTORY.DURATION,
                    WIP_VIEW_HISTORY.REFRESH_ID)
                .from(WIP_VIEW_HISTORY)
                .where(WIP_VIEW_HISTORY.VIEW_NAME.eq(WIP_VIEW.VIEW_NAME))
                .and(WIP_VIEW_HISTORY.OUTCOME.in("refreshed", "failed"))
                .orderBy(WIP_VIEW_HISTORY.REFRESH_ID.desc())
                .limit(limit)
                .asTable("last"));
    Map<String, RecentRefreshes> byView = new LinkedHashMap<>();
    views
        .read(
            db ->
                db.select(
                        WIP_VIEW.VIEW_NAME,
                        last.field(WIP_VIEW_HISTORY.REQUESTED_AT),
                        last.field(WIP_VIEW_HISTORY.DURATION))
                    .from(WIP_VIEW)
                    .leftJoin(last)
                    .on(DSL.trueCondition())
                    .orderBy(
                        WIP_VIEW.REFRESH_ORDER,
                        WIP_VIEW.VIEW_NAME,
                        last.field(WIP_VIEW_HISTORY.REFRESH_ID))
                    .fetch())
        .forEach(
            row -> {
              RecentRefreshes recent =
                  byView.computeIfAbsent(row.value1(), view -> new RecentRefreshes());
              if (row.value2() != null) {
                recent.attempts.add(new Attempt(row.value2().toInstant(), row.value3()));
              }
            });
    return byView;
  }

  public RecentRefreshes() {
    this(new ArrayList<>());
  }

  /** The same in the order of time, without what was more than a day before the latest. */
  public RecentRefreshes lastDay() {
    List<Attempt> inTime = attempts.stream().sorted(Comparator.comparing(Attempt::at)).toList();
    if (inTime.isEmpty()) {
      return this;
    }
    Instant dayBefore = inTime.get(inTime.size() - 1).at().minus(Duration.ofDays(1));
    return new RecentRefreshes(
        inTime.stream().filter(attempt -> attempt.at().isAfter(dayBefore)).toList());
  }

  /** Returns how long the longest took; zero if there is none. */
  public Duration longest() {
    return attempts.stream()
        .map(Attempt::took)
        .filter(Objects::nonNull)
        .max(Comparator.naturalOrder())
        .orElse(Duration.ZERO);
  }

  /** Returns a line of blocks, as high as the refresh took long, and a cross where one failed. */
  public String sparkline() {
    long longest = Math.max(1, longest().toNanos());
    StringBuilder line = new StringBuilder();
    for (Attempt attempt : attempts) {
      line.append(
          attempt.took() == null
              ? FAILED
              : LEVELS.charAt((int) Math.min(7, 8.0 * attempt.took().toNanos() / longest)));
    }
    return line.toString();
  }
}
