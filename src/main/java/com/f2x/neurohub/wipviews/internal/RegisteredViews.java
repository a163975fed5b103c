package com.f2x.neurohub.wipviews.internal;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.jooq.Param;
import org.jooq.Record;
import org.jooq.RecordMapper;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * Freezes and thaws views, and undoes promotions, each in a transaction of its own.
 *
 * @param listener told what is done
 */
public record RegisteredViews(Target target, DeployListener listener) {

  /** Freezes views, and the ordinary ones that only they read; none for all. */
  public List<String> freeze(Collection<String> views) throws SQLException {
    return each("wip_view_freezable", "wip_view_freeze", views);
  }

  /** Thaws views, and the ordinary ones that they read; none for all. */
  public List<String> thaw(Collection<String> views) throws SQLException {
    return each("wip_view_thawable", "wip_view_thaw", views);
  }

  /** Brings back what the last promotions replaced. */
  public List<String> recreatePrevious(Collection<String> views) throws SQLException {
    refuseUndeployed();
    for (String view : views) {
      call("wip_view_recreate_previous", view);
    }
    return List.copyOf(views);
  }

  /** Reads what else uses columns of the tables that views read; none for all. */
  public <T> List<T> columnUsers(Collection<String> views, RecordMapper<Record, T> row)
      throws SQLException {
    refuseUndeployed();
    return target.ask(
        db ->
            db.resultQuery(
                    "SELECT * FROM {0}({1})",
                    DSL.name(target.schema(), "wip_view_column_users"), names(views))
                .fetch(row));
  }

  private void refuseUndeployed() throws SQLException {
    if (!MissingObjects.isDeployed(target)) {
      throw new Refusal(
          "wip-views is not deployed in schema " + target.schema(),
          Refusal.NOT_IN_PREREQUISITE_STATE,
          "Deploy it first: " + target.command("update"));
    }
  }

  private List<String> each(String list, String function, Collection<String> views)
      throws SQLException {
    refuseUndeployed();
    List<String> names =
        target.ask(
            db ->
                db.resultQuery(
                        "SELECT * FROM {0}({1})", DSL.name(target.schema(), list), names(views))
                    .fetch(0, String.class));
    for (String name : names) {
      call(function, name);
    }
    return names;
  }

  /** Calls a function that promotes a view. */
  void call(String function, String view) throws SQLException {
    listener.progress().accept(view);
    Consumer<@Nullable Throwable> promotion = listener.promotions().apply(view);
    try {
      execute(function, view);
      promotion.accept(null);
    } catch (SQLException | RuntimeException e) {
      promotion.accept(e);
      throw e;
    }
  }

  private void execute(String function, String view) throws SQLException {
    try (PreparedStatement statement =
        target
            .connection()
            .prepareStatement("SELECT " + target.qualified(function) + "(?::pg_catalog.text)")) {
      statement.setString(1, view);
      statement.execute();
      for (SQLWarning said = statement.getWarnings(); said != null; said = said.getNextWarning()) {
        listener.progress().accept("  " + said.getMessage().strip());
      }
    }
  }

  private static Param<String[]> names(Collection<String> views) {
    return DSL.val(views.isEmpty() ? null : views.toArray(String[]::new), String[].class);
  }
}
