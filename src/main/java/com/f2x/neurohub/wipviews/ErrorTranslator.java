package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.ChangelogFiles;
import com.f2x.neurohub.wipviews.internal.CommandLines;
import com.f2x.neurohub.wipviews.internal.MissingObjects;
import com.f2x.neurohub.wipviews.internal.SqlError;
import java.util.List;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** What an error of the database means to a caller of {@link WipViews}. */
final class ErrorTranslator {

  /** Raised by wip_view_request_all(). */
  private static final String NO_VIEW_REGISTERED = "WV001";

  private static final List<String> MISSING_NAME = List.of("42883", "3F000", "42P01");

  private static final String MISSING_RIGHT = "42501";

  /** Whether the role has all that a caller needs. */
  private static final String MAY_CALL =
      """
      -- anybody may have put a function of the same name beside ours
      SELECT pg_catalog.bool_and(
        pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        AND pg_catalog.has_table_privilege(freshness.oid, 'SELECT')
        AND pg_catalog.has_function_privilege(request.oid, 'EXECUTE'))
      FROM pg_catalog.pg_namespace AS n
      JOIN pg_catalog.pg_class AS freshness ON freshness.relnamespace = n.oid AND freshness.relname = 'wip_view_freshness'
      JOIN pg_catalog.pg_proc AS request ON request.pronamespace = n.oid AND request.proname = 'wip_view_request'
      WHERE n.nspname = coalesce({0}::text, pg_catalog.current_schema())
      """;

  private final DSLContext db;
  private final @Nullable String schema;

  /**
   * @param db used to look up what is deployed, where the error is not enough
   * @param schema where everything is deployed; null for the one on top of the search_path
   */
  ErrorTranslator(DSLContext db, @Nullable String schema) {
    this.db = db;
    this.schema = schema;
  }

  /** An error outside a refresh: an unknown object is the view that was requested. */
  WipViewsException ofRequest(@Nullable String view, Exception failure) {
    WipViewsException described = of(view, failure);
    return described.sqlState().equals(Optional.of("42704"))
        // raised by wip_view_request()
        ? new UnknownViewException(
            described.getMessage(), view, described.remedy().orElse(null), failure)
        : described;
  }

  /** Distinguishes an object that a deploy should have created from a name in the view's query. */
  WipViewsException of(@Nullable String view, Exception failure) {
    WipViewsException described = WipViewsException.of(view, failure);
    String state = described.sqlState().orElse("");
    if (state.equals(MISSING_RIGHT)) {
      // a hint of the server is better
      SqlError error = SqlError.in(failure);
      return error == null || error.hint() != null ? described : ofMissingRight(described, failure);
    }
    if (state.equals(NO_VIEW_REGISTERED)) {
      return new NotDeployedException(
          described.getMessage(), view, state, described.remedy().orElse(null), failure);
    }
    if (!MISSING_NAME.contains(state)) {
      return described;
    }
    List<String> missing;
    try {
      missing = MissingObjects.in(db, schema);
    } catch (DataAccessException e) {
      // a caller's transaction, which the failure ended: only the message is left
      return state.equals("3F000")
              || ChangelogFiles.objectNames().stream().anyMatch(described.getMessage()::contains)
          ? new NotDeployedException(
              "wip-views is not deployed in this schema, or not all of it: "
                  + described.getMessage(),
              view,
              state,
              "Find out what to do: " + CommandLines.of(schema, "doctor"),
              failure)
          : described;
    }
    if (missing.isEmpty()) {
      return described;
    }
    return missing.equals(ChangelogFiles.engineObjectNames())
        ? new NotDeployedException(
            "wip-views is not deployed in this schema: " + described.getMessage(),
            view,
            state,
            "Name the schema that it was deployed to, or deploy it: "
                + CommandLines.of(schema, "update"),
            failure)
        : new NotDeployedException(
            "wip-views is incomplete in this schema: " + String.join(", ", missing) + " missing",
            view,
            state,
            "Bring it back: " + CommandLines.of(schema, "recreate"),
            failure);
  }

  /**
   * A refresh runs with the rights of the owner: the missing right may be the owner's, not the
   * caller's.
   */
  private WipViewsException ofMissingRight(WipViewsException described, Exception failure) {
    boolean callers;
    try {
      callers =
          db.resultQuery(MAY_CALL, DSL.val(schema)).fetchOptional(0, Boolean.class).orElse(false);
    } catch (DataAccessException e) {
      described.addSuppressed(e);
      return described;
    }
    return new WipViewsException(
        described.getMessage(),
        described.view().orElse(null),
        MISSING_RIGHT,
        callers
            ? "The owner of the view or of the functions lacks this right. Find out which statement"
                + " gives it: "
                + CommandLines.of(schema, "doctor")
            : "Deploy with the parameter refresherRole or readerRole naming this role, or grant it"
                + " the right.",
        failure);
  }

  /**
   * Whether an interrupt ended the wait for a connection; the pool may have cleared the flag since.
   */
  static boolean isOfAnInterrupt(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof InterruptedException) {
        return true;
      }
    }
    return false;
  }

  static WipViewsException interrupted(@Nullable String view, Throwable cause) {
    return new WipViewsException(
        "cancelled, because the calling thread was interrupted",
        view,
        "57014",
        "Try again; the view kept the rows it had.",
        cause);
  }

  /** An interrupt ends the whole call. */
  static WipViewsException notTried(String view, @Nullable String interruptedAt) {
    return new WipViewsException(
        "not tried: the call was cancelled at " + interruptedAt,
        view,
        "57014",
        "Try again; the view kept the rows it had.",
        null);
  }

  /** What the server says of the same, where the wait was in this JVM. */
  static WipViewsException tookTooLong(@Nullable String view, boolean locked, Throwable cause) {
    return locked
        ? new WipViewsException(
            "lock timeout while waiting for another call of this process",
            view,
            "55P03",
            "Try again, or allow a longer lock timeout.",
            cause)
        : new WipViewsException(
            "statement timeout while waiting for another call of this process",
            view,
            "57014",
            "Try again, or allow a longer statement timeout.",
            cause);
  }

  /** The failure of a view that was not refreshed, because one that it reads could not be. */
  static WipViewsException ofSource(String view, String source, WipViewsException failure) {
    return again(
        failure,
        view,
        source + ", which it reads, could not be refreshed: " + failure.getMessage());
  }

  /** The same failure for another caller, on its own thread, caused by the first one. */
  static WipViewsException shared(WipViewsException first) {
    return again(first, first.view().orElse(null), first.getMessage());
  }

  private static WipViewsException again(
      WipViewsException first, @Nullable String view, String message) {
    @Nullable String state = first.sqlState().orElse(null);
    @Nullable String remedy = first.remedy().orElse(null);
    if (first instanceof UnknownViewException) {
      return new UnknownViewException(message, view, remedy, first);
    } else if (first instanceof NotDeployedException) {
      return new NotDeployedException(message, view, state, remedy, first);
    } else if (first instanceof DatabaseUnavailableException) {
      return new DatabaseUnavailableException(message, view, state, remedy, first);
    }
    return new WipViewsException(message, view, state, remedy, first);
  }
}
