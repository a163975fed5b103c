package com.f2x.neurohub.wipviews.migration;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a deploy would do, from a real build that was rolled back: {@link WipViewsMigration#plan}.
 *
 * @param changesets those that would do something new, in their order
 * @param views those that would be promoted, in their order
 * @param refusals why the deploy would stop; empty if it would succeed
 */
public record Plan(List<Changeset> changesets, List<View> views, List<Refusal> refusals) {

  /** Keeps copies. */
  public Plan {
    changesets = List.copyOf(changesets);
    views = List.copyOf(views);
    refusals = List.copyOf(refusals);
  }

  /** Tells whether the deploy would succeed, or have nothing to do. */
  public boolean succeeds() {
    return refusals.isEmpty();
  }

  /** Tells whether the deploy would have nothing to do. */
  public boolean hasNothingToDo() {
    return changesets.isEmpty() && views.isEmpty() && refusals.isEmpty();
  }

  /**
   * A changeset that would do something new.
   *
   * @param id its id
   * @param author its author
   * @param file the changelog that it is in, as Liquibase knows it
   * @param notTried why it is only named, and was not run; null if it was run, and undone
   */
  public record Changeset(String id, String author, String file, @Nullable String notTried) {}

  /** What becomes of a view. */
  public enum Action {
    /** There is none of the name yet. */
    CREATE,
    /** The new one takes the place of the live one. */
    REPLACE,
    /** It is gone, and comes back with what the registry knows of it. */
    BRING_BACK,
    /** It was deployed with a higher version, and stays as it is. */
    KEEP,
    /** It is frozen, stays as it is, and takes what is deployed when it is thawed. */
    DEFER
  }

  /**
   * A view that would be promoted.
   *
   * @param view its name
   * @param action what becomes of it
   * @param buildTime how long its file took; null if it is kept, or if the file is refused
   * @param refreshTime what the last refreshes on record took on average; null if there are none
   * @param rows the rows of the live one beside the new ones; null as buildTime
   * @param columns those that are added, dropped, retyped or moved, and those in which rows differ
   * @param dependants what depends on it, each with its fate
   * @param lost what the live one has beside its query and the new one would not have, as the
   *     statements that gave it: grants, comments and settings of dropped columns, indexes that the
   *     file no longer makes; null if the role that deploys cannot tell, since it may not make a
   *     schema
   * @param holders who holds it, or what has to be replaced with it, right now: the promotion would
   *     wait for these
   */
  public record View(
      String view,
      Action action,
      @Nullable Duration buildTime,
      @Nullable Duration refreshTime,
      @Nullable Rows rows,
      List<Column> columns,
      List<Dependant> dependants,
      @Nullable List<String> lost,
      List<Holder> holders) {

    /** Keeps copies. */
    public View {
      columns = List.copyOf(columns);
      dependants = List.copyOf(dependants);
      lost = lost == null ? null : List.copyOf(lost);
      holders = List.copyOf(holders);
    }
  }

  /**
   * The rows of the live view, which are as old as its last refresh, beside the new ones.
   *
   * @param key the columns of the unique key by which they were compared; empty if they were not
   * @param live how many the live view has; null if it has none that can be read
   * @param built how many the new one has; null if it could not be read
   * @param added how many have a key that the live one does not have; null if not compared
   * @param removed how many of the live one have a key that the new one does not have; null if not
   *     compared
   * @param changed how many differ in a column that does not depend on the time; null if not
   *     compared
   * @param problem why they could not be compared; null if they were, or there is nothing to
   *     compare
   */
  public record Rows(
      List<String> key,
      @Nullable Long live,
      @Nullable Long built,
      @Nullable Long added,
      @Nullable Long removed,
      @Nullable Long changed,
      @Nullable String problem) {

    /** Keeps a copy of the key. */
    public Rows {
      key = List.copyOf(key);
    }
  }

  /** What becomes of a column. */
  public enum Change {
    /** It is in both, with the same type, in the same order. */
    KEPT,
    /** It is new. */
    ADDED,
    /** It is no longer there. */
    DROPPED,
    /** It has another type. */
    RETYPED,
    /** It has another place among the columns that both have. */
    MOVED
  }

  /**
   * A column.
   *
   * @param name its name
   * @param change what becomes of it
   * @param typeWas its type in the live view; null if it is added
   * @param type its type in the new one; null if it is dropped
   * @param differingRows how many rows of the same key differ in it
   * @param timeDependent whether it derives from the clock, so that it differs after every refresh
   */
  public record Column(
      String name,
      Change change,
      @Nullable String typeWas,
      @Nullable String type,
      long differingRows,
      boolean timeDependent) {}

  /** What becomes of what depends on a view. */
  public enum Fate {
    /** It reads nothing that is replaced. */
    UNTOUCHED,
    /** It is defined again in its place. */
    REPLACED,
    /** A materialized view or an index: a new one is built, and takes its place. */
    REBUILT,
    /** It is dropped and created, with all that it has. */
    RECREATED,
    /** It does not fit the new view, and stops the deploy. */
    REFUSED,
    /** It reads something that is refused. */
    UNDECIDED
  }

  /**
   * What depends on a view.
   *
   * @param kind view, materialized view, index, function, policy and so on
   * @param name its name
   * @param fate what becomes of it
   * @param problem why it is refused; null if it is not
   */
  public record Dependant(String kind, String name, Fate fate, @Nullable String problem) {}

  /**
   * Who holds a view, or what has to be replaced with it.
   *
   * @param description the session, what it holds, and since when its transaction is open
   * @param remedy the statement that ends it
   */
  public record Holder(String description, String remedy) {}

  /**
   * Why the deploy would stop.
   *
   * @param subject the view, or the changeset, that it would stop at; null if it would not begin
   * @param reason why
   * @param remedy what to do; null if nothing is known to help
   */
  public record Refusal(@Nullable String subject, String reason, @Nullable String remedy) {}
}
