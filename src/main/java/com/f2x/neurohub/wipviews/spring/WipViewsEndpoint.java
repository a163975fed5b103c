package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.Columns;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jooq.Table;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpoint;
import org.springframework.http.HttpStatus;

/**
 * {@code GET /actuator/wipviews} and {@code …/wipviews/{view}}: freshness and the latest attempts,
 * 20 or {@code ?limit=}. {@code POST} to either refreshes, and answers like {@code POST
 * /admin/refresh-wip-views}.
 */
@WebEndpoint(id = "wipviews")
final class WipViewsEndpoint {

  private static final int LIMIT = 20;

  private final WipViews views;

  WipViewsEndpoint(WipViews views) {
    this.views = views;
  }

  @ReadOperation
  WebEndpointResponse<Object> read(@Nullable Integer limit) {
    return read(limit, views::freshness, null);
  }

  @ReadOperation
  WebEndpointResponse<Object> read(@Selector String view, @Nullable Integer limit) {
    Table<?> table = WipViews.view(view);
    return read(limit, () -> List.of(views.freshness(table)), table);
  }

  @WriteOperation
  WebEndpointResponse<Object> refresh() {
    return response(HttpResult.to(() -> HttpResult.views(views.refreshAll())));
  }

  @WriteOperation
  WebEndpointResponse<Object> refresh(@Selector String view) {
    return response(
        HttpResult.to(() -> HttpResult.views(List.of(views.refresh(WipViews.view(view))))));
  }

  private WebEndpointResponse<Object> read(
      @Nullable Integer limit, Supplier<List<Freshness>> freshness, @Nullable Table<?> view) {
    int attempts = limit == null ? LIMIT : limit;
    if (attempts < 1) {
      return response(HttpResult.refused(HttpStatus.BAD_REQUEST, "limit must be at least 1"));
    }
    return response(
        HttpResult.to(
            () -> {
              Map<String, Object> body = new LinkedHashMap<>();
              body.put("views", freshness.get().stream().map(Columns::of).toList());
              body.put("history", views.history(view, attempts).stream().map(Columns::of).toList());
              return body;
            }));
  }

  private static WebEndpointResponse<Object> response(HttpResult answer) {
    return new WebEndpointResponse<>(answer.body(), answer.status().value(), answer.contentType());
  }
}
