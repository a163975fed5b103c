package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_BLOCKERS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_DAILY;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_FRESHNESS;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_HISTORY;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_ORDER;
import static com.f2x.neurohub.wipviews.jooq.Tables.WIP_VIEW_REFRESH;

import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.internal.doctor.Doctor;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** What one {@link WipViews} reads: the views, and what the database knows of them. */
final class ViewQueries {

  private final Sessions sessions;

  ViewQueries(Sessions sessions) {
    this.sessions = sessions;
  }

  List<Freshness> freshness() {
    return sessions.reading(
        null, (connection, db) -> db.selectFrom(WIP_VIEW_FRESHNESS).fetch(Freshness::of));
  }

  /** Empty if the view is not registered. */
  Optional<Freshness> freshness(String view) {
    return sessions.reading(
        view,
        (connection, db) ->
            db.selectFrom(WIP_VIEW_FRESHNESS)
                .where(WIP_VIEW_FRESHNESS.VIEW_NAME.eq(view))
                .fetchOptional(Freshness::of));
  }

  /** Whether a view has rows that are not older than this. */
  boolean isFresh(String view, Duration maxAge) {
    return freshness(view)
        .filter(row -> row.state() == State.FRESH || row.state() == State.STALE)
        .map(Freshness::age)
        .filter(age -> age.compareTo(maxAge) <= 0)
        .isPresent();
  }

  List<Refresh> history(@Nullable String view, int limit) {
    return sessions.reading(
        view,
        (connection, db) ->
            db.selectFrom(WIP_VIEW_HISTORY)
                .where(unlessNull(WIP_VIEW_HISTORY.VIEW_NAME, view))
                .orderBy(WIP_VIEW_HISTORY.REFRESH_ID.desc())
                .limit(limit)
                .fetch(row -> Refresh.of(row.into(WIP_VIEW_REFRESH))));
  }

  List<DailyRefreshes> daily(@Nullable String view, int days) {
    return sessions.reading(
        view,
        (connection, db) ->
            db.select(WIP_VIEW_DAILY.fields())
                .from(WIP_VIEW_DAILY)
                .leftJoin(WIP_VIEW_ORDER)
                .on(WIP_VIEW_ORDER.VIEW_NAME.eq(WIP_VIEW_DAILY.VIEW_NAME))
                .where(WIP_VIEW_DAILY.DAY.gt(DSL.currentLocalDate().minus(days)))
                .and(unlessNull(WIP_VIEW_DAILY.VIEW_NAME, view))
                .orderBy(
                    WIP_VIEW_DAILY.DAY.desc(), WIP_VIEW_ORDER.POSITION, WIP_VIEW_DAILY.VIEW_NAME)
                .fetch(row -> DailyRefreshes.of(row.into(WIP_VIEW_DAILY))));
  }

  private static Condition unlessNull(Field<String> name, @Nullable String view) {
    return view == null ? DSL.noCondition() : name.eq(view);
  }

  <R extends Record> List<R> rows(Table<R> view) {
    try {
      return sessions.reading(view.getName(), (connection, db) -> db.selectFrom(view).fetch());
    } catch (NotDeployedException e) {
      throw e;
    } catch (WipViewsException e) {
      // a view that is registered was deployed, and has been dropped since
      if (!e.sqlState().equals(Optional.of("42P01")) || freshness(view.getName()).isEmpty()) {
        throw e;
      }
      throw new WipViewsException(
          "materialized view \"" + view.getName() + "\" is missing",
          view.getName(),
          e.sqlState().orElse(null),
          "Bring it back: " + CommandLines.of(sessions.schema(), "recreate", view.getName()),
          e.getCause());
    }
  }

  List<Blocker> blockers() {
    return sessions.reading(
        null, (connection, db) -> db.selectFrom(WIP_VIEW_BLOCKERS).fetch(Blocker::of));
  }

  List<Finding> findings() {
    return deployed(
        (connection, db) ->
            Doctor.examine(connection, db.render(WIP_VIEW)).stream().map(Finding::of).toList());
  }

  List<RelationSize> sizes() {
    return deployed(
        (connection, db) ->
            Doctor.sizes(connection, db.render(WIP_VIEW)).stream().map(RelationSize::of).toList());
  }

  /** Fails where there is no registry, without which there is nothing to look at. */
  private <T> T deployed(Sessions.Query<T> query) {
    return sessions.query(
        null,
        (connection, db) -> {
          db.selectOne().from(WIP_VIEW).limit(0).execute();
          return query.run(connection, db);
        });
  }
}
