package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViews;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletPath;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.web.servlet.function.RequestPredicates;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;

/** {@code POST /admin/refresh-wip-views}, when it is switched on, in a service on Spring MVC. */
@AutoConfiguration(after = WipViewsAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({RouterFunction.class, DispatcherServletPath.class})
@ConditionalOnBooleanProperty("wip-views.http.enabled")
final class WipViewsHttpAutoConfiguration {

  /**
   * A route and not a controller: a service whose own package is above this one would find a
   * controller by scanning, switched on or not.
   */
  @Bean
  RouterFunction<ServerResponse> wipViewsRoute(WipViews views, WipViewsProperties properties) {
    String path = properties.http().path();
    return RouterFunctions.route()
        .POST(path, request -> response(HttpResult.to(() -> HttpResult.views(views.refreshAll()))))
        .route(
            RequestPredicates.path(path),
            request ->
                response(
                    HttpResult.refused(
                        HttpStatus.METHOD_NOT_ALLOWED, "POST refreshes; nothing else is here"),
                    HttpMethod.POST))
        .build();
  }

  private static ServerResponse response(HttpResult answer, HttpMethod... allowed) {
    ServerResponse.BodyBuilder response = ServerResponse.status(answer.status());
    if (allowed.length > 0) {
      response.allow(allowed);
    }
    return response.contentType(answer.contentType()).body(answer.body());
  }

  /** Asked once every bean is there, and before the service answers the first request. */
  @Bean
  SmartInitializingSingleton wipViewsProtection(
      ApplicationContext context,
      WipViewsProperties properties,
      ObjectProvider<DispatcherServletPath> servlet) {
    return () -> {
      String path = properties.http().path();
      DispatcherServletPath mapping = servlet.getIfAvailable();
      String url = mapping == null ? path : mapping.getRelativePath(path);
      SecurityCheck.demand(context, properties, "wip-views.http.enabled is true", url, "");
    };
  }
}
