package com.f2x.neurohub.wipviews.internal;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import java.util.function.Function;
import liquibase.change.Change;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.ChangeSet.ExecType;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.visitor.AbstractChangeExecListener;
import liquibase.database.Database;
import org.jspecify.annotations.Nullable;

/** Finds the promotions among the changesets that Liquibase runs. */
public final class PromotionListener extends AbstractChangeExecListener {

  private final Function<String, Consumer<@Nullable Throwable>> promotions;
  private final Deque<Consumer<@Nullable Throwable>> running = new ArrayDeque<>();

  /**
   * A listener.
   *
   * @param promotions as in {@link DeployListener}
   */
  public PromotionListener(Function<String, Consumer<@Nullable Throwable>> promotions) {
    this.promotions = promotions;
  }

  /** With the first change: a changeset whose preconditions fail promotes nothing. */
  @Override
  public void willRun(
      Change change, ChangeSet changeSet, DatabaseChangeLog changelog, Database database) {
    if (running.isEmpty()) {
      Entry.of(changeSet).forEach(entry -> running.push(promotions.apply(entry.view())));
    }
  }

  @Override
  public void ran(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, ExecType execType) {
    end(null);
  }

  @Override
  public void runFailed(
      ChangeSet changeSet, DatabaseChangeLog changelog, Database database, Exception failure) {
    end(failure);
  }

  private void end(@Nullable Throwable failure) {
    while (!running.isEmpty()) {
      running.pop().accept(failure);
    }
  }
}
