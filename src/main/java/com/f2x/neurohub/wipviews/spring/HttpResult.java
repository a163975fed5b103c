package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.DatabaseUnavailableException;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.RefreshFailedException;
import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.Columns;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;

/**
 * The response to a caller over HTTP: the result, or a problem as in RFC 9457.
 *
 * @param status 200; 400 or 405 for an invalid call; 404 for a view that is not registered; 409 if
 *     a lock held by others kept every view from being refreshed, so that trying again will help;
 *     503 if there is no database; else 500, also if only some views failed, since a caller that
 *     checks only the status (curl -f, a monitor, an external scheduler) would take any 2xx for
 *     success
 * @param body a JSON object; after a refresh it has in {@code views} what happened to each view,
 *     also when it is a problem
 */
record HttpResult(HttpStatus status, Object body) {

  private static final Logger LOG = LoggerFactory.getLogger(HttpResult.class);
  private static final String LOCK_NOT_AVAILABLE = "55P03";

  static HttpResult to(Supplier<Map<String, Object>> question) {
    try {
      return new HttpResult(HttpStatus.OK, question.get());
    } catch (WipViewsException e) {
      return problem(status(e), e);
    } catch (RuntimeException e) {
      LOG.error("answered 500", e);
      return new HttpResult(
          HttpStatus.INTERNAL_SERVER_ERROR,
          ProblemDetail.forStatusAndDetail(
              HttpStatus.INTERNAL_SERVER_ERROR, "unexpected error; it is in the service's log"));
    }
  }

  static HttpResult refused(HttpStatus status, String detail) {
    return new HttpResult(status, ProblemDetail.forStatusAndDetail(status, detail));
  }

  static Map<String, Object> views(List<Refresh> refreshes) {
    return Map.of("views", refreshes.stream().map(Columns::of).toList());
  }

  MediaType contentType() {
    return body instanceof ProblemDetail
        ? MediaType.APPLICATION_PROBLEM_JSON
        : MediaType.APPLICATION_JSON;
  }

  private static HttpResult problem(HttpStatus status, WipViewsException e) {
    LOG.warn("answered {}: {}", status.value(), e.getMessage());
    ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, e.getMessage());
    e.view().ifPresent(view -> problem.setProperty("view_name", view));
    e.sqlState().ifPresent(sqlState -> problem.setProperty("sqlstate", sqlState));
    e.remedy().ifPresent(remedy -> problem.setProperty("remedy", remedy));
    if (e instanceof RefreshFailedException failed) {
      views(failed.refreshes()).forEach(problem::setProperty);
    }
    return new HttpResult(status, problem);
  }

  private static HttpStatus status(WipViewsException e) {
    if (e instanceof UnknownViewException) {
      return HttpStatus.NOT_FOUND;
    }
    // a view that was refreshed has no SQLSTATE
    List<String> sqlStates =
        e instanceof RefreshFailedException failed && !failed.refreshes().isEmpty()
            ? failed.refreshes().stream().map(Refresh::sqlState).toList()
            : List.of(e.sqlState().orElse(""));
    if (sqlStates.stream().allMatch(LOCK_NOT_AVAILABLE::equals)) {
      return HttpStatus.CONFLICT;
    }
    return sqlStates.stream().allMatch(Objects::nonNull) && isUnavailable(e)
        ? HttpStatus.SERVICE_UNAVAILABLE
        : HttpStatus.INTERNAL_SERVER_ERROR;
  }

  /**
   * Also if the database went away during a refresh, and came back so that this could be recorded.
   */
  private static boolean isUnavailable(WipViewsException e) {
    return e instanceof DatabaseUnavailableException
        || e instanceof RefreshFailedException
            && e.getCause() != null
            && WipViewsException.of(null, e.getCause()) instanceof DatabaseUnavailableException;
  }
}
