package com.f2x.neurohub.wipviews;

import com.f2x.neurohub.wipviews.internal.SqlError;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What went wrong, in one sentence, and what to do next. The root of a small unchecked hierarchy;
 * thrown as such for an error of the database that no other type describes.
 */
public class WipViewsException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String message;
  private final @Nullable String view;
  private final @Nullable String sqlState;
  private final @Nullable String remedy;

  /**
   * Describes a failure.
   *
   * @param message what went wrong, one sentence without a password in it; not null
   * @param view name of the view that it is about; null if none
   * @param sqlState SQLSTATE of the database's error; null if there was none
   * @param remedy what to do next, one sentence or a command; null if nothing is known to help
   * @param cause the error beneath; null if none
   */
  public WipViewsException(
      String message,
      @Nullable String view,
      @Nullable String sqlState,
      @Nullable String remedy,
      @Nullable Throwable cause) {
    super(message, cause);
    this.message = message;
    this.view = view;
    this.sqlState = sqlState;
    this.remedy = remedy;
  }

  /**
   * Describes a failure of the database, or of whatever ran on it.
   *
   * @param view name of the view that it is about; null if none
   * @param failure what was thrown; not null; returned as it is if it is of this type already
   * @return a {@link DatabaseUnavailableException} if the database could not be reached or went
   *     away
   */
  public static WipViewsException of(@Nullable String view, Throwable failure) {
    if (failure instanceof WipViewsException described) {
      return described;
    }
    return of(view, SqlError.in(failure), failure);
  }

  /** Describes a failure to get a connection. */
  static WipViewsException whileConnecting(@Nullable String view, Throwable failure) {
    return of(view, SqlError.whileConnecting(failure), failure);
  }

  private static WipViewsException of(
      @Nullable String view, @Nullable SqlError error, Throwable failure) {
    if (error == null) {
      return new WipViewsException(SqlError.innermostMessage(failure), view, null, null, failure);
    }
    @Nullable String remedy =
        switch (error.sqlState() == null ? "" : error.sqlState()) {
          case "3D000" -> "Check the database's name in the URL.";
          case "3F000" -> "Check the schema's name.";
          case "2BP01" -> "Drop or change these first.";
          // 08004: the driver has no password to give
          case "28P01", "28000", "08004" ->
              "Check the user name and the password, and pg_hba.conf.";
          case "53300" -> "Try again, or close some connections.";
          case "55P03" ->
              "Another session holds the lock; try again, or allow a longer lock timeout.";
          case "57014" -> "Try again, or allow a longer statement timeout.";
          case "25006" -> "Connect to the primary; a standby gets all this by replication.";
          case "42501" -> "Do it as the owner, or have the owner grant this role the right.";
          default ->
              error.unavailable() ? "Check that the server runs, and its host and port." : null;
        };
    if (error.isOfSsl()) {
      remedy = "Check sslmode and the certificates, and whether the server has SSL on.";
    }
    if (error.hint() != null) {
      remedy = error.hint();
    }
    return error.unavailable()
        ? new DatabaseUnavailableException(error.message(), view, error.sqlState(), remedy, failure)
        : new WipViewsException(error.message(), view, error.sqlState(), remedy, failure);
  }

  /** Returns what went wrong, in one sentence; never null. */
  @Override
  public String getMessage() {
    return message;
  }

  /** Returns the name of the view that this is about, if it is about one. */
  public final Optional<String> view() {
    return Optional.ofNullable(view);
  }

  /** Returns the SQLSTATE of the database's error, if there was one. */
  public final Optional<String> sqlState() {
    return Optional.ofNullable(sqlState);
  }

  /** Returns what to do next, a sentence or a command, if something is known to help. */
  public final Optional<String> remedy() {
    return Optional.ofNullable(remedy);
  }
}
